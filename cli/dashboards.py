"""`nissa dashboards`: dashboards for Grafana and rules for Prometheus, for those who have their own of either."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from nissa.cli.errors import UsageError
from nissa.grafana.shipped import dashboards, prometheus_config, rule_files

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("dashboards", help="write dashboards for Grafana and rules for Prometheus to a folder")
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to write to; it is made if it is not there")
    help_source = "uid of the data source that the dashboards begin with, instead of Grafana's default Prometheus"
    parser.add_argument("--datasource", metavar="UID", help=help_source)
    help_config = "write a prometheus.yaml too, which scrapes 127.0.0.1:9464 and loads the rules"
    parser.add_argument("--prometheus-config", action="store_true", help=help_config)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    texts = _texts(arguments.datasource, arguments.prometheus_config)
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    console = Console(highlight=False, markup=False)
    console.print("\n".join(str(folder / name) for name in texts), soft_wrap=True)
    return 0


def _texts(source: str | None, config: bool) -> dict[str, str]:
    """Texts by their path in the folder."""
    boards = {f"dashboards/{name}": _json(_with_source(board, source)) for name, board in dashboards().items()}
    rules = {f"rules/{name}": text for name, text in rule_files().items()}
    return boards | rules | ({"prometheus.yaml": prometheus_config()} if config else {})


def _with_source(board: dict[str, Any], source: str | None) -> dict[str, Any]:
    """The dashboard, beginning with this data source: the first of its variables is that."""
    if source is not None:
        board["templating"]["list"][0]["current"] = {"selected": True, "text": source, "value": source}
    return board


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
