"""What the Prometheus sink remembers of the events: the last of each kind by environment, and the counts."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    EpisodeStarted,
    Heartbeat,
    HostBaselineEpoch,
    RunEnded,
    RunResumed,
    RunStarted,
    ScalarsLogged,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.sinks.prometheus.catalog import ADDED, OF_EPISODE, SHARED, ZEROS
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS, Counters, ZeroSeries
from nissa.sinks.prometheus.exemplars import TRACED, Exemplars
from nissa.sinks.prometheus.label_text import label_text
from nissa.sinks.prometheus.metric import Labels, Read
from nissa.sinks.prometheus.metrics import NOTHING_YET
from nissa.sinks.prometheus.scalars import Scalars
from nissa.sinks.prometheus.seed_changes import came, named, went
from nissa.sinks.prometheus.snapshot import LatestByKind, Snapshot

__all__ = ["MAX_TWIN_EPOCHS", "State"]

MAX_TWIN_EPOCHS = 10_000
"""Epochs of a twin that are kept, to stand beside those of an episode."""

_STRAYS = 60.0
"""Seconds for which threads of a run may emit after its end; what emits later is a run begun anew under its name."""
_ENDS = (SeedCulled, SeedFossilized)
"""How a seed may end."""
_RESERVED = 100
"""Places beyond `MAX_LABEL_SETS` for what is of no environment."""


class State:
    """Plain, bounded state: `fold` is for one thread, `snapshot` for any."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[tuple[Any, ...], LatestByKind] = {}
        self._counters = Counters()
        self._zeros = ZeroSeries(self._counters)
        self._scalars = Scalars()
        self._exemplars = Exemplars(MAX_LABEL_SETS)
        self._account = NOTHING_YET
        self._refused = self._unreadable = 0
        self._gone: Counter[type] = Counter()
        self._begun: dict[str, float] = {}
        self._ended: dict[str, tuple[float, float]] = {}
        self._special: dict[type, Callable[[LatestByKind, Event[Any]], None]] = {
            EpisodeStarted: self._begin_episode,
            Heartbeat: self._note_account,
            HostBaselineEpoch: _note_twin,
            RunEnded: self._end_run,
            RunResumed: self._resume_run,
            RunStarted: self._start_run,
            ScalarsLogged: self._note_scalars,
            SeedCulled: went,
            SeedGerminated: came,
            **dict.fromkeys(SHARED, self._share),
        }
        self._more = ADDED.keys() | ZEROS.keys() | self._special.keys()

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
            refused = self._refused + self._counters.refused
            totals, scalars, begun = self._counters.copy(), self._scalars.copy(), self._begun.copy()
            exemplars = self._exemplars.copy()
            return Snapshot(totals, exemplars, places, scalars, kinds, begun, refused, self._unreadable, self._account)

    def _enter(self, where: tuple[Any, ...], event: Event[Any]) -> LatestByKind | None:
        scope = event.scope
        # The end of a run, and of the alerts that it ends, must find room however many environments there are.
        if len(self._places) >= MAX_LABEL_SETS + (_RESERVED if scope.env is None else 0):
            self._refused += 1
            return None
        self._begun.setdefault(scope.run, event.time)
        at = (scope.run, scope.group or "", "" if scope.env is None else label_text(scope.env))
        return self._places.setdefault(where, LatestByKind(at, {}, {}))

    def _fold(self, kind: type, place: LatestByKind | None, event: Event[Any]) -> None:
        if place is None:
            self._gone[kind] += 1
            return
        place.counts[kind] = place.counts.get(kind, 0) + 1
        if kind in _ENDS:
            event = named(place, event)
        place.latest[kind] = event
        if special := self._special.get(kind):
            special(place, event)
        self._count(kind, place.at, event)

    def _count(self, kind: type, at: Labels, event: Event[Any]) -> None:
        """Whatever a payload holds: what of it cannot be counted costs no other row."""
        try:
            for table in ADDED.get(kind, ()):
                for labels, row in table.rows(at[: table.depth], event):
                    for name, value_of in table.reads:
                        self._add(name, labels, value_of, row)
            if kind in TRACED:
                self._exemplars.take(at, event)
            if kind in ZEROS:
                self._zeros.follow(kind, at, event)
        except Exception:  # noqa: BLE001  # a live payload may hold anything
            self._unreadable += 1

    def _add(self, name: str, labels: Labels, value_of: Read, row: Any) -> None:
        try:
            if self._counters.add(name, labels, value_of(row)):
                self._zeros.spread(name, labels)
        except Exception:  # noqa: BLE001  # such as a whole number that no float holds
            self._unreadable += 1

    def _start_run(self, place: LatestByKind, event: Event[Any]) -> None:
        self._begun[place.at[0]] = event.time

    def _resume_run(self, place: LatestByKind, event: Event[Any]) -> None:
        """It has no end any more, if one was told."""
        self._begun[place.at[0]] = event.time
        self._ended.pop(place.at[0], None)
        place.latest.pop(RunEnded, None)

    def _begin_episode(self, place: LatestByKind, _: Event[Any]) -> None:
        """Rows of the episode before keep their last values until now."""
        self._zeros.enter(place.at)
        place.blueprints.clear()
        for kind in OF_EPISODE:
            place.latest.pop(kind, None)

    def _note_account(self, _: LatestByKind, event: Event[Any]) -> None:
        self._account = event.payload.pipeline

    def _note_scalars(self, place: LatestByKind, event: Event[Any]) -> None:
        self._refused += self._scalars.note(place.at, event)

    def _end_run(self, _: LatestByKind, event: Event[Any]) -> None:
        self._ended[event.scope.run] = self._clock(), event.time

    def _share(self, place: LatestByKind, event: Event[Any]) -> None:
        """Move an event to a place of its own, where the next of its kind replaces it, whatever caused that one."""
        kind = type(event.payload)
        del place.latest[kind]
        where = (event.scope.run, kind, SHARED[kind](event))
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
        self._counters.forget(run)
        self._zeros.forget(run)
        self._scalars.forget(run)
        self._exemplars.forget(run)
        for where in [where for where in self._places if where[0] == run]:
            self._gone.update(self._places.pop(where).counts)


def _note_twin(place: LatestByKind, event: Event[HostBaselineEpoch]) -> None:
    epoch, accuracy = event.scope.epoch, event.payload.val_accuracy
    if epoch is not None and place.twin and epoch <= next(reversed(place.twin)):
        # Told anew, it is another network's curve, as the verdict has it.
        place.twin = {}
    if epoch is not None and accuracy is not None and len(place.twin) < MAX_TWIN_EPOCHS:
        place.twin[epoch] = accuracy
