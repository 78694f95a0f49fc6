"""The health of the policy: each collapse and spike is found when due, its twin just short of the limit is not."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nissa.events.kinds import AlertRaised, AlertResolved, HeadEntropy, PolicyUpdated, RunEnded
from nissa.operators.policy.collapse import CollapseLimits, policy_collapse
from nissa.operators.policy.figures import information, normalized_entropy
from nissa.operators.policy.update_spikes import policy_spikes
from tests.operators.test_contract import derived
from tests.operators.watching import head, marbles, names, raised, resolved, updated
from tests.samples import event

HEALTHY = [updated() for _ in range(10)]
"""More than what was sound before has to be."""


def told(updates: Iterable[PolicyUpdated], operator: Any = None) -> list[Any]:
    """What is derived from the updates of one policy."""
    return derived(operator or policy_collapse(), [event(row, seq=n, group="ppo") for n, row in enumerate(updates)])


@settings(max_examples=100)
@given(arrays(float, (12, 4), elements=st.floats(-5, 5)), arrays(bool, (12, 4)))
def test_entropy_and_information_equal_numpy_on_masked_logits(logits: Any, mask: Any) -> None:
    mask = mask[mask.sum(1) >= 2]
    if not len(mask):
        return
    weights = np.where(mask, np.exp(logits[: len(mask)]), 0.0)
    policy = weights / weights.sum(1, keepdims=True)
    entropies, mean = -np.sum(xlogx(policy), 1), policy.mean(0)
    most, marginal = np.log(mask.sum(1)), -np.sum(xlogx(mean))
    row = HeadEntropy(
        entropy=entropies.sum(), log_valid=most.sum(), decisions=len(mask), mean_policy_entropy=float(marginal)
    )
    assert normalized_entropy(row) == pytest.approx(entropies.sum() / most.sum())
    assert information(row) == pytest.approx((marginal - entropies.mean()) / most.mean(), abs=1e-9)


def test_what_an_update_tells_is_judged_though_a_library_tells_no_more() -> None:
    """As stable-baselines3, which tells neither the largest ratio nor the norm of the gradient."""
    told_by: dict[str, Any] = {"policy_loss": 0.1, "value_loss": 0.5, "clip_fraction": 0.1, "explained_variance": 0.8}
    bare = [PolicyUpdated(update=n, approx_kl=0.01, **told_by) for n in range(24)]
    assert told(bare) == told(bare, policy_spikes()) == []
    assert names(told([*bare, PolicyUpdated(update=24, approx_kl=0.5)], policy_spikes())) == [("kl_spike", "approx_kl")]
    assert told([PolicyUpdated(update=n) for n in range(24)], policy_spikes()) == []


def xlogx(p: Any) -> Any:
    return p * np.log(np.where(p > 0, p, 1.0))


def test_a_policy_that_does_not_care_has_all_the_entropy_however_few_choices_are_valid() -> None:
    two_of_thirty = HeadEntropy(
        entropy=70 * math.log(2), log_valid=70 * math.log(2), decisions=70, mean_policy_entropy=math.log(30)
    )
    assert normalized_entropy(two_of_thirty) == 1.0
    assert told(updated({"blueprint": two_of_thirty}) for _ in range(40)) == []


def test_marbles_of_an_entropy_that_collapses_after_the_warm_up_and_recovers() -> None:
    left = [0.8] * 12 + [0.05] * 6 + [0.12] + [0.2] * 4 + [0.5] * 2
    story = {210 + n: event(updated({"op": head(share)}), group="ppo") for n, share in enumerate(left)}
    found = [(tick - 210, type(row), row.severity) for tick, row in marbles(policy_collapse(), story)]
    assert found == [
        (16, AlertRaised, "critical"),  # the fifth in a row
        (19, AlertResolved, "critical"),  # 0.12 was not yet 1.5 x 0.10
        (19, AlertRaised, "warning"),  # which had waited, as critical says it already
        (23, AlertResolved, "warning"),
    ]


@pytest.mark.parametrize(
    ("left", "severity"), [(0.0999, "critical"), (0.1001, "warning"), (0.2999, "warning"), (0.3001, None)]
)
def test_twins_on_both_sides_of_each_limit_of_the_entropy(left: float, severity: str | None) -> None:
    low = [updated({"op": head(left)}) for _ in range(5)]
    assert told([*HEALTHY, *low[:4], updated(), *low[:4]]) == []
    out = raised(told([*HEALTHY, *low]))
    assert [(row.alert, row.subject, row.severity) for row in out] == [("entropy_collapse", "op", severity)] * bool(
        severity
    )


def test_what_was_sound_twice_is_judged_in_a_run_of_eight_updates() -> None:
    low = updated({"op": head(0.01)}, value_std=0.0, explained_variance=0.0)
    both = [("entropy_collapse", "op"), ("value_collapse", None)]
    for sound, lows, found in ((2, 3, both[1:]), (2, 5, both), (1, 4, []), (1, 5, both), (0, 4, []), (0, 5, both)):
        assert sorted(names(told([*[updated()] * sound, *[low] * lows]))) == found, (sound, lows)
    assert names(told([*[updated()] * 5, updated(approx_kl=0.7)], policy_spikes())) == [("kl_spike", "approx_kl")]
    assert names(told([*[updated()] * 4, updated(approx_kl=0.7)], policy_spikes())) == []


def test_an_alert_and_its_end_say_the_update_that_raised_it() -> None:
    low = [updated({"op": head(0.01)}, update=n, ratio_max=99.0 if n == 6 else 1.0) for n in range(2, 7)]
    rows = [updated(update=0), updated(update=1), *low, *[updated(update=n) for n in range(7, 11)]]
    for operator in (policy_collapse(), policy_spikes()):
        out = told(rows, operator)
        assert [row.update for row in raised(out)] == [row.update for row in resolved(out)] == [6]


@pytest.mark.parametrize("rising", ["value_std", "explained_variance"])
def test_a_critic_that_comes_nearer_to_its_limit_is_still_learning_and_one_that_stays_is_not(rising: str) -> None:
    flat = {"value_std": 0.004, "return_std": 1.0, "explained_variance": 0.004}
    learning = [updated(None, **flat | {rising: 0.004 * (1 + n)}) for n in range(11)]
    assert told([row for n, row in enumerate(learning) for row in [row] * (1 + n % 4)]) == []
    assert names(told([*learning[:6], *learning[5:6] * 4])) == [("value_collapse", None)]


@given(st.lists(st.sampled_from([0.01, 0.02, 0.05, 0.09, 0.15]), max_size=16))
def test_a_head_has_collapsed_when_a_plain_look_back_says_so(shares: list[float]) -> None:
    def due(n: int) -> bool:
        before, last = shares[: max(0, n - 4)], shares[max(0, n - 5) : n]
        known = sum(share > 0.1 for share in shares[:n]) >= 2
        return len(last) == 5 and max(last) < 0.1 and (known or max(last[1:]) <= max([*before, last[0]]))

    first = next((n for n in range(len(shares) + 1) if due(n)), None)
    found = [raised(told(updated({"op": head(share)}, update=n) for n, share in enumerate(shares)), "entropy_collapse")]
    critical = [row.update for rows in found for row in rows if row.severity == "critical"]
    assert critical[:1] == ([] if first is None else [first - 1])


def test_a_policy_that_is_certain_of_different_things_is_competent_and_not_collapsed() -> None:
    assert told([*HEALTHY, *[updated({"op": head(0.02, informed=0.051)})] * 20]) == []
    assert names(told([*HEALTHY, *[updated({"op": head(0.02, informed=0.049)})] * 20])) == [("entropy_collapse", "op")]


@pytest.mark.parametrize(
    "row",
    [
        HeadEntropy(entropy=0.0, log_valid=0.0, decisions=0, mean_policy_entropy=0.0),
        HeadEntropy(entropy=0.0, log_valid=0.0, decisions=70, mean_policy_entropy=0.0),
        HeadEntropy(entropy=0.0, log_valid=50.0, decisions=0, mean_policy_entropy=0.0),
        HeadEntropy(entropy=math.nan, log_valid=50.0, decisions=70, mean_policy_entropy=0.0),
    ],
)
def test_entropy_without_counts_of_valid_choices_is_not_normalized_and_no_alert(row: HeadEntropy) -> None:
    assert normalized_entropy(row) is None
    assert told(updated({"op": row}) for _ in range(40)) == []
    # Nor does such an update break a row of low ones.
    low = updated({"op": head(0.01)})
    assert names(told([*HEALTHY, low, low, low, low, updated({"op": row}), low])) == [("entropy_collapse", "op")]


@pytest.mark.parametrize(
    ("spread", "explained", "found"), [(0.0499, 0.0499, True), (0.0501, 0.0, False), (0.0, 0.0501, False)]
)
def test_twins_on_both_sides_of_each_limit_of_the_values(spread: float, explained: float, found: bool) -> None:
    low = [updated(value_std=2.0 * spread, return_std=2.0, explained_variance=explained) for _ in range(3)]
    assert told([*HEALTHY, *low[:2], updated()]) == []
    assert names(told([*HEALTHY, *low])) == [("value_collapse", None)] * found


@pytest.mark.parametrize(("figures", "over"), [((0.07, 0.0), False), ((0.076, 0.0), True), ((0.0, 0.076), True)])
def test_values_have_recovered_at_one_and_a_half_times_a_limit(figures: tuple[float, float], over: bool) -> None:
    low, later = (
        updated(value_std=0.01, explained_variance=0.0),
        dict(zip(("value_std", "explained_variance"), figures, strict=True)),
    )
    assert bool(resolved(told([*HEALTHY, low, low, low, updated(None, **later)]))) == over


def test_returns_that_are_all_the_same_are_another_matter_and_their_nan_is_no_fault() -> None:
    same = updated(return_std=0.0, value_std=0.0, explained_variance=math.nan)
    out = told([*HEALTHY, same, same, same, updated()])
    assert names(out) == [("degenerate_returns", None)]
    assert [row.clause for row in resolved(out)] == ["recovered"]
    assert told([same] * 20, policy_spikes()) == []


def test_where_the_spread_of_the_returns_is_not_told_a_nan_is_a_fault() -> None:
    unknown = updated(return_std=None, explained_variance=math.nan)
    assert names(told([unknown], policy_spikes())) == [("non_finite", "explained_variance")]
    assert told([*HEALTHY, *[updated(return_std=None, value_std=0.0, explained_variance=0.0)] * 5]) == []


FIGURES = (
    "approx_kl",
    "clip_fraction",
    "explained_variance",
    "value_std",
    "return_std",
    "policy_loss",
    "learning_rate",
)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_broken_figure_of_an_update_is_found_from_the_first_one_on(name: str, broken: float) -> None:
    out = told([updated(None, **{name: broken}), updated(), updated(), updated()], policy_spikes())
    assert names(out) == [("non_finite", name)]
    assert (out[0].severity, resolved(out)[0].observations) == ("critical", 3)


def test_a_broken_sum_names_its_head() -> None:
    row = HeadEntropy(entropy=math.nan, log_valid=1.0, decisions=1, mean_policy_entropy=1.0)
    assert names(told([updated({"slot": row})], policy_spikes())) == [("non_finite", "slot.entropy")]


SPIKES = [
    ("approx_kl", 0.1, "kl_spike"),
    ("clip_fraction", 0.5, "clip_fraction_spike"),
    ("ratio_max", 20.0, "ratio_explosion"),
]


@pytest.mark.parametrize(("name", "limit", "alert"), SPIKES)
def test_twins_on_both_sides_of_each_limit_of_an_update(name: str, limit: float, alert: str) -> None:
    assert told([*HEALTHY, updated(None, **{name: limit})], policy_spikes()) == []
    (found,) = raised(told([*HEALTHY, updated(None, **{name: limit * 1.001})], policy_spikes()))
    assert (found.alert, found.subject, found.threshold, found.clause) == (alert, name, limit, "limit")


def test_what_is_large_but_usual_is_no_spike() -> None:
    usual = [updated(approx_kl=0.2) for _ in range(10)]
    assert told([*usual, updated(approx_kl=0.59)], policy_spikes()) == []
    (found,) = raised(told([*usual, updated(approx_kl=0.61)], policy_spikes()))
    assert (found.baseline, found.clause, found.window) == (0.2, "ratio", 10)
    assert found.threshold == pytest.approx(0.6)


def test_the_first_updates_are_compared_with_nothing_but_a_ratio_may_explode_at_once() -> None:
    assert told([updated(approx_kl=9.0, clip_fraction=1.0)], policy_spikes()) == []
    assert names(told([updated(ratio_max=1e6)], policy_spikes())) == [("ratio_explosion", "ratio_max")]


def test_policies_are_apart_outlive_their_episodes_and_end_with_their_run() -> None:
    low = updated({"op": head(0.01)}, approx_kl=math.nan)
    for operator, subject in ((policy_collapse(), "op"), (policy_spikes(), "approx_kl")):
        rows = [event(one, group=group) for one in (*HEALTHY, *[low] * 5) for group in ("a", "b")]
        rows += [event(RunEnded(outcome="completed", duration=1.0))]
        out = derived(operator, rows)
        assert [(row.group, row.subject, row.clause) for row in resolved(out)] == [
            ("a", subject, "run_ended"),
            ("b", subject, "run_ended"),
        ]
        assert len(raised(out)) == 2


def test_limits_are_conventions_and_may_be_changed() -> None:
    strict = policy_collapse(CollapseLimits(warning=0.9, unsound=1, entropy_updates=1))
    assert names(told([updated()], strict)) == [("entropy_collapse", "op")]
    with pytest.raises(ValueError, match="not of kl"):
        policy_spikes({"kl": None})  # type: ignore[dict-item]


@pytest.mark.parametrize("operator", [policy_collapse(), policy_spikes()])
def test_a_run_that_ends_leaves_no_policy_behind_and_of_too_many_the_first_is_resolved(operator: Any) -> None:
    state = operator.init()
    state.limit = 1
    bad = updated(ratio_max=100.0, return_std=0.0)
    out = [row for one in [bad] * 13 for row in operator.step(state, event(one, group="a"))]
    out += operator.step(state, event(updated(), group="b"))
    assert raised(out)
    assert [(row.group, row.clause) for row in resolved(out)] == [("a", "crowded")] * len(raised(out))
    list(operator.step(state, event(RunEnded(outcome="completed", duration=1.0))))
    assert not state.items
