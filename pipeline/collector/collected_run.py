"""One run, followed from its first event to its last: through operators and sinks, as the trainer's own hub would."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import FidelityChanged, Heartbeat, PipelineState, RunEnded
from nissa.events.vocabulary import Fidelity
from nissa.operators import default_operators
from nissa.pipeline.collector.control import CONTROL, Control
from nissa.pipeline.collector.derived_log import DerivedLog
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.hub import HEARTBEAT, FidelityFollower
from nissa.pipeline.sources import Reading, Tail, own_event
from nissa.sinks.prometheus import NOTHING_YET
from nissa.sinks.run_log import is_being_written, segments
from nissa.sinks.tables import Tables

__all__ = ["CollectedRun"]

_QUIET = 0.5
"""Seconds without a new line after which it is asked whether there is still somebody who writes."""
_SILENCE = 4 * HEARTBEAT
"""The same, of a run on another machine, whose locks may not be seen."""


class CollectedRun:
    """Reads a run's log as it grows, and derives and tells what follows. One thread calls `step`.

    `consumers` are given every event, beside the tables and the trainer's fidelity. Raises CollectedElsewhereError.
    """

    def __init__(self, directory: Path, consumers: Mapping[str, Callable[[Event[Any]], Any]], faults: FaultLog) -> None:
        self.directory, self.reading, self.tables = directory, Reading(), Tables()
        self.derived = DerivedLog(directory)
        self.tail = Tail(directory, self.reading)
        self.ended = self.finished = False
        """Whether the trainer said that it ended, and whether all that there will be was worked off."""
        self.lag = 0.0
        self._trainer = _Trainer(directory)
        self.follower = self._trainer.follower
        self._faults = faults
        self.told: PipelineState = NOTHING_YET
        """The trainer's account of its pipeline, as it told it last."""
        own: dict[str, Callable[[Event[Any]], Any]] = {
            "trainer": self._trainer,
            "tables": self.tables,
            "account": self._hear,
        }
        self._dispatcher = Dispatcher(default_operators(), {**own, **consumers, "derived": self.derived}, faults.report)
        self._heard = time.monotonic()

    def step(self) -> bool:
        """Work off what was written since the last call, up to a bound; False if there was nothing."""
        if lines := self.tail.read():
            last = None
            for place, line in lines:
                event = own_event(place, line, self.reading)
                if event is None or not self.reading.admit(event):
                    continue
                if event.ordinal:
                    self.derived.mute()
                else:
                    self.derived.begin()
                    self._dispatcher.deliver(event)
                    last = event
            self._worked_off(last)
            return True
        self._trainer.caught_up()
        self.finished = self.finished or self._nothing_more()
        return False

    def close(self) -> None:
        """Write out what is derived, and let go of the files."""
        self._dispatcher.close()
        self.derived.close()
        self.tail.close()

    def _hear(self, event: Event[Any]) -> None:
        if isinstance(event.payload, Heartbeat):
            self.told = event.payload.pipeline

    def _worked_off(self, last: Event[Any] | None) -> None:
        self._heard = time.monotonic()
        self._write_out()
        if last:
            self.lag = max(0.0, time.time() - last.time)
            self.ended = isinstance(last.payload, RunEnded)
            self._trainer.tell(last.seq + 1)

    def _write_out(self) -> None:
        pause = 0.01
        while True:
            try:
                return self.derived.flush()
            except OSError as error:
                # A full disk is waited for: the log keeps what comes meanwhile.
                self._faults.report("derived", error)
                time.sleep(pause)
                pause = min(2 * pause, 5.0)

    def _nothing_more(self) -> bool:
        quiet = _QUIET if self._trainer.here else _SILENCE
        if time.monotonic() - self._heard < (0 if self.ended else quiet):
            return False
        self._heard = time.monotonic()
        return not any(map(is_being_written, segments(self.directory)[-1:])) and not self.tail.waiting()


class _Trainer:
    """The way back to the trainer, if it is on this machine. What is long past is not told."""

    kinds = (FidelityChanged,)

    def __init__(self, directory: Path) -> None:
        try:
            self._control: Control | None = Control.open(directory / CONTROL)
        except (OSError, ValueError):
            self._control = None
        self.here = bool(self._control and self._control.here)
        self.follower = FidelityFollower(self)
        self._born = time.time()
        self._level: Fidelity = "normal"

    def __call__(self, event: Event[FidelityChanged]) -> None:
        if event.time >= self._born:
            self.follower(event)
        else:
            self._level = "dense" if event.payload.level == "dense" else "normal"

    @property
    def fidelity(self) -> Fidelity:
        return self._level

    @fidelity.setter
    def fidelity(self, level: Fidelity) -> None:
        self._level = level
        if self.here and self._control:
            self._control.fidelity = level

    def caught_up(self) -> None:
        """Nothing more to read: what stands now is told, however long ago it came."""
        if self._control and self._level != self._control.fidelity:
            self.fidelity = self._level

    def tell(self, following: int) -> None:
        """The number behind that of the last event that was worked off."""
        if self.here and self._control:
            self._control.read = following
