"""The operators of one run, on states that can be put aside: what a Dispatcher does anywhere, over lines of a log.

What it comes to is a function of the lines up to a place, and of nothing else.
"""

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from math import inf
from typing import Any, cast

import orjson

from nissa.events.codec import written
from nissa.events.event import Event
from nissa.events.kinds import RunEnded, RunStarted
from nissa.operators import Fold, default_operators
from nissa.operators.fold import UnreadableStateError
from nissa.pipeline.cluster.job_ranks import JobRanks
from nissa.pipeline.cluster.place import Place
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.sources import Reading, own_event

__all__ = ["RunState"]

_PLAIN = ("read", "derived", "malformed", "torn", "duplicates", "cut_short", "problems", "shed")
_COUNTS = ("by_kind", "unknown", "odd")


class RunState:
    """Takes lines in, and gives what is derived from them. Raises UnreadableStateError on what `dump` did not give."""

    def __init__(self, dumped: bytes | None = None) -> None:
        told = _unpacked(dumped) if dumped else {}
        self.reading = _reading(told.get("reading", {}))
        self.derived = Counter[str](told.get("derived", {}))
        """Derived events by kind."""
        self.faults = FaultLog()
        self.faults.counts.update(told.get("faults", {}))
        self.at = Place(**told.get("at", {}))
        """Up to where the lines were taken in."""
        self.name: str | None = told.get("name")
        self.outcome: str | None = told.get("outcome")
        """How the run ended, as it told last."""
        self.job: str | None = told.get("job")
        """The job that it is a rank of."""
        self._folds = cast("dict[str, Fold[Any]]", default_operators())
        dumps = told.get("folds", {})
        if told and dumps.keys() != self._folds.keys():
            raise UnreadableStateError(f"the dumped state has the operators {', '.join(dumps)}")
        self._states = {n: fold.load(dumps[n]) if told else fold.init() for n, fold in self._folds.items()}
        self._lines: list[bytes] = []
        self._of_job: list[bytes] = []
        self._dispatcher = Dispatcher(
            {name: self._held(name) for name in self._folds}, {"derived": self._take}, self.faults.report
        )

    def feed(self, lines: Iterable[tuple[str, bytes]], place: Place) -> list[bytes]:
        """Step over the lines up to a place, which is told their last event; the lines of what is derived, in order."""
        for where, line in lines:
            event = own_event(where, line, self.reading)
            if event and self.reading.admit(event) and not event.ordinal:
                self._dispatcher.deliver(event)
                self._pass_on(event, line)
                self.name, place.seq, place.ended = event.scope.run, event.seq, isinstance(event.payload, RunEnded)
                if isinstance(event.payload, RunEnded):
                    self.outcome = event.payload.outcome
        self.at = replace(place)
        out, self._lines = self._lines, []
        return out

    def of_job(self) -> list[bytes]:
        """Those of the lines that were taken in since it was asked that tell how the ranks of its job compare."""
        out, self._of_job = self._of_job, []
        return out

    def dump(self) -> bytes:
        """All of it, as JSON, compressed."""
        told = {
            "at": asdict(self.at),
            "name": self.name,
            "outcome": self.outcome,
            "job": self.job,
            "reading": _plain(self.reading),
            "derived": self.derived,
            "faults": self.faults.counts,
            "folds": {name: fold.dump(self._states[name]) for name, fold in self._folds.items()},
        }
        return zlib.compress(orjson.dumps(told))

    def summary(self) -> dict[str, Any]:
        """What was found in the log, as a replay counts it, and what was derived."""
        derived, faults = (dict(sorted(counts.items())) for counts in (self.derived, self.faults.counts))
        return {"name": self.name, "outcome": self.outcome, "events": self.reading.summary()} | {
            "derived": derived,
            "faults": faults,
        }

    def _held(self, name: str) -> Fold[Any]:
        return replace(self._folds[name], init=lambda: self._states[name])

    def _pass_on(self, event: Event[Any], line: bytes) -> None:
        if isinstance(event.payload, RunStarted):
            # The job's own run, which a process beside the ranks writes, is none of them.
            self.job = None if event.payload.rank is None else event.payload.job
        if self.job is not None and isinstance(event.payload, JobRanks.kinds):
            self._of_job.append(line)

    def _take(self, event: Event[Any]) -> None:
        if event.ordinal:
            self.derived[event.payload.kind] += 1
            self._lines.append(written(event))


def _unpacked(dumped: bytes) -> dict[str, Any]:
    try:
        told: dict[str, Any] = orjson.loads(zlib.decompress(dumped))
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise UnreadableStateError(f"this is no dumped state: {error}") from None
    return told


def _plain(reading: Reading) -> dict[str, Any]:
    numbers = {
        run: [each.spans, None if each.latest == -inf else each.latest, each.closed]
        for run, each in reading.numbers.items()
    }
    return {name: getattr(reading, name) for name in (*_PLAIN, *_COUNTS)} | {"numbers": numbers}


def _reading(told: dict[str, Any]) -> Reading:
    reading = Reading(**{name: told[name] for name in _PLAIN if name in told})
    for name in _COUNTS:
        getattr(reading, name).update(told.get(name, {}))
    for run, (spans, latest, closed) in told.get("numbers", {}).items():
        numbers = reading.numbers[run]
        numbers.spans, numbers.closed = spans, closed
        numbers.latest = -inf if latest is None else latest
    return reading
