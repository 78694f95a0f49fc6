"""Which events of a log were there before, and how many never came."""

from hypothesis import given
from hypothesis import strategies as st

from nissa.pipeline.sources import numbering
from nissa.pipeline.sources.numbering import MOST_GAPS, Numbers


@given(st.lists(st.integers(0, 60), max_size=80))
def test_it_is_a_set_of_numbers(seqs: list[int]) -> None:
    numbers, seen = Numbers(), set[int]()
    for seq in seqs:
        assert numbers.admit(seq, 1.0) == (seq not in seen)
        seen.add(seq)
    assert numbers.lost == (max(seen) + 1 - len(seen) if seen else 0)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_lives_put_behind_each_other_are_told_apart(lives: list[int]) -> None:
    numbers, time = Numbers(), 0.0
    for length in lives:
        for seq in range(length):
            time += 1.0
            assert numbers.admit(seq, time)
            assert not numbers.admit(seq, time)
    assert numbers.lost == 0


def test_a_number_far_too_high_makes_no_duplicates_and_no_losses() -> None:
    numbers = Numbers()
    seqs = [*range(50), 50 + (1 << 40), *range(51, 100)]
    assert all(numbers.admit(seq, float(at)) for at, seq in enumerate(seqs))
    assert numbers.lost == 1


def test_of_too_many_gaps_the_oldest_are_closed_and_stay_counted() -> None:
    numbers = Numbers()
    for seq in range(0, 2 * (MOST_GAPS + 50), 2):
        assert numbers.admit(seq, float(seq))
    assert len(numbers.spans) == numbering.MOST_GAPS
    assert numbers.lost == MOST_GAPS + 49
