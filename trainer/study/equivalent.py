"""How large is a host alone that does as well? The size at which the curve of the hosts reaches an accuracy."""

from collections.abc import Sequence
from math import inf
from random import Random
from typing import NamedTuple

from nissa.operators.statistics import Interval, SizeCurve

__all__ = ["Seed", "equivalent_traditional_params"]

_DRAWS = 1000


class Seed(NamedTuple):
    """Of one seed the mean accuracy of a group, in percent, and its hosts as (parameters, accuracy in percent)."""

    accuracy: float
    hosts: Sequence[tuple[int, float]]


def equivalent_traditional_params(seeds: Sequence[Seed]) -> Interval:
    """Parameters of a host alone that is as accurate as the group, on the mean over all seeds.

    The bounds are a 95% percentile bootstrap over seeds (Efron 1979), each drawn with its hosts. None where it would
    have to be extrapolated, each by itself; bounds also of one seed alone.
    """
    if len(seeds) < 2:
        return Interval(_size(seeds)) if seeds else Interval()
    draws = Random(0)
    found = sorted(_bounded(draws.choices(seeds, k=len(seeds))) for _ in range(_DRAWS))
    low, high = (found[round(share * (_DRAWS - 1))] for share in (0.025, 0.975))
    return Interval(_size(seeds), *(bound if 0 < bound < inf else None for bound in (low, high)))


def _size(seeds: Sequence[Seed]) -> float | None:
    return _curve(seeds).size_at(_accuracy(seeds))


def _bounded(seeds: Sequence[Seed]) -> float:
    """The same, with 0 for smaller than all hosts and infinity for larger."""
    curve, accuracy = _curve(seeds), _accuracy(seeds)
    found = curve.size_at(accuracy)
    if found is not None:
        return found
    return 0.0 if accuracy < curve.accuracies[0] else inf


def _curve(seeds: Sequence[Seed]) -> SizeCurve:
    return SizeCurve.of(point for seed in seeds for point in seed.hosts)


def _accuracy(seeds: Sequence[Seed]) -> float:
    return sum(seed.accuracy for seed in seeds) / len(seeds)
