"""What the Prometheus sink remembers of the events: the last of each kind by environment, and the counts."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    BatchCompleted,
    BestRunsRanked,
    BlueprintSummarized,
    ClassesMeasured,
    DecisionMade,
    EpisodeStarted,
    EpochAssessed,
    EpochCompleted,
    FeaturesComputed,
    FidelityChanged,
    GradientsMeasured,
    Heartbeat,
    MemoryMeasured,
    PipelineState,
    PolicyUpdated,
    RunEnded,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.sinks.prometheus.catalog import COUNTS, KNOWN
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS, Totals
from nissa.sinks.prometheus.metric import Labels, Value
from nissa.sinks.prometheus.metrics.pipeline import NOTHING_YET
from nissa.sinks.prometheus.render import Place
from nissa.sinks.prometheus.zero_series import Openings

__all__ = ["Snapshot", "State"]

_OF_EPOCH = (GradientsMeasured, WeightsMeasured, ActivationsMeasured, ClassesMeasured, SharpnessMeasured)
"""What is gone, rather than shown as if it were of now, once an epoch is completed in which it was not measured."""
_OF_EPISODE = (BatchCompleted, EpochCompleted, DecisionMade, EpochAssessed, FeaturesComputed, *_OF_EPOCH)
_KEYS: dict[type, Callable[[Event[Any]], tuple[Any, ...]]] = {
    PolicyUpdated: lambda event: (event.scope.group,),
    BlueprintSummarized: lambda event: (event.payload.group, event.payload.blueprint),
    BestRunsRanked: lambda _: (),
    MemoryMeasured: lambda _: (),
    FidelityChanged: lambda _: (),
}
"""What is no environment's own, although an event of one may have caused it."""


class Snapshot(NamedTuple):
    """A copy of the state that nothing changes any more. Events themselves are never changed, so they are shared."""

    totals: dict[str, dict[Labels, Value]]
    """Counters and histograms by name and labels."""
    places: list[Place]
    """The last events and the numbers of events, by environment."""
    kinds: Counter[type]
    """Events ever taken in, by kind."""
    begun: dict[str, float]
    """When the first event of each run happened."""
    refused: int
    """Label sets left out for want of room."""
    account: PipelineState
    """What the pipeline said of itself in the last heartbeat."""


_STRAYS = 60.0
"""Seconds for which threads of a run may emit after its end; what emits later is a run begun anew under its name."""
_RESERVED = 100
"""Places beyond `MAX_LABEL_SETS` for what is of no environment."""


class State:
    """Plain, bounded state: `fold` is for one thread, `snapshot` for any."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[tuple[Any, ...], Place] = {}
        self._totals = Totals()
        self._openings = Openings(self._totals)
        self._account = NOTHING_YET
        self._refused = 0
        self._gone: Counter[type] = Counter()
        self._begun: dict[str, float] = {}
        self._ended: dict[str, tuple[float, float]] = {}
        self._special: dict[type, Callable[[Place, Event[Any]], None]] = {
            EpisodeStarted: self._begin_episode,
            Heartbeat: self._note_account,
            RunEnded: self._end_run,
            **dict.fromkeys(_KEYS, self._share),
        }
        self._more = COUNTS.keys() | KNOWN.keys() | self._special.keys() | {EpochCompleted}

    def fold(self, event: Event[Any]) -> None:
        """Take an event in."""
        kind, place = type(event.payload), self._places.get(event.scope[:3])
        # The lock would cost as much as all the rest. What is done without it no copy can tear.
        if place is not None and kind not in self._more:
            place.counts[kind] = place.counts.get(kind, 0) + 1
            place.latest[kind] = event
        else:
            with self._lock:
                self._fold(kind, place or self._enter(event.scope[:3], event), event)

    def snapshot(self, grace: float) -> Snapshot:
        """The state as it stands, without the runs that ended `grace` seconds ago or earlier; they are given back."""
        with self._lock:
            for run in [run for run, (ended, _) in self._ended.items() if self._clock() - ended >= grace]:
                self._leave(run)
            places = [place.copy() for place in self._places.values()]
            kinds = sum((Counter(place.counts) for place in places), self._gone.copy())
            refused = self._refused + self._totals.refused
            return Snapshot(self._totals.copy(), places, kinds, self._begun.copy(), refused, self._account)

    def _enter(self, where: tuple[Any, ...], event: Event[Any]) -> Place | None:
        scope = event.scope
        # The end of a run, and of the alerts that it ends, must find room however many environments there are.
        if len(self._places) >= MAX_LABEL_SETS + (_RESERVED if scope.env is None else 0):
            self._refused += 1
            return None
        self._begun.setdefault(scope.run, event.time)
        at = (scope.run, scope.group or "", "" if scope.env is None else str(scope.env))
        return self._places.setdefault(where, Place(at, {}, {}))

    def _fold(self, kind: type, place: Place | None, event: Event[Any]) -> None:
        if place is None:
            self._gone[kind] += 1
            return
        place.counts[kind] = place.counts.get(kind, 0) + 1
        if kind is EpochCompleted:
            _end_epoch(place)
        place.latest[kind] = event
        if special := self._special.get(kind):
            special(place, event)
        self._count(kind, place.at, event)

    def _count(self, kind: type, at: Labels, event: Event[Any]) -> None:
        for reading in KNOWN.get(kind, ()):
            for name, rest, _ in reading(at, event):
                self._openings.know(at[0], name, rest)
        for reading in COUNTS.get(kind, ()):
            for name, labels, amount in reading(at, event):
                if kind is EpisodeStarted and amount == 0:
                    self._totals.open(name, labels)
                elif self._totals.add(name, labels, amount):
                    self._openings.born(name, labels)

    def _begin_episode(self, place: Place, _: Event[Any]) -> None:
        """Rows of the episode before keep their last values until now."""
        self._openings.enter(place.at)
        for kind in _OF_EPISODE:
            place.latest.pop(kind, None)

    def _note_account(self, _: Place, event: Event[Any]) -> None:
        self._account = event.payload.pipeline

    def _end_run(self, _: Place, event: Event[Any]) -> None:
        self._ended[event.scope.run] = self._clock(), event.time

    def _share(self, place: Place, event: Event[Any]) -> None:
        """Move an event to a place of its own, where the next of its kind replaces it, whatever caused that one."""
        kind = type(event.payload)
        del place.latest[kind]
        where = (event.scope.run, kind, *_KEYS[kind](event))
        if shared := self._places.get(where) or self._enter(where, event):
            shared.latest[kind] = event

    def _leave(self, run: str) -> None:
        """Give a run that ended back, unless it goes on."""
        _, end = self._ended.pop(run)
        heard = [e.time for where, place in self._places.items() if where[0] == run for e in [*place.latest.values()]]
        if max(heard) <= end + _STRAYS:
            self._forget(run)

    def _forget(self, run: str) -> None:
        del self._begun[run]
        self._totals.forget(run)
        self._openings.forget(run)
        for where in [where for where in self._places if where[0] == run]:
            self._gone.update(self._places.pop(where).counts)


def _end_epoch(place: Place) -> None:
    """What was measured before the last epoch was completed is not of the one that is completed now."""
    if before := place.latest.get(EpochCompleted):
        for kind in [kind for kind in _OF_EPOCH if kind in place.latest and place.latest[kind].seq < before.seq]:
            del place.latest[kind]
