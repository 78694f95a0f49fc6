"""`nissa replay`: a recorded run through the same operators, as tables or as one JSON document."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nissa.cli.documents import write_json
from nissa.cli.errors import UsageError
from nissa.cli.terminal import say, terminal
from nissa.pipeline.replay import Replay, replay
from nissa.pipeline.sources import Account, UnreadableRunError
from nissa.sinks.console import InjectedFaults, summary

__all__ = ["add", "judged", "read_run"]

_ODD_SHOWN = 10


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("replay", help="recompute the summaries of a recorded run")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run, or a file of its lines (esper-lite's too)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--no-color", action="store_true", help="print plain text")
    parser.set_defaults(run=_run)


def read_run(path: Path, *consumers: Any) -> Replay:
    """Replay a run into consumers. Raises UsageError if there is no run at `path`."""
    try:
        return replay(path, consumers)
    except UnreadableRunError as error:
        raise UsageError(error) from None


def judged(command: str, result: Replay) -> int:
    """The exit status of a command that showed a run: 0, or 1 where the run was not read to satisfaction, and why."""
    complaint = result.reading.complaint()
    if complaint:
        sys.stderr.write(f"nissa {command}: {complaint}\n")
    return 1 if complaint else 0


def _run(arguments: argparse.Namespace) -> int:
    result = read_run(arguments.path, faults := InjectedFaults())
    if arguments.json:
        write_json(result.summary())
        return judged(arguments.command, result)
    console = terminal(no_color=arguments.no_color)
    say(console, f"Run {result.run}: {_found(result)}.")
    for problem in result.reading.problems:
        say(console, f"  {problem}", "yellow")
    for told in _foreign(result.reading.foreign):
        say(console, f"  {told}")
    console.print(summary(result.tables.snapshot(), injected=faults.text()))
    return judged(arguments.command, result)


def _foreign(account: Account | None) -> list[str]:
    """What became of the lines of another system's log, and what was odd about them."""
    if account is None:
        return []
    became = {"translated": account.translated, "carried whole": account.carried, "malformed": account.malformed}
    became |= {"duplicated": account.duplicates}
    counts = ", ".join(f"{count:,} {name}" for name, count in became.items() if count)
    added = f"; {account.added:,} starts of episodes were added" if account.added else ""
    odd = [f"{count:,} times {what}" for what, count in account.oddities()]
    if more := odd[_ODD_SHOWN:]:
        odd = [*odd[:_ODD_SHOWN], f"... and {len(more):,} more (--json)"]
    return [f"{account.lines:,} lines of {account.system}: {counts}{added}.", *odd]


def _found(result: Replay) -> str:
    reading = result.reading
    odd = {
        "unknown": reading.unknown.total(),
        "malformed": reading.malformed,
        "duplicated": reading.duplicates,
        "files cut short": reading.cut_short,
        "lost before they were written": reading.lost,
        "missing": reading.missing,
        "derived differently than recorded": result.different,
        "derived but not recorded": result.only_computed,
        "recorded but not derived again": result.only_recorded,
        "errors in operators": result.faults.counts.total(),
    }
    counts = [f"{reading.read:,} events", *(f"{count:,} {name}" for name, count in odd.items() if count)]
    return ", ".join(counts)
