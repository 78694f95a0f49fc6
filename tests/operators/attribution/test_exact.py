"""All configurations: Shapley's axioms, brute force over all orders, and what is missing where some are."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, permutations
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.kinds import CounterfactualMeasured, CounterfactualResult, SeedsAttributed
from nissa.operators.attribution.attribution import attributed
from nissa.operators.attribution.matrix import ablations
from nissa.operators.statistics import t_quantile
from tests.operators.attribution.games import Right, brute_force, measured

DOCUMENT = {0b000: 62.3, 0b100: 64.1, 0b010: 63.8, 0b110: 65.2, 0b001: 63.5, 0b101: 65.8, 0b011: 64.9, 0b111: 66.4}
"""The factorial of the research document: early is bit 0, mid bit 1, late bit 2."""


def told(n: int, values: Mapping[int, float | None]) -> CounterfactualMeasured:
    """Accuracies alone, without a validation set."""
    results = [
        CounterfactualResult(
            config=[bool(config >> place & 1) for place in range(n)], alpha_settings={}, val_accuracy=value
        )
        for config, value in values.items()
    ]
    return CounterfactualMeasured(slots=[f"s{place}" for place in range(n)], results=results)


def shapley(n: int, values: Mapping[int, float]) -> list[float]:
    return [seed.shapley or 0.0 for seed in attributed(told(n, values), {}).seeds]


@st.composite
def games(draw: st.DrawFn, most: int = 5) -> tuple[int, dict[int, float]]:
    """Any accuracies of all configurations of some seeds."""
    n = draw(st.integers(1, most))
    return n, {config: draw(st.floats(0, 100)) for config in range(1 << n)}


@st.composite
def validated(draw: st.DrawFn, most: int = 3) -> tuple[int, Right, int]:
    """The same sample by sample."""
    n, samples = draw(st.integers(1, most)), draw(st.integers(2, 12))
    return n, {config: draw(st.integers(0, (1 << samples) - 1)) for config in range(1 << n)}, samples


@given(games())
def test_values_are_what_each_seed_adds_over_all_orders(game: tuple[int, dict[int, float]]) -> None:
    assert shapley(*game) == pytest.approx(brute_force(*game), abs=1e-9)


@given(games(most=4), games(most=4))
def test_shares_in_the_loss_are_what_each_seed_takes_away_from_it(
    game: tuple[int, dict[int, float]], lost: tuple[int, dict[int, float]]
) -> None:
    n, values = game
    losses = {config: lost[1].get(config, 1.5 * config) for config in values}
    whole = told(n, values)
    whole = replace(whole, results=[replace(row, val_loss=losses[at]) for at, row in enumerate(whole.results)])
    found = [seed.loss_shapley for seed in attributed(whole, {}).seeds]
    assert found == pytest.approx(brute_force(n, {config: -loss for config, loss in losses.items()}), abs=1e-9)
    lacking = replace(whole, results=[replace(whole.results[0], val_loss=None), *whole.results[1:]])
    assert {seed.loss_shapley for seed in attributed(lacking, {}).seeds} == {None}


@pytest.mark.parametrize("n", [6, 7, 8])
def test_of_many_seeds_too(n: int) -> None:
    values = {config: random.Random(config).uniform(0, 100) for config in range(1 << n)}
    assert shapley(n, values) == pytest.approx(brute_force(n, values), abs=1e-9)


@given(games())
def test_they_add_up_to_what_all_seeds_bring_together(game: tuple[int, dict[int, float]]) -> None:
    n, values = game
    found = attributed(told(n, values), {})
    assert math.fsum(seed.shapley or 0.0 for seed in found.seeds) == pytest.approx(values[(1 << n) - 1] - values[0])
    assert found.ablation_delta == values[(1 << n) - 1] - values[0]


@given(games(), st.data())
def test_seeds_that_can_stand_for_each_other_are_worth_the_same(
    game: tuple[int, dict[int, float]], data: st.DataObject
) -> None:
    n, values = game
    one, other = data.draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))
    both = 1 << one | 1 << other
    # Whichever of the two is on, it is the same.
    alike = {config: values[config ^ both if (config & both) == 1 << other else config] for config in values}
    found = shapley(n, alike)
    assert found[one] == pytest.approx(found[other], abs=1e-9)


@given(games(), st.data())
def test_a_seed_that_changes_nothing_is_worth_nothing(game: tuple[int, dict[int, float]], data: st.DataObject) -> None:
    n, values = game
    idle = data.draw(st.integers(0, n - 1))
    found = attributed(told(n, {config: values[config & ~(1 << idle)] for config in values}), {})
    seed = found.seeds[idle]
    assert [seed.shapley, seed.marginal, seed.ablation] == pytest.approx([0, 0, 0], abs=1e-9)
    mine = [pair.interaction for pair in found.interactions if f"s{idle}" in (pair.first, pair.second)]
    assert mine == pytest.approx([0.0] * (n - 1), abs=1e-9)


@given(st.data(), st.integers(1, 4), st.floats(0, 1))
def test_the_values_of_a_mixture_are_the_mixture_of_the_values(data: st.DataObject, n: int, share: float) -> None:
    one, other = ({config: data.draw(st.floats(0, 100)) for config in range(1 << n)} for _ in range(2))
    mixed = {config: share * one[config] + (1 - share) * other[config] for config in one}
    apart = zip(shapley(n, one), shapley(n, other), strict=True)
    assert shapley(n, mixed) == pytest.approx([share * a + (1 - share) * b for a, b in apart], abs=1e-9)


def test_the_factorial_of_the_document_by_hand() -> None:
    """Early adds 1.2 to none, 1.1 to mid, 1.7 to late and 1.2 to both: (2 x 1.2 + 1.1 + 1.7 + 2 x 1.2) / 6."""
    found = attributed(told(3, DOCUMENT), {})
    by_hand = [7.6 / 6, 6.7 / 6, 10.3 / 6]
    assert [seed.shapley for seed in found.seeds] == pytest.approx(by_hand)
    assert [seed.marginal for seed in found.seeds] == pytest.approx([5.2 / 4, 4.6 / 4, 7.0 / 4])
    assert [seed.ablation for seed in found.seeds] == pytest.approx([1.2, 0.6, 1.5])
    assert all(seed.exact for seed in found.seeds)
    assert found.ablation_delta == pytest.approx(4.1)


@given(games())
def test_a_marginal_contribution_is_the_mean_over_the_configurations_of_the_others(
    game: tuple[int, dict[int, float]],
) -> None:
    n, values = game
    for place, seed in enumerate(attributed(told(n, values), {}).seeds):
        others = [config for config in values if not config >> place & 1]
        assert seed.marginal == pytest.approx(fmean(values[c | 1 << place] - values[c] for c in others), abs=1e-9)
        assert seed.ablation == values[(1 << n) - 1] - values[(1 << n) - 1 - (1 << place)]


@given(games())
def test_an_interaction_is_what_two_add_together_over_all_orders_that_have_them_side_by_side(
    game: tuple[int, dict[int, float]],
) -> None:
    n, values = game
    found = {(pair.first, pair.second): pair.interaction for pair in attributed(told(n, values), {}).interactions}
    assert len(found) == math.comb(n, 2)
    for i, j in combinations(range(n), 2):
        together = []
        for order in permutations([-1, *(seed for seed in range(n) if seed not in (i, j))]):
            before = sum(1 << seed for seed in order[: order.index(-1)])
            both, one, other = before | 1 << i | 1 << j, before | 1 << i, before | 1 << j
            together.append(values[both] - values[one] - values[other] + values[before])
        assert found[f"s{i}", f"s{j}"] == pytest.approx(fmean(together), abs=1e-9)


def test_one_seed_alone_is_worth_its_ablation() -> None:
    found = attributed(told(1, {0: 60.0, 1: 66.0}), {})
    (seed,) = found.seeds
    assert (seed.shapley, seed.marginal, seed.ablation, seed.exact, found.interactions) == (6.0, 6.0, 6.0, True, [])


@given(validated())
def test_the_standard_error_is_that_of_the_samples_own_values(game: tuple[int, Right, int]) -> None:
    n, right, samples = game
    own = [brute_force(n, {config: 100.0 * (bits >> j & 1) for config, bits in right.items()}) for j in range(samples)]
    for place, seed in enumerate(attributed(measured(n, right, samples), {}).seeds):
        mine = [values[place] for values in own]
        assert seed.shapley == pytest.approx(fmean(mine), abs=1e-9)
        assert seed.shapley_se == pytest.approx(stdev(mine) / math.sqrt(samples), abs=1e-6)


@given(validated())
def test_the_interval_counts_two_samples_more_of_which_one_seed_decides_one(game: tuple[int, Right, int]) -> None:
    n, right, samples = game
    own = [brute_force(n, {config: 100.0 * (bits >> j & 1) for config, bits in right.items()}) for j in range(samples)]
    for place, seed in enumerate(attributed(measured(n, right, samples), {}).seeds):
        mine = [values[place] for values in own]
        mean = sum(mine) / (samples + 2)
        square = (sum(value**2 for value in mine) + 100**2 / n) / (samples + 2)
        half = t_quantile(0.975, samples - 1) * math.sqrt((square - mean**2) / (samples + 2))
        ends = [fmean(mine) - half, fmean(mine) + half]
        assert [seed.shapley_low, seed.shapley_high] == pytest.approx(ends, abs=1e-6)


def test_without_what_the_samples_say_of_each_other_there_is_a_value_and_no_interval() -> None:
    right = {0: 0b0011, 1: 0b0111}
    whole = measured(1, right, 4)
    assert attributed(whole, {}).seeds[0].shapley_se is not None
    odd: list[list[list[int]]] = [[[], [3], [1]], [[]], [[0], [1]]]
    for lacking in (replace(whole, n_val=None), *(replace(whole, disagreements=told) for told in (None, *odd))):
        (seed,) = attributed(lacking, {}).seeds
        assert (seed.shapley, seed.shapley_se, seed.shapley_low, seed.shapley_high) == (25.0, None, None, None)


@given(games(most=4), st.data())
def test_where_a_configuration_was_not_measured_what_follows_from_it_is_missing_and_the_rest_is_as_it_was(
    game: tuple[int, dict[int, float]], data: st.DataObject
) -> None:
    n, values = game
    whole = attributed(told(n, values), {})
    gone = data.draw(st.sets(st.sampled_from([*values]), min_size=1))
    # Some are left out, and some told without an accuracy.
    silent: set[int] = data.draw(st.sets(st.sampled_from([*gone])))
    kept = {
        config: None if config in gone else value for config, value in values.items() if config not in gone - silent
    }
    found = attributed(told(n, kept), {})
    assert (found.evaluations, found.unmeasured) == ((1 << n) - len(gone), len(gone))
    assert found.interactions == []
    full = (1 << n) - 1
    assert found.ablation_delta == (None if {0, full} & gone else whole.ablation_delta)
    for place, (before, after) in enumerate(zip(whole.seeds, found.seeds, strict=True)):
        known = not {full, full ^ 1 << place} & gone
        assert after == replace(
            before, shapley=None, marginal=None, exact=False, ablation=before.ablation if known else None
        )
    costs = {seed.slot: seed.ablation for seed in found.seeds if seed.ablation is not None}
    assert ablations(told(n, kept)) == costs


def test_a_configuration_that_was_measured_twice_counts_once_with_the_mean() -> None:
    right = {0: 0b0001, 1: 0b0111}
    found = attributed(measured(1, right, 4, told=[0, 1, 1, 0, 1]), {})
    once = attributed(measured(1, right, 4), {})
    assert found == replace(once, evaluations=5, duplicates=3)
    again = replace(measured(1, right, 4, told=[0, 1, 1]), disagreements=None)
    other = replace(again, results=[*again.results[:2], replace(again.results[2], val_accuracy=85.0)])
    assert attributed(other, {}).seeds[0].shapley == 80.0 - 25.0


def test_a_broken_accuracy_is_carried_into_what_follows_from_it_alone() -> None:
    found = attributed(told(2, {0: 50.0, 1: math.nan, 2: 60.0, 3: 70.0}), {})
    first, second = found.seeds
    assert (math.isnan(first.shapley or 0.0), math.isnan(second.shapley or 0.0)) == (True, True)
    assert (first.ablation, math.isnan(second.ablation or 0.0), found.ablation_delta) == (10.0, True, 20.0)


def test_samples_of_which_each_says_the_same_leave_no_standard_error() -> None:
    """Both say 33 points and a third for each seed; what is left of their squares is rounding."""
    right = {0: 0, 1: 0, 2: 3, 3: 0, 4: 0, 5: 0, 6: 3, 7: 3}
    assert [seed.shapley_se for seed in attributed(measured(3, right, 2), {}).seeds] == [0.0] * 3


def test_the_interval_of_a_broken_value_is_broken() -> None:
    for broken in (math.nan, math.inf):
        whole = measured(1, {0: 0b01, 1: 0b11}, 2)
        (off, on) = whole.results
        (seed,) = attributed(replace(whole, results=[off, replace(on, val_accuracy=broken)]), {}).seeds
        assert str(seed.shapley) == str(broken)
        assert [str(end) for end in (seed.shapley_se, seed.shapley_low, seed.shapley_high)] == ["nan"] * 3


def test_results_of_other_slots_are_none_of_the_matrix() -> None:
    odd = CounterfactualResult(config=[True], alpha_settings={}, val_accuracy=1.0)
    whole = told(2, {0: 50.0, 1: 55.0, 2: 60.0, 3: 70.0})
    mixed = attributed(replace(whole, results=[odd, *whole.results]), {})
    assert mixed == attributed(whole, {})
    assert isinstance(mixed, SeedsAttributed)
