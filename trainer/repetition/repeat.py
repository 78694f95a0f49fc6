"""Trains a recorded run again, as it was set up and as it was looked at, and reads both courses of events."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.pipeline.sources import Reading, read_log
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.again import Again
from nissa.trainer.repetition.comparison import Comparison, compare
from nissa.trainer.repetition.leaves import comparable
from nissa.trainer.repetition.recorded import NothingToTrainError, RecordedRun
from nissa.trainer.run import train
from nissa.trainer.training import History

__all__ = ["compare_runs", "train_again"]

_PATIENCE = 600.0
"""Seconds that the pipeline may need to write what it has, on a machine that is busy."""


def train_again(recorded: RecordedRun, out: Path, again: Again) -> History:
    """Train it again into the directory `out`, under its own name, at the fidelity that it had where it had it.

    Raises NothingToTrainError, FileExistsError if there is a run in `out`, or another OSError.
    """
    settings, config = recorded.settings(), recorded.configuration()
    with Telemetry(recorded.run, out=out, config=config, console=False) as telemetry:
        history = train(settings, telemetry, out, again=replace(again, follow=recorded.follow))
        telemetry.flush(_PATIENCE)
    return history


def compare_runs(recorded: RecordedRun, out: Path, until: tuple[int, int] | None = None) -> Comparison:
    """Compare the recorded course with the one in `out`, up to an episode and its epoch, or the end.

    A run that did not come to its end is compared as far as it got. One that was logged without what follows from it,
    as without a collector, is compared without that. Raises NothingToTrainError if the repetition lost events.
    """
    open_end = not recorded.completed and (until is None or until >= recorded.reached)
    until, reading = recorded.reached if open_end else until, Reading()
    courses = read_log(recorded.path, Reading()), read_log(out, reading)
    if not recorded.reading.derived:
        courses = _emitted(courses[0]), _emitted(courses[1])
    found = compare(*(comparable(course, until) for course in courses), open_end=open_end)
    if reading.dropped:
        raise NothingToTrainError(f"the repetition lost {reading.dropped:,} events: this machine is too busy for it")
    return found


def _emitted(events: Iterator[Event[Any]]) -> Iterator[Event[Any]]:
    return (event for event in events if not event.ordinal)
