"""Networks whose every configuration is known sample by sample, and brute force over all orders of their seeds."""

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations
from math import comb, exp, factorial, log
from statistics import fmean

from nissa.events.kinds import CounterfactualMeasured, CounterfactualResult

__all__ = ["Population", "Right", "brute_force", "measured", "shapley_of", "values_of"]

Right = Mapping[int, int]
"""By configuration, bit i for seed i: which samples are right, bit j for sample j."""


def measured(
    n: int,
    right: Right,
    samples: int,
    told: Iterable[int] | None = None,
    *,
    strategy: str | None = None,
    orders: Sequence[Sequence[int]] = (),
) -> CounterfactualMeasured:
    """The event that tells these configurations, all if none are named, in this order and as often."""
    shown = [*(right if told is None else told)]
    return CounterfactualMeasured(
        strategy=strategy,
        slots=[f"s{place}" for place in range(n)],
        orders=[[*order] for order in orders],
        n_val=samples,
        results=[
            CounterfactualResult(
                config=[bool(config >> place & 1) for place in range(n)],
                alpha_settings={},
                val_accuracy=100 * right[config].bit_count() / samples,
            )
            for config in shown
        ],
        disagreements=[
            [(right[config] ^ right[other]).bit_count() for other in shown[:row]] for row, config in enumerate(shown)
        ],
    )


def values_of(right: Right, samples: int) -> dict[int, float]:
    """Accuracies in percent."""
    return {config: 100 * bits.bit_count() / samples for config, bits in right.items()}


def brute_force(n: int, values: Mapping[int, float]) -> list[float]:
    """Shapley values by definition: what each seed adds, over all n! orders."""
    added = [0.0] * n
    for order in permutations(range(n)):
        config = 0
        for seed in order:
            added[seed] += values[config | 1 << seed] - values[config]
            config |= 1 << seed
    return [total / factorial(n) for total in added]


def shapley_of(n: int, values: Mapping[int, float]) -> list[float]:
    """The same by the number of others that are on, for more seeds than have orders that can be walked."""
    found = []
    for seed in range(n):
        others = (config for config in range(1 << n) if not config >> seed & 1)
        found.append(sum((values[c | 1 << seed] - values[c]) / (n * comb(n - 1, c.bit_count())) for c in others))
    return found


class Population:
    """Samples of three kinds, with so many seeds that do something else for each, alone and in pairs."""

    def __init__(self, n: int, random: random.Random) -> None:
        self.n, self._random = n, random
        spread = 1.5 / n**0.5
        self._kinds = [
            (random.gauss(1, 1), [random.gauss(0.3, spread) for _ in range(n)], [self._pair() for _ in range(n)])
            for _ in range(3)
        ]

    def _pair(self) -> tuple[int, float]:
        both = sum(1 << place for place in self._random.sample(range(self.n), min(2, self.n)))
        return both, self._random.gauss(0, 0.5)

    def score(self, kind: int, config: int) -> float:
        """Logit of being right, for a sample of a kind."""
        base, seeds, pairs = self._kinds[kind]
        alone = sum(worth for place, worth in enumerate(seeds) if config >> place & 1)
        return base + alone + sum(worth for both, worth in pairs if config & both == both)

    def accuracy(self, config: int) -> float:
        """Of all samples there are, in percent."""
        return 100 * fmean(1 / (1 + exp(-self.score(kind, config))) for kind in range(3))

    def validation_set(self, samples: int, configs: Iterable[int]) -> Right:
        """Some samples, in these configurations."""
        hard = [(self._random.randrange(3), self._hardness()) for _ in range(samples)]
        found = {}
        for config in configs:
            scores = [self.score(kind, config) for kind in range(3)]
            found[config] = sum(1 << j for j, (kind, hardness) in enumerate(hard) if scores[kind] > hardness)
        return found

    def _hardness(self) -> float:
        share = self._random.random() or 0.5
        return log(share / (1 - share))
