"""Some configurations: orders and pairs that were drawn, beside plain loops and another solver; what is left when some
are gone; and how often an interval holds the value of all samples there are."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.kinds import SeedsAttributed
from nissa.operators.attribution.attribution import attributed
from nissa.operators.attribution.kernel import by_pairs
from nissa.operators.attribution.matrix import Matrix, matrix_of
from nissa.operators.statistics import t_quantile
from nissa.pipeline.probes.counterfactual.configurations import Plan, planned
from tests.operators.attribution.games import Population, Right, measured, shapley_of, values_of


def bits(config: Sequence[bool]) -> int:
    return sum(on << place for place, on in enumerate(config))


def estimated(n: int, plan: Plan, right: Right, samples: int) -> SeedsAttributed:
    told = measured(n, right, samples, map(bits, plan.configs), strategy=plan.strategy, orders=plan.orders)
    return attributed(replace(told, planned=len(plan.configs)), {})


def validation_set(n: int, seed: int, samples: int = 200) -> tuple[Right, dict[int, float]]:
    right = Population(n, random.Random(seed)).validation_set(samples, range(1 << n))
    return right, values_of(right, samples)


def walked(order: Sequence[int], values: dict[int, float]) -> list[float]:
    """What each seed adds on the way."""
    added, config = [0.0] * len(order), 0
    for seed in order:
        added[seed] = values[config | 1 << seed] - values[config]
        config |= 1 << seed
    return added


@pytest.mark.parametrize("n", [7, 9])
def test_orders_give_what_each_seed_adds_on_their_way(n: int) -> None:
    plan = planned(n, seed=n)
    right, values = validation_set(n, n)
    found = estimated(n, plan, right, 200)
    walks = [walked(order, values) for order in plan.orders]
    assert [seed.shapley for seed in found.seeds] == pytest.approx([fmean(each) for each in zip(*walks, strict=True)])
    assert math.fsum(seed.shapley or 0.0 for seed in found.seeds) == pytest.approx(values[(1 << n) - 1] - values[0])
    assert (found.permutations, found.unmeasured, found.evaluations) == (20, 0, len(plan.configs))
    assert not any(seed.exact or seed.marginal is not None for seed in found.seeds)
    assert found.interactions == []


def test_their_standard_error_is_of_the_pairs_of_orders_and_of_the_samples() -> None:
    n, samples, plan = 7, 200, planned(7, seed=1)
    right, values = validation_set(n, 1)
    of_sample = [{config: 100.0 * (own >> j & 1) for config, own in right.items()} for j in range(samples)]
    for place, seed in enumerate(estimated(n, plan, right, samples).seeds):
        walks = [walked(order, values)[place] for order in plan.orders]
        pairs = [fmean(pair) for pair in zip(walks[::2], walks[1::2], strict=True)]
        own = [fmean(walked(order, each)[place] for order in plan.orders) for each in of_sample]
        assert seed.shapley_se == pytest.approx(math.hypot(stdev(pairs) / 10**0.5, stdev(own) / samples**0.5))
        # The interval has two samples more, and Welch's degrees of freedom.
        square = (sum(value**2 for value in own) + 100**2 / n) / (samples + 2)
        of_set = (square - (sum(own) / (samples + 2)) ** 2) / (samples + 2)
        of_draw = stdev(pairs) ** 2 / 10
        df = (of_set + of_draw) ** 2 / (of_set**2 / (samples - 1) + of_draw**2 / 9)
        half = t_quantile(0.975, int(df)) * math.sqrt(of_set + of_draw)
        ends = [(seed.shapley or 0.0) - half, (seed.shapley or 0.0) + half]
        assert [seed.shapley_low, seed.shapley_high] == pytest.approx(ends)


@given(st.integers(1, 6), st.integers(0, 99))
def test_orders_that_leave_nothing_out_give_exact_values(n: int, seed: int) -> None:
    plan = planned(n, "permutations", seed)
    right, values = validation_set(n, seed, 40)
    found = estimated(n, plan, right, 40)
    whole = len(plan.configs) == 1 << n
    assert all(row.exact == whole for row in found.seeds)
    assert (found.permutations is None) == whole
    if whole:
        assert [row.shapley for row in found.seeds] == pytest.approx(shapley_of(n, values), abs=1e-9)


@given(st.data())
def test_an_order_with_a_configuration_that_is_gone_is_left_out_with_its_like_and_told(data: st.DataObject) -> None:
    n, plan = 7, planned(7, seed=3)
    right, values = validation_set(n, 3)
    gone = set(data.draw(st.lists(st.sampled_from(sorted(map(bits, plan.configs))), min_size=1, max_size=3)))
    kept = [config for config in map(bits, plan.configs) if config not in gone]
    told = measured(n, right, 200, kept, strategy=plan.strategy, orders=plan.orders)
    found = attributed(replace(told, planned=len(plan.configs)), {})
    ways = [{sum(1 << seed for seed in order[:on]) for on in range(n + 1)} for order in plan.orders]
    left = [order for at, order in enumerate(plan.orders) if not (ways[at - at % 2] | ways[at - at % 2 + 1]) & gone]
    assert (found.permutations, found.unmeasured) == (len(left), len(gone))
    walks = [walked(order, values) for order in left]
    for place, seed in enumerate(found.seeds):
        assert not seed.exact
        assert seed.shapley == (pytest.approx(fmean(walk[place] for walk in walks)) if walks else None)
        assert (seed.shapley_se is None) == (len(left) < 4)
        known = not {(1 << n) - 1, (1 << n) - 1 ^ 1 << place} & gone and seed.ablation is not None
        assert seed.ablation == (values[(1 << n) - 1] - values[(1 << n) - 1 ^ 1 << place] if known else None)


def test_what_is_no_order_of_the_slots_and_an_odd_one_left_over_are_none() -> None:
    right, values = validation_set(7, 5)
    orders = [[*range(7)], [*range(7)][::-1]]
    walks = [fmean(each) for each in zip(*(walked(order, values) for order in orders), strict=True)]
    for odd in ([[0, 1, 2]], [[0] * 7, [0] * 7], [[6, 5, 4, 3, 2, 1, 9]] * 2, orders[:1]):
        kept = [config for config in right if config != 0b0101010]
        found = attributed(measured(7, right, 200, kept, orders=[*orders, *odd]), {})
        assert found.permutations == 2
        assert [seed.shapley for seed in found.seeds] == pytest.approx(walks)


def solved(n: int, matrix: Matrix, configs: Sequence[int]) -> list[float]:
    """The weighted fit by its normal equations with a multiplier, of all configurations and not of differences."""
    full, sizes = (1 << n) - 1, [config.bit_count() for config in configs]
    whole = {size: math.comb(n, size) for size in range(n)}
    weights = np.array([1 / (size * (n - size)) / sizes.count(size) for size in sizes])
    assert all(whole[size] >= sizes.count(size) for size in sizes)
    x = np.array([[config >> seed & 1 for seed in range(n)] for config in configs], float)
    y = np.array([matrix.values[config] - matrix.values[0] for config in configs])
    system = np.block([[2 * x.T @ (weights[:, None] * x), np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]])
    right = np.append(2 * x.T @ (weights * y), matrix.values[full] - matrix.values[0])
    answer: list[float] = np.linalg.solve(system, right)[:n].tolist()
    return answer


@pytest.mark.parametrize("n", [4, 7, 8, 9])
def test_pairs_give_the_weighted_fit_that_another_solver_finds(n: int) -> None:
    plan, (right, values) = planned(n, "kernel", n), validation_set(n, n)
    found = estimated(n, plan, right, 200)
    told = measured(n, right, 200, map(bits, plan.configs), strategy="kernel")
    between = [config for config in map(bits, plan.configs) if 0 < config < (1 << n) - 1]
    assert [seed.shapley for seed in found.seeds] == pytest.approx(solved(n, matrix_of(told), between))
    assert math.fsum(seed.shapley or 0.0 for seed in found.seeds) == pytest.approx(values[(1 << n) - 1] - values[0])
    assert all(seed.exact == (n == 4) for seed in found.seeds)


def test_how_far_a_fit_to_pairs_varies_say_those_that_it_was_not_fitted_to() -> None:
    """Each pair beside a fit without it, and what a point more in that pair would change in each value."""
    n, full, plan = 8, 255, planned(8, "kernel", 5)
    told = measured(n, validation_set(n, 5)[0], 200, map(bits, plan.configs), strategy="kernel")
    values = matrix_of(told).values
    pairs = [c for c in map(bits, plan.configs) if 0 < c.bit_count() < 4 or (c.bit_count() == 4 and c & 1)]
    sizes = [config.bit_count() for config in pairs]
    x = np.array([[1.0 if config >> seed & 1 else -1.0 for seed in range(n)] for config in pairs])
    y = np.array([values[config] - values[full ^ config] for config in pairs])
    whole = {size: math.comb(n, size) / (2 if size == 4 else 1) for size in sizes}
    weights = np.array([whole[size] / math.comb(n, size) / (size * (n - size)) / sizes.count(size) for size in sizes])

    def fit(left: list[int], observed: Any) -> Any:
        own = weights[left, None] * x[left]
        system = np.block([[x[left].T @ own, np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]])
        return np.linalg.solve(system, np.append(own.T @ observed[left], values[full] - values[0]))[:n]

    everything = [*range(len(pairs))]
    base, moves = fit(everything, y), []
    for pair in everything:
        others = [other for other in everything if other != pair]
        pull = fit(everything, y + (np.arange(len(pairs)) == pair)) - base
        moves.append(pull * (y[pair] - x[pair] @ fit(others, y)))
    expected = np.zeros(n)
    for size in {*sizes}:
        own = np.array([move for move, of in zip(moves, sizes, strict=True) if of == size])
        expected += (1 - len(own) / whole[size]) * len(own) * own.var(0, ddof=1)
    estimates = by_pairs(matrix_of(told)) or []
    assert [estimate.variance for estimate in estimates] == pytest.approx(expected.tolist())
    assert {estimate.df for estimate in estimates} == {len(pairs) - n + 1}


def test_without_pairs_of_a_size_there_is_no_fit() -> None:
    right, _ = validation_set(8, 8)
    for size in range(1, 5):
        kept = [config for config in right if config.bit_count() not in (size, 8 - size)]
        found = attributed(measured(8, right, 200, kept, strategy="kernel"), {})
        assert [seed.shapley for seed in found.seeds] == [None] * 8


def test_of_all_pairs_the_fit_is_the_shapley_value_and_nothing_is_left_open() -> None:
    right, values = validation_set(6, 2)
    estimates = by_pairs(matrix_of(measured(6, right, 200)))
    assert estimates is not None
    matrix = matrix_of(measured(6, right, 200))
    assert [matrix.value(estimate.contrast) for estimate in estimates] == pytest.approx(shapley_of(6, values))
    assert [estimate.variance for estimate in estimates] == pytest.approx([0.0] * 6)


def test_pairs_of_seeds_that_do_not_interact_give_exact_values_without_doubt() -> None:
    worth = [random.Random(place).uniform(-3, 9) for place in range(9)]
    plan = planned(9, "kernel")
    told = measured(9, dict.fromkeys(range(1 << 9), 0), 10, map(bits, plan.configs), strategy="kernel")
    told = replace(
        told,
        results=[
            replace(row, val_accuracy=40.0 + sum(each for each, on in zip(worth, row.config, strict=True) if on))
            for row in told.results
        ],
    )
    estimates = by_pairs(matrix_of(told))
    assert estimates is not None
    assert [seed.shapley for seed in attributed(told, {}).seeds] == pytest.approx(worth)
    assert [estimate.variance for estimate in estimates] == pytest.approx([0.0] * 9, abs=1e-18)


@given(st.sets(st.integers(0, 81), min_size=1))
def test_where_pairs_are_gone_values_are_estimated_from_the_others_or_missing_and_never_exact(gone: set[int]) -> None:
    plan, (right, _) = planned(8, "kernel"), validation_set(8, 8)
    kept = [bits(config) for place, config in enumerate(plan.configs) if place not in gone]
    told = replace(measured(8, right, 200, kept, strategy="kernel"), planned=len(plan.configs))
    found = attributed(told, {})
    pairs = [config for config in kept if 255 ^ config in kept and 0 < config < 255]
    sizes = {min(config.bit_count(), 8 - config.bit_count()) for config in pairs}
    if 0 not in kept or 255 not in kept or len(sizes) < 4:
        assert all(seed.shapley is None for seed in found.seeds)
    elif all(seed.shapley is not None for seed in found.seeds):
        assert [seed.shapley for seed in found.seeds] == pytest.approx(solved(8, matrix_of(told), pairs))
    assert not any(seed.exact for seed in found.seeds)
    assert found.unmeasured == len(gone)


def test_configurations_that_nobody_drew_give_no_estimate() -> None:
    """Some of all: which are lacking may have to do with what they were."""
    right, _ = validation_set(7, 7)
    for strategy in ("factorial", "ablation", None, "something newer"):
        found = attributed(measured(7, right, 200, [*[*right][:120], 127], strategy=strategy), {})
        assert all(seed.shapley is None and not seed.exact for seed in found.seeds)


def covered(n: int, strategy: str, games: int, samples: int = 360) -> float:
    """Share of the intervals, over as many games, that hold the Shapley value of all samples there are."""
    held = total = 0
    for game in range(games):
        population = Population(n, random.Random(game))
        truth = shapley_of(n, {config: population.accuracy(config) for config in range(1 << n)})
        plan = planned(n, strategy, game)
        right = population.validation_set(samples, map(bits, plan.configs))
        for seed, value in zip(estimated(n, plan, right, samples).seeds, truth, strict=True):
            held += (seed.shapley_low or math.inf) <= value <= (seed.shapley_high or -math.inf)
            total += 1
    return held / total


@pytest.mark.deep
@pytest.mark.parametrize(("n", "strategy"), [(3, "factorial"), (6, "factorial"), (8, "permutations"), (8, "kernel")])
def test_of_a_thousand_games_ninety_five_in_a_hundred_intervals_hold_the_value(n: int, strategy: str) -> None:
    assert 0.93 <= covered(n, strategy, 1000) <= 0.97


@pytest.mark.parametrize(("n", "strategy"), [(2, "factorial"), (7, "permutations"), (7, "kernel")])
def test_of_some_games_most_intervals_do(n: int, strategy: str) -> None:
    assert 0.9 <= covered(n, strategy, 40) <= 1
