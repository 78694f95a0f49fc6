"""Interquartile means and bootstrap intervals: scipy's, plain counts, and how often an interval holds the truth."""

import math
import random
import statistics
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from nissa.operators.statistics import (
    Interval,
    bootstrap_interval,
    interquartile_mean,
    probability_of_improvement,
    t_interval,
)

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(VALUES)
def test_the_interquartile_mean_is_scipys(values: list[float]) -> None:
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25), rel=1e-9, abs=1e-6)


@given(VALUES, VALUES)
def test_the_probability_of_improvement_is_that_of_mann_and_whitney(ours: list[float], theirs: list[float]) -> None:
    u = stats.mannwhitneyu(ours, theirs, method="asymptotic").statistic
    assert probability_of_improvement(ours, theirs) == pytest.approx(u / (len(ours) * len(theirs)))


def test_of_few_values_the_interval_is_that_of_all_samples_that_there_are() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    every = sorted(statistics.fmean(sample) for sample in product(values, repeat=4))
    # Hesterberg's levels: of 4 values, those of a normal distribution at 2 / sqrt(3) times Student's 3.182.
    level = float(stats.norm.cdf(-math.sqrt(4 / 3) * stats.t.ppf(0.9, 3)))
    found = bootstrap_interval(statistics.fmean, values, confidence=0.8)
    assert found.mean == statistics.fmean(values)
    assert found.low == pytest.approx(np.quantile(every, level), abs=0.15)
    assert found.high == pytest.approx(np.quantile(every, 1 - level), abs=0.15)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=8), st.lists(st.floats(-100, 100), min_size=2, max_size=8))
def test_it_is_the_same_each_time_and_touches_no_generator_but_its_own(ours: list[float], theirs: list[float]) -> None:
    before = random.getstate()
    first, again = (bootstrap_interval(_gap, ours, theirs, resamples=50) for _ in range(2))
    assert first == again
    assert random.getstate() == before


def _gap(ours: list[float], theirs: list[float]) -> float:
    return interquartile_mean(ours) - interquartile_mean(theirs)


def test_each_stratum_is_drawn_from_by_itself() -> None:
    seen: set[tuple[int, int]] = set()

    def look(ours: list[float], theirs: list[float]) -> float:
        assert set(ours) <= {1.0, 2.0, 3.0}
        assert set(theirs) <= {10.0, 20.0}
        seen.add((len(ours), len(theirs)))
        return 0.0

    bootstrap_interval(look, [1.0, 2.0, 3.0], [10.0, 20.0], resamples=200)
    assert seen == {(3, 2)}


def test_a_mean_of_many_has_students_interval() -> None:
    draw = random.Random(3)
    values = [draw.gauss(5, 2) for _ in range(40)]
    found, student = bootstrap_interval(statistics.fmean, values), t_interval(values)
    assert found.low == pytest.approx(student.low, abs=0.1)
    assert found.high == pytest.approx(student.high, abs=0.1)


def test_without_values_enough_there_is_no_interval_and_what_is_broken_is_not_hidden() -> None:
    assert bootstrap_interval(interquartile_mean, [2.0]) == Interval(2.0)
    assert bootstrap_interval(_gap, [2.0, 3.0], [1.0]) == Interval(1.5)
    assert bootstrap_interval(interquartile_mean, []) == Interval()
    for broken in (math.nan, math.inf):
        assert all(map(math.isnan, bootstrap_interval(interquartile_mean, [1.0, 2.0, broken])))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one stratum"):
        bootstrap_interval(interquartile_mean)


def _normal(draw: random.Random) -> float:
    return draw.gauss(0, 1)


def _outliers(draw: random.Random) -> float:
    """One run in ten loses much, as when the end of an episode culls what the network leans on; its centre is moved."""
    return draw.gauss(0, 1) - 8 * (draw.random() < 0.1)


def _coverage(sample: object, n: int, trials: int, resamples: int) -> float:
    assert callable(sample)
    draw = random.Random(n)
    truth = interquartile_mean([sample(draw) for _ in range(100_000)])
    intervals = (
        bootstrap_interval(interquartile_mean, [sample(draw) for _ in range(n)], resamples=resamples, seed=trial)
        for trial in range(trials)
    )
    return statistics.fmean((low or 0.0) <= truth <= (high or 0.0) for _, low, high in intervals)


def test_an_interval_of_ten_holds_the_truth_about_as_often_as_it_says() -> None:
    assert 0.90 <= _coverage(_normal, 10, trials=300, resamples=1_000) <= 0.99


@pytest.mark.deep
@pytest.mark.parametrize("sample", [_normal, _outliers])
@pytest.mark.parametrize("n", [6, 8, 10, 20])
def test_intervals_of_simulated_runs_hold_the_truth_as_often_as_they_say(sample: object, n: int) -> None:
    assert 0.92 <= _coverage(sample, n, trials=1_500, resamples=2_000) <= 0.99
