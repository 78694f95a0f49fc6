"""`nissa study`: does growing pay? Policies against hosts alone, of the same start and of the same size."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from nissa.cli.documents import write_json
from nissa.cli.errors import UsageError, at_least
from nissa.cli.terminal import say
from nissa.pipeline.telemetry import new_run_name

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("study", help="train longer, and compare with the host trained alone")
    parser.add_argument("--seeds", type=at_least(1), default=6, help="repetitions with seeds of their own (6)")
    parser.add_argument("--envs", type=at_least(1), default=4, help="environments of each (4)")
    parser.add_argument("--episodes", type=at_least(1), default=12, help="episodes that PPO trains in each (12)")
    parser.add_argument("--judged", type=at_least(1), default=2, help="episodes by which each group is judged (2)")
    parser.add_argument("--epochs", type=at_least(1), default=45, help="epochs of an episode (45)")
    parser.add_argument("--switches", action="store_true", help="try the switches of PPO, too: twice as long")
    parser.add_argument("--workers", type=at_least(1), default=os.cpu_count() or 1, help="processes (one a CPU)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the runs are written (runs/study-<time of day>)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    # torch takes a second to load, and only those who train need it.
    from nissa.trainer.study import StudySettings, format_report, report_rows, run_study  # noqa: PLC0415

    names = ("seeds", "envs", "episodes", "judged", "epochs", "switches")
    try:
        settings = StudySettings(**{name: getattr(arguments, name) for name in names})
    except ValueError as error:
        raise UsageError(error) from None
    out: Path = arguments.out or Path("runs") / f"study-{new_run_name()}"
    console = Console(stderr=True, highlight=False, markup=False)
    say(console, f"Training {settings.seeds} seeds; the runs go to {out}.", "dim")
    try:
        report = run_study(settings, out, arguments.workers, lambda seed: say(console, f"seed {seed} is done", "dim"))
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error}") from None
    if arguments.json:
        write_json(report_rows(report))
    else:
        sys.stdout.write(format_report(report) + "\n")
    return 0
