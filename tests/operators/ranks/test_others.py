"""Medians of the others, against the standard library's over a list without the one."""

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from nissa.operators.ranks.others import medians_of_others


@given(st.lists(st.floats(-1e300, 1e300) | st.integers(-3, 3).map(float), min_size=2, max_size=20))
def test_each_is_the_median_of_a_list_without_the_one(values: list[float]) -> None:
    told = dict(enumerate(values))
    assert medians_of_others(told) == {
        rank: median(value for other, value in told.items() if other != rank) for rank in told
    }


def test_of_many_ranks_each_value_is_read_a_few_times_and_not_by_each_other_one() -> None:
    class Counted(float):
        read = 0

        def __lt__(self, other: float) -> bool:
            Counted.read += 1
            return float(self) < float(other)

    medians_of_others({rank: Counted(rank * 7919 % 512) for rank in range(512)})
    assert Counted.read < 512 * 10
