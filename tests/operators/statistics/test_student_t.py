"""Student's t against scipy's, and the interval against the textbook's formula."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from nissa.operators.statistics.student_t import Interval, t_cdf, t_interval, t_quantile


@given(st.floats(-50, 50), st.integers(1, 300))
def test_the_distribution_is_that_of_scipy(t: float, df: int) -> None:
    # scipy's own is off by 1e-9 close to 0, where one degree of freedom has 0.5 + atan(t) / pi.
    assert t_cdf(t, df) == pytest.approx(stats.t.cdf(t, df), abs=1e-8)


@given(st.floats(-50, 50))
def test_one_degree_of_freedom_is_the_distribution_of_cauchy(t: float) -> None:
    assert t_cdf(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-14)


@given(st.floats(0.001, 0.999), st.integers(1, 300))
def test_the_quantile_is_that_of_scipy(p: float, df: int) -> None:
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-8, abs=1e-8)


def test_the_table_that_every_textbook_has() -> None:
    table = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042, 1000: 1.962}
    assert {df: round(t_quantile(0.975, df), 3) for df in table} == table


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40), st.sampled_from((0.9, 0.95, 0.99)))
def test_an_interval_is_the_mean_and_t_standard_errors(values: list[float], confidence: float) -> None:
    mean, error = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * error
    assert t_interval(values, confidence) == pytest.approx((mean, mean - half, mean + half), rel=1e-7, abs=1e-9)


def test_one_value_has_a_mean_and_no_interval_and_none_has_neither() -> None:
    assert t_interval([2.5]) == Interval(2.5, None, None)
    assert t_interval([]) == Interval(None, None, None)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_broken_value_breaks_the_interval_and_shows_nothing(broken: float) -> None:
    found = t_interval([1.0, broken, 2.0])
    assert all(math.isnan(number) for number in found if number is not None)
    assert found.side() == 0


def test_an_interval_shows_something_where_it_excludes_zero() -> None:
    sides = [t_interval(values).side() for values in ([1.0, 1.1], [-1.0, -1.1], [-1.0, 1.0], [5.0], [])]
    assert sides == [1, -1, 0, 0, 0]


@pytest.mark.parametrize(("p", "df"), [(-0.1, 3), (1.1, 3), (0.5, 0), (math.nan, 3)])
def test_what_is_no_probability_or_has_no_freedom_is_refused(p: float, df: int) -> None:
    with pytest.raises(ValueError, match="within 0 to 1"):
        t_quantile(p, df)


def test_no_freedom_has_no_distribution() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        t_cdf(1.0, 0)
