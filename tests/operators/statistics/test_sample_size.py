"""The size of a validation set by its accuracies, against a search from 1 upwards over all of them."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.operators.statistics.sample_size import SampleSize


def inferred(accuracies: list[float]) -> SampleSize:
    size = SampleSize()
    for accuracy in accuracies:
        size.see(accuracy, None)
    return size


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 600), st.lists(st.integers(0, 600), min_size=1, max_size=40))
def test_it_is_the_smallest_of_which_all_are_shares(n: int, right: list[int]) -> None:
    accuracies = [100 * (k % (n + 1)) / n for k in right]
    smallest = next(m for m in range(1, 601) if all(abs(a / 100 - round(a / 100 * m) / m) < 1e-6 for a in accuracies))
    known = len(set(accuracies)) >= 10
    size = inferred(accuracies)
    assert (size.n, size.inferred) == (smallest if known else 0, known)


@pytest.mark.parametrize("n", [192, 48, 24, 360, 10_000])
def test_it_only_grows_and_then_stays(n: int) -> None:
    random, size, seen = Random(n), SampleSize(), []
    for _ in range(200):
        size.see(100 * random.randint(0, n) / n, None)
        seen.append(size.n)
    assert seen == sorted(seen)
    assert seen[-1] == n


def test_beyond_ten_thousand_it_is_given_up() -> None:
    assert inferred([100 * k / 10_007 for k in range(5_000, 5_040)]).n == 0


def test_three_samples_have_four_accuracies_and_that_is_too_few() -> None:
    assert inferred([0.0, 100 / 3, 200 / 3, 100.0] * 50).n == 0


def test_accuracies_in_float32_or_with_four_digits_are_shares_all_the_same() -> None:
    exact = [100 * k / 360 for k in range(101, 130)]
    for digits in (4, 5, 9):
        assert inferred([round(accuracy, digits) for accuracy in exact]).n == 360


def test_what_is_no_share_is_given_up_for_good_and_little_is_kept() -> None:
    random = Random(0)
    size = inferred([random.uniform(0, 100) for _ in range(2000)])
    assert (size.n, size.inferred) == (0, False)
    size.see(50.0, 360)
    assert (size.n, size.inferred) == (360, False)
