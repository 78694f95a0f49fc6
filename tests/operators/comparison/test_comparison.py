"""Arms of many runs: figures by a plain loop, and "not shown" wherever too little is known."""

import math
from itertools import product
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from nissa.events.kinds import EpisodeCompared
from nissa.operators.comparison import LEAST_ALONE, LEAST_EACH, Compared, Missing, Repetition, compare, repetitions
from nissa.operators.statistics import Interval


def episode(kept: float | None, twin: float | None = 90.0, **more: Any) -> EpisodeCompared:
    told: dict[str, Any] = {"group": "ppo", "env": 0, "episode": 0, "final_accuracy": kept, "kept_growth_ratio": 1.25}
    return EpisodeCompared(**told | {"kept_accuracy": kept, "twin_final_accuracy": twin} | more)


def run(*rows: EpisodeCompared, name: str = "r") -> Compared:
    made = Compared(name)
    for row in rows:
        made.take(row)
    return made


def trial(gain: float | None, arm: str = "ppo") -> Repetition:
    figures = dict.fromkeys(("kept_accuracy", "final_training_delta", "efficiency_ratio", "growth_ratio"), 1.0)
    return Repetition(arm, "r", 1, 1, 1, {**figures, "kept_training_delta": gain})


def shown(*gains: float | None) -> str:
    return compare([trial(gain) for gain in gains]).arms[0].shown


EPISODES = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 2), st.integers(0, 3)),
    st.one_of(st.none(), st.floats(50, 100)),
    max_size=16,
)


@given(EPISODES, st.one_of(st.none(), st.integers(1, 3)))
def test_a_run_is_the_mean_of_its_environments_means_in_each_group(told: dict[Any, Any], last: int | None) -> None:
    made = run(*(episode(kept, group=group, env=env, episode=n) for (group, env, n), kept in told.items()))
    for found in repetitions(made, last=last):
        means, used = [], 0
        for env in range(3):
            kept = [told[key] for key in sorted(told) if key[:2] == (found.arm, env) and told[key] is not None]
            kept = kept[-last:] if last else kept
            used += len(kept)
            means += [fmean(kept)] if kept else []
        if isinstance(found, Missing):
            assert not means
            continue
        assert (found.envs, found.episodes) == (len(means), used)
        assert found.finished == sum(key[0] == found.arm for key in told)
        assert found.figures["kept_accuracy"] == pytest.approx(fmean(means))
        assert found.figures["kept_training_delta"] == pytest.approx(fmean(means) - 90)


def test_the_efficiency_ratio_is_accuracy_per_parameter_by_that_of_the_host() -> None:
    (found,) = repetitions(run(episode(96.0), episode(93.0, episode=1, kept_growth_ratio=1.5)))
    assert isinstance(found, Repetition)
    assert found.figures["efficiency_ratio"] == pytest.approx(fmean([96 / 90 / 1.25, 93 / 90 / 1.5]))
    assert found.figures["growth_ratio"] == 1.375


def test_each_environment_may_count_and_an_episode_that_was_told_again_counts_once() -> None:
    rows = [episode(91.0), episode(92.0), episode(95.0, env=1)]
    found = [*repetitions(run(*rows, name="r7"), by="env")]
    assert [(t.name, t.figures["kept_training_delta"]) for t in found if isinstance(t, Repetition)] == [
        ("r7 env 0", 2.0),
        ("r7 env 1", 5.0),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (episode(91.0, None), "no twin: no host trained alone for as many epochs was told of"),
        (episode(None), "the network that is kept was not measured"),
    ],
)
def test_what_cannot_be_compared_says_why(row: EpisodeCompared, reason: str) -> None:
    assert [*repetitions(run(row))] == [Missing("ppo", reason)]
    both = run(episode(91.0, None), episode(None, episode=1))
    assert [*repetitions(both)] == [Missing("ppo", "no episode has both its kept accuracy and its twin's")]


def test_a_figure_that_one_episode_lacks_is_a_mean_of_none() -> None:
    rows = episode(91.0, kept_growth_ratio=None), episode(92.0, env=1)
    (found,) = repetitions(run(*rows))
    assert isinstance(found, Repetition)
    assert (found.figures["growth_ratio"], found.figures["kept_training_delta"]) == (None, 1.5)
    (arm,) = compare([found, found]).arms
    assert arm.figures["growth_ratio"] == arm.figures["efficiency_ratio"] == Interval()


def test_an_arm_is_better_only_if_its_interval_is_above_its_twins_and_there_are_enough() -> None:
    gains = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert shown(*gains) == "better"
    assert shown(*(-gain for gain in gains)) == "worse"
    assert shown(*gains[:5]) == "not shown"
    assert shown(*gains[:5], -4.0) == "not shown"
    assert shown(*gains[:5], math.nan) == "not shown"
    assert shown(*gains[:5], None) == "not shown"


def test_the_least_numbers_are_those_of_the_exact_tests() -> None:
    signs = {n: 2 * 0.5**n for n in (LEAST_ALONE - 1, LEAST_ALONE)}
    assert signs[LEAST_ALONE] <= 0.05 < signs[LEAST_ALONE - 1]
    for n, enough in ((LEAST_EACH, True), (LEAST_EACH - 1, False)):
        exact = stats.mannwhitneyu(range(n), range(n, 2 * n), method="exact").pvalue
        assert (exact <= 0.05) == enough


def test_two_arms_are_compared_first_minus_second() -> None:
    ours, theirs = [3.0, 4.0, 5.0, 9.0], [0.0, 1.0, 2.0, 1.0]
    found = compare([*(trial(gain, "b") for gain in ours), *(trial(gain, "a") for gain in theirs)])
    assert [arm.name for arm in found.arms] == ["b", "a"]
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.shown) == ("b", "a", "better")
    assert pair.differences["kept_training_delta"].mean == stats.trim_mean(ours, 0.25) - stats.trim_mean(theirs, 0.25)
    assert pair.improvement.mean == fmean(our > their for our, their in product(ours, theirs))
    few = compare([*(trial(gain, "b") for gain in ours[:3]), *(trial(gain, "a") for gain in theirs)]).pairs[0]
    assert (few.enough, few.shown) == (False, "not shown")


def test_nothing_is_invented_where_an_arm_lacks_a_figure() -> None:
    found = compare([*(trial(1.0) for _ in range(6)), *(trial(None, "b") for _ in range(6))])
    assert found.pairs[0].differences["kept_training_delta"] == found.pairs[0].improvement == Interval()
    with pytest.raises(ValueError, match='need by="run" or "env"'):
        list(repetitions(run(), by="seed"))
