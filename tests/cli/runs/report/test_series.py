"""A line in bounded memory, beside a plain list of all its points."""

from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.cli.runs.report.taking.series import Point, Series

VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([nan, inf, -inf])), max_size=600)


def filled(values: list[float], stretches: int) -> Series:
    series = Series(stretches)
    for at, value in enumerate(values):
        series.add(Point(at, at, value))
    return series


@given(values=VALUES, stretches=st.integers(2, 20))
def test_ends_extremes_and_a_broken_value_survive(values: list[float], stretches: int) -> None:
    series = filled(values, stretches)
    kept, finite = series.points(), [value for value in values if isfinite(value)]
    assert [point.at for point in kept] == sorted({point.at for point in kept})
    assert all(point.value is values[int(point.at)] for point in kept), "nothing is made up"
    assert (series.seen, series.broken) == (len(values), len(values) - len(finite))
    drawn = [point.value for point in kept if isfinite(point.value)]
    assert (drawn[:1], drawn[-1:]) == (finite[:1], finite[-1:])
    assert (min(drawn, default=0), max(drawn, default=0)) == (min(finite, default=0), max(finite, default=0))
    assert (len(drawn) < len(kept)) == (len(finite) < len(values))
    assert len(kept) <= 2 * stretches * 6


def test_every_stretch_keeps_its_own_extremes() -> None:
    values = [float(at % 97) for at in range(10_000)]
    values[5_000], values[5_001], values[7_777] = 1e9, -1e9, nan
    kept = filled(values, 50).points()
    assert {1e9, -1e9} <= {point.value for point in kept}
    assert [point.at for point in kept if not isfinite(point.value)] == [7_777]
    wide = 10_000 // 50
    for begin in range(0, 10_000, wide):
        window = [value for value in values[begin : begin + wide] if isfinite(value)]
        there = [point.value for point in kept if begin <= point.at < begin + wide]
        assert {min(window), max(window)} <= {*there}


def test_few_points_are_kept_as_they_are() -> None:
    assert [point.value for point in filled([3.0, 1.0, 2.0], 2).points()] == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("later", [2, 7])
def test_a_line_may_be_narrowed_while_it_grows(later: int) -> None:
    series = filled([float(at) for at in range(1_000)], 100)
    series.narrow(later)
    assert len(series.points()) <= 2 * later * 6
    assert [series.points()[end].value for end in (0, -1)] == [0.0, 999.0]


@pytest.mark.parametrize("odd", [nan, inf, 1e9, -1e9])
def test_one_odd_value_survives_wherever_it_stands(odd: float) -> None:
    for at in range(64):
        values = [float(n % 7) for n in range(64)]
        values[at] = odd
        assert at in {point.at for point in filled(values, 2).points()}


def test_a_line_that_ends_in_broken_values_ends_so() -> None:
    kept = filled([1.0, nan, 2.0] * 100 + [nan] * 3, 2).points()
    assert [point.at for point in kept if not isfinite(point.value)][-1] == kept[-1].at == 302
