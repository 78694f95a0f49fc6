"""What the last events say at this moment: gauges, and the counts that follow from the number of events."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nissa.events.event import Event
from nissa.events.kind import KINDS
from nissa.events.kinds import BatchCompleted, EpisodeStarted, EpochCompleted, EventsDropped, Heartbeat
from nissa.sinks.prometheus.catalog import GAUGES
from nissa.sinks.prometheus.metric import Labels, Sample, Value

__all__ = ["Place", "count_kinds", "first_events", "last_events", "read", "tell"]

_COUNTED = {BatchCompleted: "nissa_batches_total", EpochCompleted: "nissa_epochs_total"}
_OUR_OWN = (Heartbeat, EventsDropped)
Values = dict[str, dict[Labels, Value]]


class Place:
    """What was seen of one environment, or of a part of the run that is no environment's own."""

    __slots__ = ("at", "counts", "latest")

    def __init__(self, at: Labels, counts: dict[type, int], latest: dict[type, Event[Any]]) -> None:
        self.at = at
        """Values of run, group and env."""
        self.counts = counts
        """Events by kind."""
        self.latest = latest
        """The last event of each kind."""

    def copy(self) -> "Place":
        """As it stands now, for another thread to read. Events are never changed, so they are shared."""
        return Place(self.at, self.counts.copy(), self.latest.copy())


def tell(values: Values, samples: Iterable[Sample]) -> int:
    """Put samples among the values; the number of errors. What cannot be read must not cost the rest."""
    try:
        for name, labels, value in samples:
            if value is not None:
                values.setdefault(name, {})[labels] = float(value)
    except Exception:  # noqa: BLE001  # a live payload may hold anything
        return 1
    return 0


def read(values: Values, place: Place) -> int:
    """Put what is known of a place among the values; the number of errors."""
    errors = tell(values, _counted(place))
    for kind, event in place.latest.items():
        for reading in GAUGES.get(kind, ()):
            errors += tell(values, reading(place.at, event))
    return errors


def _counted(place: Place) -> Iterator[Sample]:
    for kind, name in _COUNTED.items():
        if kind in place.counts or EpisodeStarted in place.counts:
            yield name, place.at, place.counts.get(kind, 0)


def first_events(begun: Mapping[str, float]) -> Iterator[Sample]:
    """When each run started, as long as no `run_started` tells it better; this tells its next process from the last."""
    for run, first in begun.items():
        yield "nissa_run_started_timestamp_seconds", (run,), first


def last_events(places: Iterable[Place]) -> Iterator[Sample]:
    """When something was last heard of each run, but for what the pipeline says of itself."""
    times: dict[str, float] = {}
    for place in places:
        for kind, event in place.latest.items():
            if kind not in _OUR_OWN:
                times[place.at[0]] = max(event.time, times.get(place.at[0], 0.0))
    for run, last in times.items():
        yield "nissa_run_last_event_timestamp_seconds", (run,), last


def count_kinds(counts: Counter[type]) -> Iterator[Sample]:
    """Events by kind. Kinds of a newer writer, of which there may be any number, are "unknown" together."""
    by_name = dict.fromkeys([*KINDS, "unknown"], 0)
    for kind, count in counts.items():
        name = getattr(kind, "kind", None)
        name = name if isinstance(name, str) else "unknown"
        by_name[name] = by_name.get(name, 0) + count
    for name, count in by_name.items():
        yield "nissa_events_total", (name,), count
