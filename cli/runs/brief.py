"""`nissa brief`: one page of Markdown about a run, for a person or a language model, each claim with what backs it."""

import argparse
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nissa.cli.documents import write_json
from nissa.cli.runs.brief_claims import Claim, Known, sections
from nissa.cli.runs.brief_decisions import Decided
from nissa.cli.runs.ending import Ending, ending
from nissa.cli.runs.replay import judged, read_run
from nissa.cli.runs.trace_headlines import Headlines
from nissa.cli.terminal import write_lines
from nissa.sinks.console import InjectedFaults
from nissa.sinks.store import RunStore

__all__ = ["add"]

_NO_MARKUP = str.maketrans({"<": "&lt;", "`": "'", "[": "\\[", "\n": " "})
"""What a name may bring into a page of Markdown."""


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("brief", help="one page about a recorded run, for people and models")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run, or a file of its lines (esper-lite's too)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of Markdown")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    store, faults, decided, traces = RunStore(), InjectedFaults(), Decided(), Headlines(marks=False)
    result = read_run(arguments.path, store, faults, decided, traces, end := Ending())
    told = ending(arguments.path, end.ended)
    known = Known(result, result.tables.snapshot(), store.episodes(), decided, traces.numbered, faults.text(), told)
    found, path = sections(known), shlex.quote(str(arguments.path))
    if arguments.json:
        write_json({"run": result.run, "sections": [_plain(*section, path) for section in found]})
    else:
        write_lines(_page(result.run, found, path))
    return judged(arguments.command, result)


def _page(run: str | None, found: Sequence[tuple[str, list[Claim]]], path: str) -> Iterator[str]:
    yield f"# Run {run}".translate(_NO_MARKUP)
    for title, claims in found:
        if not claims:
            continue
        yield from ("", f"## {title}", "")
        for claim in claims:
            yield f"- {claim.says.translate(_NO_MARKUP)}" + (
                f" (`nissa {claim.see.format(path=path)}`)" if claim.see else ""
            )


def _plain(title: str, claims: Sequence[Claim], path: str) -> dict[str, Any]:
    rows = [{"says": claim.says, "see": claim.see and f"nissa {claim.see.format(path=path)}"} for claim in claims]
    return {"title": title, "claims": rows}
