"""Does the pipeline look closely, and why did it? Metrics of fidelity and of dense traces."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nissa.events.event import Event
from nissa.events.kinds import DenseTraceCaptured, EpisodeStarted, EpochCompleted, FidelityChanged
from nissa.events.vocabulary import ALERT_NAMES
from nissa.sinks.prometheus.metric import ENV, RUN, Labels, Readings, Rows, Sample, metrics

if TYPE_CHECKING:
    from nissa.sinks.prometheus.render import Place

__all__ = ["COUNTS", "METRICS", "fidelity"]

_LEVEL: Rows = {"nissa_fidelity_level": ("1", "1 while probes are to look closely, 0 while they look as configured.")}
_DENSE: Rows = {"nissa_dense_epochs_total": ("epochs", "Host epochs completed while probes were to look closely.")}
_TRACES: Rows = {"nissa_traces_total": ("traces", "Dense traces that closed, once for each alert that asked for one.")}

METRICS = (
    *metrics("gauge", RUN, _LEVEL),
    *metrics("counter", RUN, _DENSE),
    *metrics("counter", (*ENV, "reason"), _TRACES),
)


def fidelity(places: "Iterable[Place]") -> Iterator[Sample]:
    """Level and dense epochs of each run. While it is dense, what was trained since the last change counts too."""
    epochs: dict[str, int] = {}
    changes: dict[str, Event[FidelityChanged]] = {}
    for place in places:
        run = place.at[0]
        epochs[run] = epochs.get(run, 0) + place.counts.get(EpochCompleted, 0)
        if change := place.latest.get(FidelityChanged):
            changes[run] = change
    for run, trained in epochs.items():
        row = changes[run].payload if run in changes else None
        dense = row is not None and row.level == "dense"
        yield "nissa_fidelity_level", (run,), int(dense)
        since = trained - row.epochs if row and dense else 0
        yield "nissa_dense_epochs_total", (run,), (row.dense_epochs if row else 0) + max(0, since)


def _open_episode(at: Labels, _: Event[EpisodeStarted]) -> Iterator[Sample]:
    for alert in ALERT_NAMES:
        yield "nissa_traces_total", (*at, alert), 0


def _count_trace(at: Labels, event: Event[DenseTraceCaptured]) -> Iterator[Sample]:
    row = event.payload
    where = (at[0], row.group or "", "" if row.env is None else str(row.env))
    for reason in row.reasons:
        yield "nissa_traces_total", (*where, reason), 1


COUNTS: Readings = {EpisodeStarted: _open_episode, DenseTraceCaptured: _count_trace}
