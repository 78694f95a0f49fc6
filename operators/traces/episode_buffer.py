"""What is remembered of the episode that an environment is in, in case that something is noticed?

The last batches, the last measurements and gates, the usual norms of the layers, and the marks that are no news.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import ActivationsMeasured, AlertRaised, BatchCompleted, GateEvaluated, GradientsMeasured
from nissa.operators.traces.marks_seen import MarksSeen
from nissa.operators.traces.nearby import USUAL, Norms, norms_of

__all__ = ["Place"]

_MEASURED = (GradientsMeasured, ActivationsMeasured, GateEvaluated)


def _measured() -> dict[type, deque[Event[Any]]]:
    return {kind: deque(maxlen=8 if kind is GateEvaluated else 3) for kind in _MEASURED}


@dataclass(slots=True)
class Place:
    """The episode that an environment is in."""

    ring: deque[Event[BatchCompleted]]
    episode: int | None = None
    over: bool = False
    measured: dict[type, deque[Event[Any]]] = field(default_factory=_measured)
    norms: deque[Norms] = field(default_factory=lambda: deque(maxlen=USUAL + 1))
    marks: MarksSeen = field(default_factory=MarksSeen)

    def is_before(self, episode: int | None) -> bool:
        """Whether a later episode has begun, which nobody may have said. An earlier one, or none, is a straggler's."""
        return episode is not None and (self.episode is None or episode > self.episode)

    def keep(self, event: Event[Any]) -> bool:
        """Remember a measurement or a gate; False of anything else."""
        if not isinstance(event.payload, _MEASURED):
            return False
        self.measured[type(event.payload)].append(event)
        if isinstance(event.payload, GradientsMeasured):
            self.norms.append(norms_of(event))
        return True

    def is_news(self, mark: Event[AlertRaised]) -> bool:
        """Whether a mark is one that was not there yet; from now on it is."""
        return self.marks.note(mark, self.measured[GateEvaluated])

    def layers(self) -> Iterable[Sequence[Event[Any]]]:
        """The last measurements of layers, by kind."""
        return [rows for kind, rows in self.measured.items() if kind is not GateEvaluated]

    def gates(self, since: int) -> Iterable[Event[GateEvaluated]]:
        """The gates that were asked from this number on."""
        return [event for event in self.measured[GateEvaluated] if event.seq >= since]

    def batch(self, seq: int) -> int | None:
        """The batch that has this number, if it is the last."""
        last = self.ring[-1] if self.ring else None
        return last.payload.batch if last and last.seq == seq else None

    def rest(self, batches: int) -> None:
        """What may still be asked for after the end of an episode is a policy's alert, which is about no layer."""
        self.over = True
        while len(self.ring) > batches:
            self.ring.popleft()
        self.norms.clear()
        for events in self.measured.values():
            events.clear()
