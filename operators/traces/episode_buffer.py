"""Ring buffer of an environment's current episode: recent batches, measurements and gates, which open into a trace."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    BatchCompleted,
    GateEvaluated,
    GradientsMeasured,
    StageChanged,
)
from nissa.events.vocabulary import MARK
from nissa.operators.fold import EnvKey
from nissa.operators.traces.happenings import TOLD, Happening, Happenings
from nissa.operators.traces.open_trace import USUAL, Instant, Norms, OpenTrace, norms_of

__all__ = ["MAX_MARKS", "MEASURED", "EpisodeBuffer", "Extent", "KnownMarks"]

MAX_MARKS = 256
"""Marks of one episode that are known; of more, the oldest is forgotten."""
MEASURED = (GradientsMeasured, ActivationsMeasured, GateEvaluated)


class Extent(NamedTuple):
    """Batches of a trace."""

    window: int
    """After an alert."""
    marked: int
    """Before and after a mark."""
    most: int
    """After whatever opened it."""


@dataclass(slots=True)
class KnownMarks:
    """The marks of one episode that are no news: name, subject, and the gate that each is about, if any."""

    keys: dict[tuple[str, str | None, str | None], None] = field(default_factory=dict)

    def add(self, event: Event[AlertRaised], gates: Iterable[Event[GateEvaluated]]) -> bool:
        """Note a mark; whether it is news. `gates` are the ones asked last, the one behind the mark among them."""
        mark = event.payload
        asked = [e.payload.gate for e in gates if e.seq == event.seq and e.payload.slot == mark.subject]
        key = mark.alert, mark.subject, asked[-1] if asked else None
        if key in self.keys:
            return False
        self.keys[key] = None
        if len(self.keys) > MAX_MARKS:
            del self.keys[next(iter(self.keys))]
        return True

    def forget(self, payload: Any) -> None:
        """Let marks be news again where a gate passed, or a slot entered another stage."""
        if isinstance(payload, StageChanged) and payload.from_stage != payload.to_stage:
            gone = [key for key in self.keys if key[1] == payload.slot]
        elif isinstance(payload, GateEvaluated) and payload.passed:
            gone = [key for key in self.keys if key[1:] == (payload.slot, payload.gate)]
        else:
            return
        for key in gone:
            del self.keys[key]


def _measured() -> dict[type, deque[Event[Any]]]:
    return {kind: deque(maxlen=8 if kind is GateEvaluated else 3) for kind in MEASURED}


@dataclass(slots=True)
class EpisodeBuffer:
    """The episode that an environment is in."""

    ring: deque[Event[BatchCompleted]]
    episode: int | None = None
    over: bool = False
    measured: dict[type, deque[Event[Any]]] = field(default_factory=_measured)
    norms: deque[Norms] = field(default_factory=lambda: deque(maxlen=USUAL + 1))
    marks: KnownMarks = field(default_factory=KnownMarks)
    happenings: Happenings = field(default_factory=Happenings)

    def is_before(self, episode: int | None) -> bool:
        """Whether a later episode has begun, which nobody may have said. An earlier one, or none, is a straggler's."""
        return episode is not None and (self.episode is None or episode > self.episode)

    def keep(self, event: Event[Any]) -> None:
        """Keep a measurement, or a gate, which may make news of a mark again."""
        kind = type(event.payload)
        self.measured[kind].append(event)
        if kind is GradientsMeasured:
            self.norms.append(norms_of(event))
        elif kind is GateEvaluated:
            self.marks.forget(event.payload)

    def note(self, event: Event[Any]) -> list[Happening]:
        """Note what was done to the network, if the event is about that; it may make news of a mark again."""
        self.marks.forget(event.payload)
        return self.happenings.take(event) if type(event.payload) in TOLD else []

    def is_news(self, mark: Event[AlertRaised]) -> bool:
        """Whether a mark is one that was not there yet; from now on it is."""
        return self.marks.add(mark, self.measured[GateEvaluated])

    def open_trace(self, key: EnvKey, now: float, batches: int) -> OpenTrace:
        """A trace with its past: the last batches, and the gates that were asked meanwhile."""
        trace = OpenTrace(key[1], key[2], self.episode, list(self.ring)[-batches:], now)
        since = trace.before[0].seq if trace.before else 0
        for event in self.measured[GateEvaluated]:
            if event.seq >= since:
                trace.add_measurement(event)
        return trace

    def aim(
        self, trace: OpenTrace, event: Event[AlertRaised], extent: Extent, elsewhere: Iterable[Happening] = ()
    ) -> None:
        """Let a trace go on for as long as an alert or a mark asks; an alert has more of what came before it, too.

        `elsewhere` is what was done to the run. What was done to this environment is no matter to a policy's alert.
        """
        alert = event.payload
        if alert.severity == MARK:
            trace.trigger(alert.alert, extent.marked, extent.most)
            return
        trace.reach_back(self.ring)
        if trace.alert is None:
            trace.of_policy = event.scope.env != trace.env or alert.update is not None
            trace.happened = [*(() if trace.of_policy else self.happenings.recent), *elsewhere]
        last = self.ring[-1] if self.ring else None
        batch = last.payload.batch if last and last.seq == event.seq else None
        layers = [rows for kind, rows in self.measured.items() if kind is not GateEvaluated]
        trace.look_closely(Instant(event.seq, event.scope.epoch, batch), layers, self.norms)
        trace.trigger(alert.alert, extent.window, extent.most)

    def rest(self, batches: int) -> None:
        """Keep little after the end of an episode: what may still come is a policy's alert, which is about no layer."""
        self.over = True
        while len(self.ring) > batches:
            self.ring.popleft()
        self.norms.clear()
        for events in self.measured.values():
            events.clear()
