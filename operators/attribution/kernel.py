"""What follows from pairs of a configuration and its opposite: Shapley values, by a weighted regression.

Shapley values are the best weighted fit of a sum of seeds to all configurations that keeps what none and all of them
give (Charnes et al. 1988; Lundberg and Lee 2017). In pairs (Covert and Lee 2021), what is fitted is the difference of
the two, by +1 for each seed that is on in the first and -1 for each other. Pairs are drawn without replacement within
each size, so a size weighs what all of its configurations would, and one that was measured whole leaves nothing open.
How far the fit varies say its residuals, each as if its own pair had not been fitted (HC3; MacKinnon and White 1985).
"""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

from nissa.operators.attribution.estimate import Estimate
from nissa.operators.attribution.linear import Vector, dot, inverted, times
from nissa.operators.attribution.matrix import Matrix

__all__ = ["by_pairs"]


class _Pair(NamedTuple):
    config: int
    size: int
    """Seeds in the smaller of the two."""
    signs: list[int]
    """1 for each seed that is on, -1 for each other."""
    weight: float
    open: float
    """Share of the variance between pairs of this size that the draw left open: 0 where all were measured."""


class _Fit(NamedTuple):
    pairs: list[_Pair]
    pull: list[list[float]]
    """By pair and seed: what a point more in the pair changes in the value."""
    base: Vector
    """By seed: its share of a point more between none and all."""


def by_pairs(matrix: Matrix) -> list[Estimate] | None:
    """The Shapley value of each seed; None where the pairs that were measured do not tell it."""
    fit = _fitted(matrix.slots, _pairs(matrix)) if matrix.has(0, matrix.full) else None
    if fit is None:
        return None
    contrasts = [_contrast(matrix, fit, seed) for seed in range(matrix.slots)]
    values = [matrix.value(contrast) for contrast in contrasts]
    degrees = len(fit.pairs) - matrix.slots + 1
    varies = _variances(matrix, fit, values) if degrees > 0 else [None] * matrix.slots
    return [Estimate(contrast, variance, degrees) for contrast, variance in zip(contrasts, varies, strict=True)]


def _pairs(matrix: Matrix) -> list[_Pair]:
    """The pairs that were measured; none where those of one size are lacking."""
    n, full = matrix.slots, matrix.full
    by_size: dict[int, list[int]] = {size: [] for size in range(1, n // 2 + 1)}
    for config in sorted(matrix.values):
        size = config.bit_count()
        # Of two opposites of one size, the one with the first seed stands for both.
        if 0 < size <= n - size and full ^ config in matrix.values and (2 * size < n or config & 1):
            by_size[size].append(config)
    if not all(by_size.values()):
        return []
    return [_pair(n, config, size, len(found)) for size, found in by_size.items() for config in found]


def _pair(n: int, config: int, size: int, found: int) -> _Pair:
    whole = comb(n, size) if 2 * size < n else comb(n, size) // 2
    weight = (1 if 2 * size < n else 0.5) / (size * (n - size) * found)
    signs = [1 if config >> seed & 1 else -1 for seed in range(n)]
    return _Pair(config, size, signs, weight, (1 - found / whole) * found / max(1, found - 1))


def _fitted(n: int, pairs: list[_Pair]) -> _Fit | None:
    gram = [[sum(pair.weight * pair.signs[i] * pair.signs[j] for pair in pairs) for j in range(n)] for i in range(n)]
    inverse = inverted(gram)
    if inverse is None:
        return None
    ones = [sum(row) for row in inverse]
    base = [one / sum(ones) for one in ones]
    # Whatever a pair pulls, all values together stay what they are.
    held = [[inverse[i][j] - base[i] * ones[j] for j in range(n)] for i in range(n)]
    return _Fit(pairs, [[pair.weight * pull for pull in times(held, pair.signs)] for pair in pairs], base)


def _contrast(matrix: Matrix, fit: _Fit, seed: int) -> dict[int, float]:
    contrast = {0: -fit.base[seed], matrix.full: fit.base[seed]}
    for pair, pull in zip(fit.pairs, fit.pull, strict=True):
        contrast[pair.config] = pull[seed]
        contrast[matrix.full ^ pair.config] = -pull[seed]
    return contrast


def _variances(matrix: Matrix, fit: _Fit, values: Vector) -> list[float | None]:
    """By seed, from the residuals of the pairs, size by size."""
    by_size: dict[int, list[tuple[float, list[float]]]] = {}
    for pair, pull in zip(fit.pairs, fit.pull, strict=True):
        found = matrix.values[pair.config] - matrix.values[matrix.full ^ pair.config]
        own = dot(pull, pair.signs)
        left = (found - dot(pair.signs, values)) / max(1e-9, 1 - own)
        by_size.setdefault(pair.size, []).append((pair.open, [left * by for by in pull]))
    if any(len(rows) == 1 and rows[0][0] for rows in by_size.values()):
        return [None] * len(values)
    return [sum(_spread(rows, seed) for rows in by_size.values()) for seed in range(len(values))]


def _spread(rows: Sequence[tuple[float, Vector]], seed: int) -> float:
    mean = sum(row[seed] for _, row in rows) / len(rows)
    return sum(share * (row[seed] - mean) * (row[seed] - mean) for share, row in rows)
