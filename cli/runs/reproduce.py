"""`nissa reproduce`: a recorded run trained again. Is it identical, and if not, what differs first?"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nissa.cli.errors import UsageError
from nissa.cli.runs.reproduce_text import compared_lines, run_line, without_lines
from nissa.cli.terminal import write_lines

if TYPE_CHECKING:
    from nissa.trainer.repetition import RecordedRun
    from nissa.trainer.settings import Settings

__all__ = ["add"]

_PLACE = re.compile(r"ep(\d{1,9}):epoch(\d{1,9})", re.A)


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("reproduce", help="train a recorded run again, and compare what happens")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run directory, or a file of its lines")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the repetition here (it is not kept otherwise)")
    parser.add_argument("--until", type=_place, metavar="epN:epochN", help="train and compare up to there: ep2:epoch7")
    parser.add_argument("--without", metavar="SLOT", help="train it with nothing germinating in this slot instead")
    parser.add_argument("--force", action="store_true", help="go on where commit, versions or computing differ")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        # torch takes a second to load, and only those who train need it.
        from nissa.trainer.again import Again  # noqa: PLC0415
        from nissa.trainer.repetition import (  # noqa: PLC0415
            NothingToTrainError,
            compare_runs,
            recorded_run,
            train_again,
            without_slot,
        )
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs {error.name}: pip install 'nissa[trainer]'") from None
    try:
        recorded = recorded_run(arguments.path)
        _look(recorded, arguments)
        with _directory(arguments.out) as out:
            history = train_again(recorded, out, Again(until=arguments.until, without=arguments.without))
            if arguments.without:
                write_lines(without_lines(arguments.without, *without_slot(recorded, history)))
                return 0
            found = compare_runs(recorded, out, arguments.until)
    except NothingToTrainError as error:
        raise UsageError(error) from None
    write_lines(compared_lines(found, recorded))
    return 1 if found.first else 0


def _look(recorded: "RecordedRun", arguments: argparse.Namespace) -> None:
    """Say what is trained and under which conditions, and refuse what cannot come out the same."""
    from nissa.trainer.context import run_started, seed_everything  # noqa: PLC0415
    from nissa.trainer.repetition import differing, refusals  # noqa: PLC0415

    settings = recorded.settings()
    assert recorded.started
    _refuse_places(settings, arguments)
    seed_everything(settings.seed)
    was, now = recorded.started, run_started(settings)
    reasons = [*refusals(was, now), *recorded.gaps()]
    write_lines([run_line(recorded, settings), *(f"  told: {line}" for line in differing(was, now))])
    if reasons and not arguments.force:
        raise UsageError("; ".join([*reasons, "--force trains it all the same"]))
    write_lines(f"  forced: {reason}" for reason in reasons)


def _refuse_places(settings: "Settings", arguments: argparse.Namespace) -> None:
    """What there is not in this run. Raises UsageError."""
    from nissa.trainer.network import SLOT_CHANNELS  # noqa: PLC0415

    until, slot = arguments.until, arguments.without
    if until and not (until[0] < settings.episodes and 1 <= until[1] <= settings.epochs):
        last = f"ep{settings.episodes - 1}:epoch{settings.epochs}"
        raise UsageError(f"--until must be from ep0:epoch1 to {last}, the end of this run")
    if slot is not None and slot not in SLOT_CHANNELS:
        raise UsageError(f"--without must be one of {', '.join(SLOT_CHANNELS)}, not {slot!r}")


@contextmanager
def _directory(out: Path | None) -> Iterator[Path]:
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="nissa-reproduce-") as name:
        yield Path(name) / "run"


def _place(text: str) -> tuple[int, int]:
    found = _PLACE.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no place such as ep2:epoch7")
    return int(found[1]), int(found[2])
