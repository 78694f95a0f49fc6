"""Which rank goes another way? Its loss or its gradient leaves the others' by more than they ever differed.

Each rank has its own data, so that losses differ, and one may always be a bit above the others. Judged is how far it is
from the median of the others beyond what is usual for it, by how much ranks usually vary.

>>> diverging = Diverging()
>>> calm = {0: Told(loss=1.0), 1: Told(loss=1.1), 2: Told(loss=0.9)}
>>> odd = {0: Told(loss=1.0), 1: Told(loss=1.1), 2: Told(loss=9.0)}
>>> [[rank for rank, _, found in diverging.judged(step) if found] for step in [calm] * 20 + [odd] * 3][-3:]
[[], [], [2]]
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, log

from nissa.operators.alerts import Finding, non_finite_value
from nissa.operators.ranks.others import medians_of_others
from nissa.operators.ranks.told import Told
from nissa.operators.statistics import Window

__all__ = ["GRADIENT", "LOSS", "ROW", "Diverging", "Measure"]

LOSS, GRADIENT = "loss", "gradient norm"
ROW = 3
"""Steps in a row that say so."""
_FAR = 8.0
"""By so many standard deviations."""
_OWN, _ALL = 32, 256
"""Distances that are remembered of a rank, and of all."""
_KNOWN = 8
"""Distances of a rank, and twice as many of all, that say what is usual."""
_FLOOR = 0.05
"""Share of the loss, or of the norm, by which ranks vary at least."""


@dataclass(slots=True)
class Measure:
    """Of one figure: how far ranks are usually from the others."""

    own: dict[int, Window] = field(default_factory=dict)
    """By rank, distances to the median of the others."""
    every: Window = field(default_factory=lambda: Window(_ALL))
    """Of all ranks, distances beyond what is usual for each."""
    row: dict[int, int] = field(default_factory=dict)
    """Steps in a row in which a rank was far off."""

    def far(self, rank: int, distance: float, floor: float) -> float | None:
        """By how many standard deviations a rank is off, beyond what is usual for it; None while nothing is usual.

        What is far off is not taken in.
        """
        own = self.own.setdefault(rank, Window(_OWN))
        known = len(own) >= _KNOWN and len(self.every) >= 2 * _KNOWN
        beyond = distance - own.median() if len(own) else 0.0
        off = beyond / max(self.every.spread(), floor) if known else None
        if off is None or abs(off) <= _FAR:
            self.every.push(beyond)
            own.push(distance)
        return off


@dataclass(slots=True)
class Diverging:
    """What is usual, by figure."""

    measures: dict[str, Measure] = field(default_factory=lambda: {LOSS: Measure(), GRADIENT: Measure()})

    def judged(self, told: Mapping[int, Told]) -> Iterator[tuple[int, str, Finding | None]]:
        """Of a step, each rank and figure that can be compared, and what was found."""
        losses = {rank: one.loss for rank, one in told.items() if one.loss is not None}
        norms = {rank: one.norm for rank, one in told.items() if one.norm is not None}
        for name, values in ((LOSS, losses), (GRADIENT, norms)):
            finite = {rank: value for rank, value in values.items() if isfinite(value)}
            # Where most are broken it is no rank of its own.
            if len(values) > 1 and 2 * len(finite) >= len(values):
                usual = medians_of_others(finite) if len(finite) > 1 else finite
                for rank in sorted(values):
                    broken = non_finite_value(f"{name} of rank {rank}", values[rank])
                    yield rank, name, broken or self._found(name, rank, values[rank], usual[rank], len(finite) - 1)

    def forget(self, rank: int) -> None:
        """It begins anew."""
        for measure in self.measures.values():
            measure.own.pop(rank, None)
            measure.row.pop(rank, None)

    def _found(self, name: str, rank: int, mine: float, usual: float, others: int) -> Finding | None:
        measure = self.measures[name]
        if name == LOSS:
            off = measure.far(rank, mine - usual, _FLOOR * abs(usual) + 1e-12)
            is_far = off is not None and off > _FAR
        else:
            off = measure.far(rank, _log(mine) - _log(usual), _FLOOR)
            # Of two, the one with the smaller gradient is not the one that is odd.
            is_far = off is not None and (off > _FAR or (off < -_FAR and others > 1))
        measure.row[rank] = measure.row.get(rank, 0) + 1 if is_far else 0
        if measure.row[rank] < ROW:
            return None
        what = f"rank {rank} goes another way: {name} {mine:.3g}, and {usual:.3g} in the median of the others"
        return Finding(what, mine, "apart", usual, None, len(measure.own[rank]))


def _log(norm: float) -> float:
    return log(max(norm, 1e-30))
