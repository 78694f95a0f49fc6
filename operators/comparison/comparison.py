"""Arms side by side: the interquartile mean of each over its repetitions, and of each two their difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from nissa.operators.comparison.repetition import FIGURES, Repetition
from nissa.operators.statistics import (
    Interval,
    bootstrap_interval,
    interquartile_mean,
    probability_of_improvement,
)

__all__ = ["LEAST_ALONE", "LEAST_EACH", "Arm", "Comparison", "Pair", "compare"]

LEAST_ALONE = 6
"""Repetitions of an arm that can show anything: fewer have all the same sign by chance in over 5% (2 x 0.5^n)."""
LEAST_EACH = 4
"""Repetitions of each of two arms, likewise: two of the ways to deal them into arms must be no more than 5% of all."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A group over its repetitions."""

    name: str
    repetitions: Sequence[Repetition]
    figures: dict[str, Interval]
    """By figure, its interquartile mean (as `mean`) and the 95% interval; all None where a repetition lacks it."""

    @property
    def enough(self) -> bool:
        """Whether there are enough repetitions to show anything."""
        return len(self.repetitions) >= LEAST_ALONE

    @property
    def shown(self) -> str:
        """Whether what is kept is "better" or "worse" than its twins, or that is "not shown"."""
        return _shown(self.figures["kept_training_delta"], enough=self.enough)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two arms: the first minus the second."""

    first: str
    second: str
    sizes: tuple[int, int]
    differences: dict[str, Interval]
    """By figure, the difference of the interquartile means, with its interval."""
    improvement: Interval
    """Probability that a repetition of the first gains more over its twins than one of the second."""

    @property
    def enough(self) -> bool:
        """Whether there are enough repetitions of both to show anything."""
        return min(self.sizes) >= LEAST_EACH

    @property
    def shown(self) -> str:
        """Whether the first gains more over its twins ("better"), less ("worse"), or that is "not shown"."""
        return _shown(self.differences["kept_training_delta"], enough=self.enough)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All arms, and each two of them."""

    arms: list[Arm]
    pairs: list[Pair]


def compare(trials: Sequence[Repetition]) -> Comparison:
    """Arms in the order in which they come first. Draws are private and the same each time."""
    by_arm: dict[str, list[Repetition]] = {}
    for trial in trials:
        by_arm.setdefault(trial.arm, []).append(trial)
    arms = [Arm(name, of, {figure: _interval(figure, of) for figure in FIGURES}) for name, of in by_arm.items()]
    return Comparison(arms, [_pair(first, second) for first, second in combinations(arms, 2)])


def _pair(first: Arm, second: Arm) -> Pair:
    sides = first.repetitions, second.repetitions
    return Pair(
        first.name,
        second.name,
        (len(sides[0]), len(sides[1])),
        {figure: _interval(figure, *sides) for figure in FIGURES},
        bootstrap_interval(probability_of_improvement, *(_values("kept_training_delta", side) or [] for side in sides)),
    )


def _interval(figure: str, *sides: Sequence[Repetition]) -> Interval:
    """Of one side its interquartile mean, of two their difference."""
    strata = [values for side in sides if (values := _values(figure, side))]
    if len(strata) < len(sides):
        return Interval()
    return bootstrap_interval(_difference if len(sides) > 1 else interquartile_mean, *strata)


def _values(figure: str, side: Sequence[Repetition]) -> list[float] | None:
    values = [value for trial in side if (value := trial.figures[figure]) is not None]
    return values if len(values) == len(side) else None


def _difference(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return interquartile_mean(ours) - interquartile_mean(theirs)


def _shown(interval: Interval, *, enough: bool) -> str:
    return {1: "better", -1: "worse", 0: "not shown"}[interval.side() if enough else 0]
