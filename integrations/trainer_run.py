"""Whose run is it? A `Telemetry` that the user holds, or a directory, for which one is opened while it is trained.

>>> TrainerRun(3)
Traceback (most recent call last):
TypeError: run must be a Telemetry, or the path of a run directory, not 3
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from nissa.pipeline.run_context import run_started
from nissa.pipeline.telemetry import Telemetry, new_run_name

__all__ = ["TrainerRun"]

T = TypeVar("T")

_TOLD = WeakSet[Telemetry]()
"""Runs whose start is told: a callback and a logger may share one."""


class TrainerRun:
    """The run that a callback tells of.

    A `Telemetry` stays its user's to close. One that is opened for a directory ends with the training, and goes on if
    the same callback trains again. Raises TypeError for what is neither.
    """

    def __init__(self, run: Telemetry | Path | str) -> None:
        if not isinstance(run, Telemetry | Path | str):
            raise TypeError(f"run must be a Telemetry, or the path of a run directory, not {run!r}")
        self._out = None if isinstance(run, Telemetry) else run
        self._telemetry = run if isinstance(run, Telemetry) else None
        self.name = run.run if isinstance(run, Telemetry) else new_run_name()
        """What the run is called, or will be once it is opened."""
        self._opened = False
        self.trainings = 0
        """How many trainings have begun."""

    @property
    def telemetry(self) -> Telemetry:
        """Where to emit; opened with the first use. Raises FileExistsError if the directory holds a run."""
        if self._telemetry is None:
            # A logger may end what it opened, and go on, though nobody told it that a training begins.
            self._telemetry = Telemetry(out=self._out, run=self.name, resume=self._opened)
            self._opened = True
        return self._telemetry

    def begin(self, told: Callable[[], dict[str, Any]]) -> Telemetry:
        """A training begins; what is `told` of the first one of a run goes into `run_started`. Raises as above only."""
        telemetry = self.telemetry
        if not self.trainings and telemetry not in _TOLD:
            _TOLD.add(telemetry)
            if started := telemetry.scope().attempt("run_started", lambda: run_started(**told())):
                telemetry.emit(started)
        self.trainings += 1
        return telemetry

    def attempt(self, what: Callable[..., T], *arguments: Any, **named: Any) -> T | None:
        """What a part of an integration returns; None where it fails, which is counted. Never raises."""
        faults = self.telemetry.scope().faults
        try:
            return what(*arguments, **named)
        except Exception as error:  # noqa: BLE001  # the trainer must not feel it
            faults.report("integration", error)
        return None

    def end(self, outcome: str = "completed", error: str | None = None) -> None:
        """A training ends, and with it a run that was opened for it."""
        if self._out is not None and self._telemetry is not None:
            self._telemetry.close(outcome, error)
            self._telemetry = None
