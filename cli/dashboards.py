"""`nissa dashboards`: dashboards for Grafana, rules for Prometheus and Alertmanager, for those who have their own."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError
from nissa.cli.terminal import write_lines
from nissa.grafana.assets import alertmanager_config, dashboards, prometheus_config, rule_files

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("dashboards", help="write dashboards for Grafana and rules for Prometheus to a folder")
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to write to; it is made if it is not there")
    help_source = "uid of the data source that the dashboards begin with, instead of Grafana's default Prometheus"
    parser.add_argument("--datasource", metavar="UID", help=help_source)
    help_config = "write a prometheus.yaml too, which scrapes 127.0.0.1:9464 and loads the rules"
    parser.add_argument("--prometheus-config", action="store_true", help=help_config)
    help_runbooks = "what stands before docs/runbooks.md where your people read it: put into the runbook_url of alerts"
    parser.add_argument("--runbooks", metavar="URL", default="", help=help_runbooks)
    help_grafana = "address of your Grafana: put into the dashboard_url of alerts"
    parser.add_argument("--grafana", metavar="URL", default="", help=help_grafana)
    parser.add_argument(
        "--force", action="store_true", help="overwrite files that were edited, or are of another version"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    texts = _texts(arguments)
    if not arguments.force:
        _refuse_edited(folder, texts)
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    write_lines(str(folder / name) for name in texts)
    return 0


def _refuse_edited(folder: Path, texts: Mapping[str, str]) -> None:
    """Raises UsageError where a file would be lost that is not what is written now."""
    there = {name: folder / name for name in texts if (folder / name).exists()}
    edited = [str(file) for name, file in there.items() if file.read_bytes() != texts[name].encode()]
    if edited:
        raise UsageError(f"nothing was written: edited, or of another version: {', '.join(edited)}; --force overwrites")


def _texts(arguments: argparse.Namespace) -> dict[str, str]:
    """Texts by their path in the folder."""
    source, runbooks, grafana = arguments.datasource, arguments.runbooks, arguments.grafana
    boards = {f"dashboards/{name}": _json(_with_source(board, source)) for name, board in dashboards().items()}
    rules = {f"rules/{name}": _with_addresses(text, runbooks, grafana) for name, text in rule_files().items()}
    config = {"prometheus.yaml": prometheus_config()} if arguments.prometheus_config else {}
    return {"alertmanager.yaml": alertmanager_config()} | boards | config | rules


def _with_addresses(rules: str, runbooks: str, grafana: str) -> str:
    """Rules whose alerts lead to pages at these addresses; a path stays one where none is given."""
    if runbooks:
        rules = rules.replace("runbook_url: docs/", f"runbook_url: {runbooks.rstrip('/')}/docs/")
    return rules.replace(" /d/nissa-", f" {grafana.rstrip('/')}/d/nissa-")


def _with_source(board: dict[str, Any], source: str | None) -> dict[str, Any]:
    """The dashboard, beginning with this data source: the first of its variables is that."""
    if source is not None:
        board["templating"]["list"][0]["current"] = {"selected": True, "text": source, "value": source}
    return board


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
