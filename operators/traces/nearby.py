"""Which measurements tell what an alert changed? Those nearest to it on both sides, and the norms that were usual."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import GradientsMeasured

__all__ = ["USUAL", "Moment", "Norms", "came_after", "moment", "norms_by_layer", "norms_of", "thin"]


USUAL = 16
"""Measurements of the gradients before an alert that say which norms were usual."""


class Moment(NamedTuple):
    """When something was measured or raised."""

    seq: int
    epoch: int | None
    batch: int | None


class Norms(NamedTuple):
    """A measurement of the gradients, in short."""

    when: Moment
    layers: dict[str, float]


def moment(event: Event[Any]) -> Moment:
    """When something was measured."""
    return Moment(event.seq, event.scope.epoch, getattr(event.payload, "batch", None))


def norms_of(event: Event[GradientsMeasured]) -> Norms:
    """A measurement in short; a layer whose norm was not measured is not in it."""
    layers = {name: layer.norm for name, layer in event.payload.layers.items() if layer.norm is not None}
    return Norms(moment(event), layers)


def came_after(row: Moment, alert: Moment) -> bool:
    """Whether a measurement was made in what raised an alert, or later.

    One that waits for a GPU arrives late, and one of the alert's own batch before the batch is told: where both say in
    which batch of the same epoch they were, that counts.
    """
    if row.batch is None or alert.batch is None or row.epoch is None or row.epoch != alert.epoch:
        return row.seq >= alert.seq
    return row.batch >= alert.batch


def norms_by_layer(measured: Iterable[Norms], layers: Iterable[str]) -> dict[str, list[float]]:
    """What was measured of each layer, oldest first."""
    rows = list(measured)
    return {name: [row.layers[name] for row in rows if name in row.layers] for name in dict.fromkeys(layers)}


def thin(rows: list[Event[Any]], most: int, nearest: int) -> int:
    """Make room: of those between the first `nearest` and the last, the one with the least gap goes. How many went.

    >>> numbers = [Event(at, 0.0, None, None) for at in (1, 2, 3, 10, 11, 20)]
    >>> thin(numbers, most=5, nearest=2), [event.seq for event in numbers]
    (1, [1, 2, 10, 11, 20])
    """
    if len(rows) <= most:
        return 0
    del rows[min(range(nearest, len(rows) - 1), key=lambda at: rows[at + 1].seq - rows[at - 1].seq)]
    return 1
