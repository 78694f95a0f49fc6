"""One run, followed from its first event to its last: through operators and sinks, as the trainer's own hub would."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised, Heartbeat, PipelineState, RunEnded
from nissa.operators import default_operators
from nissa.pipeline.collector.derived_log import DerivedLog
from nissa.pipeline.collector.way_back import WayBack
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.doubt_log import log_doubt
from nissa.pipeline.hub import HEARTBEAT
from nissa.pipeline.sources import Reading, Tail, own_event
from nissa.sinks.prometheus import NOTHING_YET
from nissa.sinks.run_log import is_being_written, segments
from nissa.sinks.tables import Tables

__all__ = ["CollectedRun"]

_QUIET = 0.5
"""Seconds without a new line after which it is asked whether there is still somebody who writes."""
_SILENCE = 4 * HEARTBEAT
"""The same, where locks may not be seen: of a run on another machine, or where a file system has none."""
_LONG_AGO = 600.0
"""Seconds since the last line after which nobody is waited for; no two machines' clocks differ by as much."""


class CollectedRun:
    """Reads a run's log as it grows, and derives and tells what follows. One thread calls `step`.

    `consumers` are given every event, beside the tables and the trainer's fidelity. `lives` says whether the trainer
    that started this process still does; without it, nobody did, and the log shows who writes it.
    Raises CollectedElsewhereError.
    """

    def __init__(
        self,
        directory: Path,
        consumers: Mapping[str, Callable[[Event[Any]], Any]],
        faults: FaultLog,
        lives: Callable[[], bool] | None = None,
    ) -> None:
        self.directory, self.reading, self.tables = directory, Reading(), Tables()
        self.derived = DerivedLog(directory)
        self.tail = Tail(directory, self.reading)
        self.ended = self.finished = self.yielded = False
        """Whether the trainer said that it ended, all that there will be was worked off, another process goes on."""
        self.lag = 0.0
        self._lives, self._faults = lives, faults
        self._way_back = WayBack(directory)
        self.follower = self._way_back.follower
        self.told: PipelineState = NOTHING_YET
        """The trainer's account of its pipeline, as it told it last."""
        self._consumers = consumers
        self._dispatcher: Dispatcher | None = None
        """With the states of all operators, from the first event on."""
        self._closed = False
        self._heard, self._following = time.monotonic(), 0
        self._left_behind = any(time.time() - file.stat().st_mtime > _LONG_AGO for file in segments(directory)[-1:])

    def step(self) -> bool:
        """Work off what was written since the last call, up to a bound; False if there was nothing."""
        if self._way_back.is_replaced():
            self.yielded = self.finished = True
            return False
        if lines := self.tail.read():
            self._work_off(lines)
            self._heard = time.monotonic()
            # What follows from the last event is not out yet.
            self._way_back.tell(self._following - 1)
            return True
        if self._lives and self._lives():
            # Such a trainer writes nothing derived, and of those before it all is there.
            self.derived.release()
            self._write_out()
        self._way_back.caught_up(self._following)
        if self._nothing_more():
            self._finish()
        return False

    def close(self) -> None:
        """Write out what is derived, and let go of the files."""
        if self._closed:
            return
        self._closed = True
        if self._dispatcher:
            self._dispatcher.close()
        self.derived.close()
        self.tail.close()

    def free(self) -> None:
        """Close a run that is finished, and forget what operators and tables knew of it: 50 to 250 kB."""
        self.close()
        self._dispatcher, self.tables = None, Tables()

    def summary(self) -> str:
        """What was found, in a line."""
        end = "ended" if self.ended else "died: there is no run_ended, and nobody writes it any more"
        if not self.finished or self.yielded:
            end = "goes on" + ", and another process collects it" * self.yielded
        derived = f"{self.derived.written:,} derived events were written, {self.derived.known:,} were there"
        odd = {"malformed lines": self.reading.malformed, "derived otherwise than before": self.derived.different}
        told = [end, f"{self.reading.read:,} events", derived, *(f"{n:,} {what}" for what, n in odd.items() if n)]
        return f"{self.directory}: {'; '.join(told)}."

    def _wired(self) -> Dispatcher:
        """All who are to see an event. A run that waits for its first one has none of them yet."""
        if self._dispatcher is None:
            own: dict[str, Callable[[Event[Any]], Any]] = {
                "trainer": self._way_back,
                "tables": self.tables,
                "account": self._hear,
            }
            own |= {**self._consumers, "derived": self.derived}
            self._dispatcher = Dispatcher(default_operators(), own, self._faults.report)
            self._dispatcher.stream.of(AlertRaised).subscribe(log_doubt)
        return self._dispatcher

    def _hear(self, event: Event[Any]) -> None:
        if isinstance(event.payload, Heartbeat):
            self.told = event.payload.pipeline

    def _work_off(self, lines: list[tuple[str, bytes]]) -> None:
        last = None
        for place, line in lines:
            event = own_event(place, line, self.reading)
            if event is None or not self.reading.admit(event):
                continue
            if event.ordinal:
                self.derived.inline(event.ordinal)
            else:
                self._wired().deliver(event)
                last = event
        self._write_out()
        if last:
            self.lag = max(0.0, time.time() - last.time)
            self.ended = isinstance(last.payload, RunEnded)
            self._following = last.seq + 1

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
        """Whether nobody writes any more, and all that was written was read."""
        if self._lives and not self.ended and not self._lives():
            return not self.tail.waiting()
        if time.monotonic() - self._heard < self._patience():
            return False
        # Asked again after as long.
        self._heard = time.monotonic()
        return not any(map(is_being_written, segments(self.directory)[-1:])) and not self.tail.waiting()

    def _patience(self) -> float:
        if self.ended or self._left_behind:
            return 0.0
        return _QUIET if self._way_back.here and not self._lives else _SILENCE

    def _finish(self) -> None:
        self._work_off(self.tail.unfinished())
        self.derived.release()
        self._write_out()
        self.finished = True
