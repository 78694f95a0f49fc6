"""What was measured: the accuracy of each configuration of the seeds, and how far two of them are right together.

A configuration is a whole number: bit i is set where the seed in slot i is switched on. One that was measured several
times has the mean; one that was not is not there.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import mul
from typing import NamedTuple

from nissa.events.kinds import CounterfactualMeasured

__all__ = ["Contrast", "Matrix", "ablations", "matrix_of"]

Contrast = Mapping[int, float]
"""Weights by configuration: what a value, which is linear in accuracies, is made of."""


class _Measured(NamedTuple):
    slots: int
    values: dict[int, float]
    """Accuracy in percent, by configuration."""
    losses: dict[int, float]
    """Loss in nats, of those of them that have one."""
    rows: dict[int, list[int]]
    """Numbers of the results of each."""
    results: int
    samples: int | None
    disagreements: Sequence[Sequence[int]] | None


class Matrix(_Measured):
    """The configurations of so many slots that were measured."""

    @property
    def full(self) -> int:
        """The configuration with all seeds."""
        return (1 << self.slots) - 1

    @property
    def evaluations(self) -> int:
        """Results with an accuracy."""
        return sum(map(len, self.rows.values()))

    @property
    def is_complete(self) -> bool:
        """Whether every configuration was measured."""
        return len(self.values) == 1 << self.slots

    def has(self, *configs: int) -> bool:
        """Whether these were measured."""
        return all(config in self.values for config in configs)

    def value(self, contrast: Contrast) -> float:
        """The weighted sum of accuracies, in points."""
        return sum(weight * self.values[config] for config, weight in contrast.items())

    def lowered(self, contrast: Contrast) -> float | None:
        """By how much the loss is lower by the weighted sum, in nats; None where it was not told of each."""
        if not contrast.keys() <= self.losses.keys():
            return None
        return 0.0 - sum(weight * self.losses[config] for config, weight in contrast.items())

    def ablation(self, seed: int) -> float | None:
        """Accuracy with all seeds minus that with this one alone switched off; None unless both were measured."""
        without = self.full ^ 1 << seed
        return self.values[self.full] - self.values[without] if self.has(self.full, without) else None

    @cached_property
    def is_paired(self) -> bool:
        """Whether it is told of each two results on how many samples one is right and the other wrong."""
        told = self.disagreements
        whole = told is not None and [len(row) for row in told] == [*range(self.results)]
        return whole and self.samples is not None and self.samples > 1

    def mean_square(self, contrast: Contrast) -> float | None:
        """Mean over samples of the square of one sample's own value, in points squared; None where that is not told.

        A sample counts as 100% where it is right. For weights that add up to 0, its square sums to minus the weighted
        disagreements of all pairs.
        """
        if not self.is_paired or self.disagreements is None or self.samples is None:
            return None
        weights = [0.0] * self.results
        for config, weight in contrast.items():
            for row in self.rows[config]:
                weights[row] = weight / len(self.rows[config])
        apart: float = sum(
            weight * sum(map(mul, row, weights))
            for weight, row in zip(weights, self.disagreements, strict=True)
            if weight
        )
        return -1e4 * apart / self.samples


def matrix_of(told: CounterfactualMeasured) -> Matrix:
    """The matrix of a measurement. Results without an accuracy, or of other slots, are not in it."""
    found: dict[int, dict[int, float]] = {}
    for number, result in enumerate(told.results):
        if result.val_accuracy is not None and len(result.config) == len(told.slots):
            config = sum(on << place for place, on in enumerate(result.config))
            found.setdefault(config, {})[number] = float(result.val_accuracy)
    values = {config: sum(same.values()) / len(same) for config, same in found.items()}
    told_loss = {config: [told.results[row].val_loss for row in same] for config, same in found.items()}
    known = {config: [float(loss) for loss in same if loss is not None] for config, same in told_loss.items()}
    losses = {config: sum(same) / len(same) for config, same in known.items() if len(same) == len(found[config])}
    rows = {config: [*same] for config, same in found.items()}
    return Matrix(len(told.slots), values, losses, rows, len(told.results), told.n_val, told.disagreements)


def ablations(told: CounterfactualMeasured) -> dict[str, float]:
    """By slot: accuracy with all seeds minus that with this one alone switched off, where both were measured.

    >>> from nissa.events.kinds import CounterfactualResult
    >>> rows = {(True, True): 90.0, (False, True): 84.0}
    >>> results = [CounterfactualResult(config=[*on], alpha_settings={}, val_accuracy=x) for on, x in rows.items()]
    >>> ablations(CounterfactualMeasured(slots=["early", "late"], results=results))
    {'early': 6.0}
    """
    matrix = matrix_of(told)
    found = {slot: matrix.ablation(place) for place, slot in enumerate(told.slots)}
    return {slot: cost for slot, cost in found.items() if cost is not None}
