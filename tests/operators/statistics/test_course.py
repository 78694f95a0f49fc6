"""The course of a noisy curve: small moves add up, noise is none, and it does not matter how often it is told."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.operators.statistics.course import Course, place
from nissa.operators.statistics.curve_scale import CurveScale
from nissa.operators.statistics.standard_errors import accuracy_noise, worst_noise


def turns(curve: dict[int, float], move: float = 2.0, still: float = 0.5, window: int = 5) -> list[tuple[int, str]]:
    """Epochs in which the course turns, and where to."""
    course, found = Course(window), list[tuple[int, str]]()
    for epoch, value in curve.items():
        course.add(epoch, value)
        if course.turn(move, still) is not None:
            assert course.direction is not None
            found.append((epoch, course.direction))
    return found


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 40)), min_size=1, max_size=40), st.integers(1, 8))
def test_it_equals_a_loop_that_keeps_everything(steps: list[tuple[int, int]], window: int) -> None:
    epochs = [sum(gap for gap, _ in steps[: n + 1]) for n in range(len(steps))]
    told = [(epoch, value / 4) for epoch, (_, value) in zip(epochs, steps, strict=True)]

    def mean(until: int) -> float:
        inside = [value for epoch, value in told if until - window < epoch <= until]
        return float(np.mean(inside or [value for epoch, value in told if epoch <= until][-1:]))

    anchor, since, now, expected = mean(epochs[0]), epochs[0], "", []
    for epoch in epochs:
        change, name = mean(epoch) - anchor, ""
        if abs(change) > 2.0 + 1e-9:
            name = "rise" if change > 0 else "fall"
        elif epoch - since >= window and abs(mean(epoch) - mean(epoch - window)) <= 0.5 + 1e-9 and now != "still":
            name = "still"
        if name:
            anchor, since = mean(epoch), epoch
        if name not in {"", now}:
            expected.append((epoch, name))
            now = name
    assert turns(dict(told), 2.0 + 1e-9, 0.5 + 1e-9, window) == expected


def test_a_decline_is_one_however_slow() -> None:
    for step in (0.15, 0.3, 1.0, 5.0):
        found = turns({epoch: 100 - step * epoch for epoch in range(1, 101)})
        assert "fall" in [direction for _, direction in found], step
        assert "rise" not in [direction for _, direction in found]


@pytest.mark.parametrize("every", [1, 2, 5, 10, 25])
def test_a_course_told_now_and_then_turns_in_the_same_hundred_epochs(every: int) -> None:
    curve = {epoch: min(70.0, 40.0 + epoch) for epoch in range(every, 101, every)}
    (first, up), (second, rest) = turns(curve)
    assert (up, rest) == ("rise", "still")
    assert first <= 2 * every + 5
    assert 30 <= second <= 50 + every


def test_the_window_is_all_that_is_kept() -> None:
    course = Course()
    for epoch in range(1000):
        course.add(epoch, float(epoch))
        assert len(course.points) <= 11


def test_equal_values_have_that_mean_and_no_change() -> None:
    for value in (0.1, 0.3, 1 / 3, 1e-300, -7.7):
        assert turns(dict.fromkeys(range(1, 30), value), move=0.0, still=0.0) == [(6, "still")]


def test_an_epoch_stands_where_its_number_says_and_never_before_the_last() -> None:
    seen: list[int] = []
    for epoch in (None, None, 7, None, 3, 9, 9, 20):
        seen.append(place(seen[-1] if seen else None, epoch))
    assert seen == [1, 2, 7, 8, 9, 10, 11, 20]
    assert place(None, 40) == 40


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.sampled_from((1e-6, 1.0, 1e5)), st.sampled_from((0.0, 3.0, -50.0)))
def test_the_scale_of_a_curve_scales_with_it_and_no_slope_or_shift_changes_it(
    seed: int, factor: float, slope: float
) -> None:
    random = Random(seed)
    noise = [random.gauss(0, 1) for _ in range(30)]
    plain, other = CurveScale(), CurveScale()
    for n, value in enumerate(noise):
        plain.add(n, value)
        other.add(n, factor * (value + 5 + slope * n))
    assert plain.noise
    assert other.noise
    # Beyond what float32 can tell apart at that height.
    assert other.noise == pytest.approx(max(factor * plain.noise, 1e-6 * abs(factor * (noise[-1] + 5 + slope * 29))))
    if slope == 0:
        assert other.span == pytest.approx(factor * plain.span)


def test_the_noise_of_a_normal_distribution_is_its_standard_deviation() -> None:
    random, scale = Random(1), CurveScale(size=2000, recent=2000)
    for n in range(0, 6000, 3):
        scale.add(n, random.gauss(-3, 0.25) + n / 100)
    assert scale.noise == pytest.approx(0.25, rel=0.05)
    values = [random.gauss(0, 1) for _ in range(400)]
    other = CurveScale(size=400)
    for n, value in enumerate(values):
        other.add(n, value)
    assert other.span == pytest.approx(np.subtract(*np.percentile(values, [90, 10])), rel=0.02)


def test_noise_is_not_known_of_four_values_and_one_outlier_does_not_make_it() -> None:
    scale = CurveScale()
    for n, value in enumerate((1.0, 2.0, 1.0, 2.0)):
        scale.add(n, value)
    before = scale.noise
    for n in range(4, 20):
        scale.add(n, 1.0 + n % 2 if n != 12 else 1e9)
    assert before is None
    assert 0 < (scale.noise or 0) < 2


def test_the_noise_of_a_difference_by_the_variances_of_both_sides() -> None:
    for p, before, after in ((0.8, 100, 100), (0.6, 360, 3600), (0.95, 50, 10_000)):
        variance = p * (1 - p) / before + p * (1 - p) / after
        assert accuracy_noise(100 * p, before, after) == pytest.approx(300 * math.sqrt(variance))
    assert accuracy_noise(80.0, 0, 50) == accuracy_noise(80.0, 50, 0) == 0.0
    # All of three samples, and then two of them: that is one sample.
    assert accuracy_noise(100.0, 3, 3) == accuracy_noise(0.0, 3, 3) > 100
    assert accuracy_noise(120.0, 50, 50) == accuracy_noise(98.0, 50, 50)
    assert worst_noise(0, 5) == math.inf


@settings(max_examples=100)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_no_finite_number_is_too_much_for_it(values: list[float]) -> None:
    scale = CurveScale()
    for n, value in enumerate(values):
        scale.add(n, value)
    assert math.isfinite(scale.span)
    assert math.isfinite(scale.noise or 0.0)
    turns(dict(enumerate(values)))
