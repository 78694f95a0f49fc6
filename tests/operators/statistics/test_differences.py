"""Differences of means: a bootstrap that any process repeats, and an interval from sums of clusters."""

import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from nissa.operators.statistics import Sums, difference_of_means

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=6)
CLUSTERS = st.lists(
    st.tuples(st.lists(st.floats(-9, 9), max_size=4), st.lists(st.floats(-9, 9), max_size=4)), max_size=6
)


def summed(clusters: list[tuple[list[float], list[float]]]) -> list[Sums]:
    return [Sums(len(one), math.fsum(one), len(other), math.fsum(other)) for one, other in clusters]


@given(CLUSTERS)
def test_of_clusters_it_is_the_sandwich_of_a_regression_on_which_kind_it_is(
    clusters: list[tuple[list[float], list[float]]],
) -> None:
    """By hand, value by value: scores of each cluster, and their squares."""
    one, other = ([x for cluster in clusters for x in cluster[kind]] for kind in (0, 1))
    found = difference_of_means(summed(clusters))
    if not one or not other:
        assert found == (None, None, None)
        return
    assert found.mean == pytest.approx(fmean(one) - fmean(other), abs=1e-9)
    if min(sum(map(bool, kind)) for kind in zip(*clusters, strict=True)) < 2:
        assert (found.low, found.high) == (None, None)
        return
    scores = [
        sum((x - fmean(one)) / len(one) for x in left) - sum((x - fmean(other)) / len(other) for x in right)
        for left, right in clusters
    ]
    g = len(clusters)
    half = stats.t.ppf(0.975, g - 1) * math.sqrt(g / (g - 1) * math.fsum(score**2 for score in scores))
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half), abs=1e-6)


def test_intervals_of_clusters_hold_the_difference_where_plain_ones_would_not() -> None:
    """20 clusters with a luck of their own, that is in all of their values: what an episode is."""
    draw, held, plain = random.Random(3), 0, 0
    for _ in range(400):
        clusters = []
        for cluster in range(20):
            luck, n = draw.gauss(0, 2), 12
            values = [luck + draw.gauss(0, 1) for _ in range(n)]
            clusters.append((values, []) if cluster % 2 else ([], values))
        found = difference_of_means(summed(clusters))
        held += found.low is not None and found.high is not None and found.low <= 0 <= found.high
        one, other = ([x for cluster in clusters for x in cluster[kind]] for kind in (0, 1))
        plain += stats.ttest_ind(one, other).pvalue > 0.05
    assert 0.91 <= held / 400 <= 0.98
    assert plain / 400 < 0.6


def test_what_is_broken_or_missing_has_no_interval() -> None:
    assert all(map(math.isnan, difference_of_means([Sums(1, math.nan, 1, 0.0)])))  # type: ignore[arg-type]
