"""What the layers of a group put out, as if they were one: each counts by its units.

>>> quiet = LayerActivations(units=1, mean=0.0, std=0.0, zero=1.0, dead=1, dormant=1.0, non_finite=0)
>>> loud = LayerActivations(units=3, mean=2.0, std=1.0, zero=0.0, dead=0, dormant=0.0, effective_rank=2.5, non_finite=0)
>>> row = joined("host.*", {"host.0": quiet, "host.1": loud})
>>> row.units, row.mean, row.dead, row.dormant, row.effective_rank, row.group.spread["dormant"].largest_layer
(4, 1.5, 1, 0.25, 2.5, 'host.0')
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from statistics import median

from nissa.events.kinds import LayerActivations
from nissa.pipeline.probes.model import group

__all__ = ["joined"]

_FIGURES = ("std", "zero", "dormant", "effective_rank")


def joined(name: str, layers: Mapping[str, LayerActivations]) -> LayerActivations:
    """The row of a group, or of the layer that bears its name."""
    rows = list(layers.values())
    figures = {layer: {figure: getattr(row, figure) for figure in _FIGURES} for layer, row in layers.items()}
    if (of := group(name, figures)) is None:
        return rows[0]
    mean = _mean(rows, "mean") or 0.0
    squares = sum(row.units * (row.std**2 + (row.mean - mean) ** 2) for row in rows) / sum(row.units for row in rows)
    ranks = [row.effective_rank for row in rows if row.effective_rank is not None]
    functions = [row for row in rows if row.dead is not None]
    return replace(
        rows[0],
        units=sum(row.units for row in rows),
        mean=mean,
        std=sqrt(squares),
        zero=_mean(rows, "zero") or 0.0,
        dead=sum(row.dead or 0 for row in functions) if functions else None,
        dormant=_mean(functions, "dormant"),
        effective_rank=median(ranks) if ranks else None,
        non_finite=sum(row.non_finite for row in rows),
        group=of,
    )


def _mean(rows: Sequence[LayerActivations], figure: str) -> float | None:
    """By units."""
    return sum(row.units * getattr(row, figure) for row in rows) / sum(row.units for row in rows) if rows else None
