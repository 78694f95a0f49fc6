"""Which configurations are planned: all of few seeds, and of many those of drawn orders or pairs, each once."""

from itertools import product
from math import comb

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nissa.events.vocabulary import STRATEGIES
from nissa.pipeline.probes.counterfactual.configurations import planned

numbers = st.integers(1, 12)


@pytest.mark.parametrize("n", range(1, 13))
def test_up_to_six_seeds_all_configurations_are_measured_and_from_seven_on_those_of_twenty_orders(n: int) -> None:
    plan = planned(n)
    if n <= 6:
        assert (plan.strategy, sorted(plan.configs)) == ("factorial", sorted(product((False, True), repeat=n)))
        assert plan.orders == []
    else:
        assert (plan.strategy, len(plan.orders)) == ("permutations", 20)
        assert all(second == first[::-1] for first, second in zip(plan.orders[::2], plan.orders[1::2], strict=True))
        assert all(sorted(order) == [*range(n)] for order in plan.orders)
        ways = {frozenset(order[:on]) for order in plan.orders for on in range(n + 1)}
        assert {frozenset(i for i, on in enumerate(config) if on) for config in plan.configs} == ways


@given(numbers, st.sampled_from(STRATEGIES), st.integers(0, 9))
def test_each_is_planned_once_and_what_all_seeds_bring_comes_first(n: int, strategy: str, seed: int) -> None:
    plan = planned(n, strategy, seed)
    assert plan.configs[:2] == [(True,) * n, (False,) * n]
    assert len({*plan.configs}) == len(plan.configs)
    assert plan == planned(n, strategy, seed)
    assert plan.strategy == strategy


@given(st.integers(2, 12), st.sampled_from(("factorial", "ablation")))
def test_a_budget_cuts_off_an_ablation_last(n: int, strategy: str) -> None:
    alone_off = {tuple(place != off for place in range(n)) for off in range(n)}
    first = planned(n, strategy).configs[2 : n + 2]
    assert {*first} == (alone_off if n > 1 else set())
    assert len(planned(n, "ablation").configs) == n + 2


@given(st.integers(2, 14), st.integers(0, 9))
@example(100, 0)
def test_pairs_are_of_opposites_of_each_size_and_those_of_one_size_are_all_different(n: int, seed: int) -> None:
    plan = planned(n, "kernel", seed)
    between = plan.configs[2:]
    opposites = zip(between[::2], between[1::2], strict=True)
    assert all(tuple(not on for on in second) == first for first, second in opposites)
    assert len(between) == 2 * min(5 * n, 2 ** (n - 1) - 1)
    counts = {size: sum(sum(config) == size for config in between) for size in range(1, n)}
    assert all(count >= min(2, comb(n, size)) for size, count in counts.items())
    # A size whose configurations weigh more is measured in a larger share.
    shares = [counts[size] / comb(n, size) for size in range(1, n // 2 + 1)]
    assert shares == sorted(shares, reverse=True)


def test_other_seeds_draw_others() -> None:
    for strategy in ("permutations", "kernel"):
        assert planned(9, strategy, 0).configs != planned(9, strategy, 1).configs


def test_half_the_seeds_are_drawn_alike() -> None:
    """Of two opposites of one size either may come up; no configuration is preferred."""
    seen = {config for seed in range(400) for config in planned(6, "kernel", seed).configs}
    assert len(seen) == 64


@pytest.mark.parametrize(
    ("n", "strategy", "complaint"),
    [(2, "all", "strategy must be one of factorial, .*, not 'all'"), (17, "factorial", "17 seeds are too many")],
)
def test_what_cannot_be_planned_is_refused(n: int, strategy: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        planned(n, strategy)
