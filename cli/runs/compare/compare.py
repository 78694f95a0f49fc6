"""`nissa compare`: is an arm better than its hosts alone, and than another arm?"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nissa.cli.documents import write_json
from nissa.cli.errors import UsageError, at_least
from nissa.cli.runs.compare.picture import picture
from nissa.cli.runs.compare.reading import LeftOut, Run, read_runs
from nissa.cli.runs.compare.report import Report, document, lines
from nissa.cli.terminal import write_lines
from nissa.operators.comparison import Missing, Repetition, compare, repetitions

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("compare", help="compare groups of runs with their hosts alone and with each other")
    what = "a run, a folder of runs, or NAME=PATH to call what is there by a name of its own"
    parser.add_argument("runs", nargs="+", metavar="RUN", help=what)
    last = "of each environment, only the last N episodes that can be compared"
    parser.add_argument("--last", type=at_least(1), metavar="N", help=last)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the intervals, too")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    runs, left_out = read_runs(arguments.runs)
    report = _compared(runs, left_out, arguments.last)
    if not report.found.arms:
        reasons = (f"{left.path}: {left.reason}" for left in left_out)
        raise UsageError("; ".join(["there is nothing to compare", *reasons]))
    if arguments.plot:
        _write(arguments.plot, picture(report))
    if arguments.json:
        write_json(document(report))
    else:
        write_lines(lines(report))
    return int(any(left.unread for left in left_out))


def _compared(runs: Sequence[Run], left_out: list[LeftOut], last: int | None) -> Report:
    """Over runs where every arm has several; else over environments, which then answer for these runs alone."""
    by_run = _trials(runs, left_out, by="run", last=last)
    several = all(n > 1 for n in Counter(trial.arm for trial in by_run).values())
    trials = by_run if several else _trials(runs, [], by="env", last=last)
    return Report(compare(trials), "run" if several else "environment", last, left_out)


def _trials(runs: Sequence[Run], left_out: list[LeftOut], *, by: str, last: int | None) -> list[Repetition]:
    trials = []
    for run in runs:
        for found in repetitions(run.compared, by=by, last=last):
            arm = f"{run.label} {found.arm}".strip() if run.label else found.arm
            if isinstance(found, Missing):
                left_out.append(LeftOut(f"{run.path}, group {found.arm}", found.reason))
            else:
                trials.append(found._replace(arm=arm))
    return trials


def _write(path: Path, drawn: str) -> None:
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
