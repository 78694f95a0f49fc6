"""Phases add up, whatever happens in them, until they are taken."""

import itertools
import time

import pytest

from nissa.pipeline.probes.phases import Phases


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Phases:
    """Each look at the clock finds it as much later as it was looked at before: at 0, 1, 3, 6, 10, 15 ... seconds."""
    ticks = itertools.accumulate(itertools.count())
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    return Phases()


def test_a_phase_that_runs_again_is_added_up(clock: Phases) -> None:
    for phase in ("train", "validate", "train"):
        with clock(phase):
            pass
    assert clock.take() == {"train": 1.0 + 5.0, "validate": 3.0}  # 0 to 1 and 10 to 15; 3 to 6


def test_a_phase_inside_another_counts_in_both(clock: Phases) -> None:
    with clock("outer"), clock("inner"):
        pass
    assert clock.take() == {"inner": 2.0, "outer": 6.0}


def test_what_was_taken_is_gone(clock: Phases) -> None:
    with clock("train"):
        pass
    assert list(clock.take()) == ["train"]
    assert clock.take() == {}


def test_a_phase_that_fails_is_counted_and_fails(clock: Phases) -> None:
    with pytest.raises(ValueError, match="no data"), clock("train"):
        raise ValueError("no data")
    assert clock.take() == {"train": 1.0}
