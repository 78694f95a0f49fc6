"""How large a host alone would have to be is read off curves done by hand, and never beyond them."""

import pytest

from nissa.operators.statistics import Interval
from nissa.trainer.study.equivalent import Seed, equivalent_traditional_params

HOSTS = [(100, 80.0), (400, 90.0)]


def test_of_one_seed_there_is_a_size_and_no_interval() -> None:
    found = equivalent_traditional_params([Seed(85.0, HOSTS)])
    assert found.mean == pytest.approx(200)
    assert (found.low, found.high) == (None, None)
    assert equivalent_traditional_params([]) == Interval()


def test_the_bounds_are_those_of_seeds_drawn_with_their_hosts() -> None:
    # Of two seeds each is drawn twice in a quarter of the draws, so that the bounds are the sizes of each alone.
    seeds = [Seed(82.5, HOSTS), Seed(88.5, [(100, 81.0), (400, 91.0)])]
    middle = 100 * 4 ** ((85.5 - 80.5) / 10)
    expected = (middle, 100 * 4**0.25, 100 * 4**0.75)
    assert equivalent_traditional_params(seeds) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("accuracies", "known"),
    [((79.0, 83.0), (True, False, True)), ((91.0, 87.0), (True, True, False)), ((95.0, 96.0), (False, False, False))],
)
def test_what_would_be_extrapolated_is_not_said(accuracies: tuple[float, float], known: tuple[bool, ...]) -> None:
    found = equivalent_traditional_params([Seed(accuracy, HOSTS) for accuracy in accuracies])
    assert tuple(value is not None for value in found) == known


def test_equal_seeds_leave_no_doubt() -> None:
    assert equivalent_traditional_params([Seed(85.0, HOSTS)] * 3) == pytest.approx((200, 200, 200))
