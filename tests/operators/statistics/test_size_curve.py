"""A curve of accuracy over size is checked against scikit-learn's isotonic regression and numpy's interpolation."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from nissa.operators.statistics import SizeCurve

SIZES = st.integers(1, 10_000)
ACCURACIES = st.floats(0, 100).map(lambda value: round(value, 3))
POINTS = st.lists(st.tuples(SIZES, ACCURACIES), min_size=1, max_size=12)
SHARES = st.floats(0, 1)


@given(POINTS)
def test_the_accuracies_are_those_of_isotonic_regression(points: list[tuple[int, float]]) -> None:
    curve = SizeCurve.of(points)
    sizes, accuracies = zip(*points, strict=True)
    oracle = IsotonicRegression().fit(sizes, accuracies)
    assert list(curve.sizes) == sorted(set(sizes))
    assert curve.accuracies == pytest.approx(oracle.predict(curve.sizes), abs=1e-9)


@given(POINTS, SHARES)
def test_between_sizes_it_is_straight_over_the_logarithm(points: list[tuple[int, float]], share: float) -> None:
    curve = SizeCurve.of(points)
    size = curve.sizes[0] + share * (curve.sizes[-1] - curve.sizes[0])
    expected = np.interp(log(size), [log(one) for one in curve.sizes], curve.accuracies)
    assert curve.accuracy_at(size) == pytest.approx(expected, abs=1e-6)


@given(POINTS, SHARES)
def test_the_size_is_the_smallest_that_reaches_the_accuracy(points: list[tuple[int, float]], share: float) -> None:
    curve = SizeCurve.of(points)
    low, high = curve.accuracies[0], curve.accuracies[-1]
    accuracy = min(high, low + share * (high - low))
    size = curve.size_at(accuracy)
    assert size is not None
    at, smaller = curve.accuracy_at(min(max(size, curve.sizes[0]), curve.sizes[-1])), curve.accuracy_at(size * 0.999)
    assert at == pytest.approx(accuracy, abs=1e-6)
    assert smaller is None or smaller < accuracy + 1e-9


@given(POINTS)
def test_nothing_is_said_outside_of_what_was_measured(points: list[tuple[int, float]]) -> None:
    curve = SizeCurve.of(points)
    sizes, accuracies = curve.sizes, curve.accuracies
    assert curve.accuracy_at(sizes[0] * 0.99) is curve.accuracy_at(sizes[-1] * 1.01) is curve.accuracy_at(0) is None
    assert curve.size_at(accuracies[0] - 0.01) is curve.size_at(accuracies[-1] + 0.01) is None


def test_of_no_points_nothing_is_known() -> None:
    assert SizeCurve.of([]).accuracy_at(1.0) is SizeCurve.of([]).size_at(1.0) is None


@pytest.mark.parametrize("point", [(0, 50.0), (-1, 50.0), (float("inf"), 50.0), (10, float("nan"))])
def test_a_point_that_is_none_is_refused(point: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="a size must be above 0"):
        SizeCurve.of([point])
