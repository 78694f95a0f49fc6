"""The detector, its windows and the documented rule against plain loops over everything that was."""

import math
import statistics
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.operators.statistics.detection import LIMITS, Detection
from nissa.operators.statistics.rolling_ratio import RatioRule
from nissa.operators.statistics.sorted_window import Window
from nissa.operators.statistics.spike_detector import Detector

LOSSES = st.lists(st.floats(0, 1e6) | st.sampled_from((0.0, 1.0, 1.0, 2.0)), max_size=150)


@given(LOSSES, st.integers(1, 70))
def test_a_window_holds_the_last_values_and_their_ranks(values: list[float], size: int) -> None:
    window = Window(size)
    for n, value in enumerate(values, start=1):
        window.push(value)
        last = values[max(0, n - size) : n]
        assert list(window.order) == last
        assert window.ranked == sorted(last)
        assert window.median() == pytest.approx(statistics.median(last))
        low, high = (np.quantile(last, q, method="inverted_cdf") for q in (0.25, 0.75))
        ranked = sorted(last)
        assert window.spread() * 1.349 == pytest.approx(ranked[3 * len(last) // 4] - ranked[len(last) // 4])
        if len(last) % 4:
            assert window.spread() * 1.349 == pytest.approx(high - low)


def plain_ratio(values: list[float]) -> list[bool]:
    """The rule of the document as one would write it down."""
    found = []
    for n, value in enumerate(values):
        window = values[n - 20 : n] if n >= 20 else []
        found.append(bool(window) and value > 2.0 * (sum(window) / 20))
    return found


@settings(max_examples=200)
@given(st.lists(st.floats(0, 10), max_size=60))
def test_the_ratio_rule_equals_the_document_in_a_plain_loop(values: list[float]) -> None:
    rule = RatioRule()
    assert [rule.judge(value) is not None for value in values] == plain_ratio(values)


def test_the_ratio_rule_is_silent_until_its_window_is_full_and_exactly_at_its_limit() -> None:
    rule = RatioRule()
    assert [rule.judge(100.0 ** (n % 2)) for n in range(20)] == [None] * 20
    at_limit, over = RatioRule(), RatioRule()
    for _ in range(20):
        at_limit.judge(1.0)
        over.judge(1.0)
    assert at_limit.judge(2.0) is None
    assert over.judge(math.nextafter(2.0, 3.0)) == Detection("ratio", 1.0, 2.0, 20)


class Plain:
    """The detector in numpy, computed anew from the whole curve at each step."""

    def __init__(self) -> None:
        self.y, self.kept, self.residuals = list[float](), list[float](), list[float]()
        self.rise = 0.0

    def judge(self, value: float) -> str | None:
        x = value + LIMITS.floor
        y = math.log(x)
        level = float(np.median(self.y[-9:])) if self.y else y
        residual, clause = y - level, None
        if len(self.y) >= LIMITS.warm_up:
            recent = np.array(self.residuals[-64:])
            centre, scale = float(np.median(recent)), max(self.scale(recent), LIMITS.scale)
            z, usual = (residual - centre) / scale, float(np.mean(self.kept[-20:]))
            risen = x - math.exp(level) > LIMITS.floor
            if risen and x > LIMITS.ratio * usual and z > LIMITS.ratio_z:
                clause = "ratio"
            elif risen and residual > math.log(LIMITS.jump) and z > LIMITS.jump_z:
                clause = "jump"
            else:
                clause = self.drift(x, y)
            if clause and z > LIMITS.ratio_z:
                residual = centre + LIMITS.ratio_z * scale
                x = min(x, math.exp(level + residual))
        self.y.append(y)
        self.kept.append(x)
        self.residuals.append(residual)
        return clause

    def drift(self, x: float, y: float) -> str | None:
        last = np.array(self.y[-64:])
        middle = float(np.median(last))
        z = (y - middle) / max(self.scale(last), LIMITS.scale)
        if z > 0 and x - math.exp(middle) <= LIMITS.floor:
            z = 0.0
        self.rise = max(0.0, self.rise + min(z, LIMITS.most) - LIMITS.slack)
        if self.rise <= LIMITS.drift:
            return None
        self.rise = 0.0
        return "drift"

    @staticmethod
    def scale(values: np.ndarray) -> float:
        ranked = np.sort(values)
        return float(ranked[3 * len(values) // 4] - ranked[len(values) // 4]) / 1.349


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.sampled_from((0.02, 0.15, 0.6)))
def test_it_equals_the_formula_computed_anew_at_each_step(seed: int, noise: float) -> None:
    random = Random(seed)
    detector, plain = Detector(), Plain()
    for n in range(200):
        value = (0.2 + math.exp(-n / 40)) * random.lognormvariate(0, noise) * random.choice((1,) * 30 + (3, 40))
        found = detector.judge(value)
        assert (found.clause if found else None) == plain.judge(value)


@settings(max_examples=50)
@given(st.integers(0, 2**31))
def test_what_an_alarm_says_the_value_had_to_pass_is_where_its_clause_begins_to_fire(seed: int) -> None:
    random = Random(seed)
    values = [random.lognormvariate(0, 0.1) for _ in range(60)]
    rise = random.choice((1.2, 1.6, 2.0, 5.0))
    for _ in range(40):
        detector = judged(values)
        value = rise * random.lognormvariate(0, 0.1)
        alarm = detector.judge(value)
        if alarm:
            assert value > alarm.threshold > alarm.baseline
            above, below = (judged(values).judge(alarm.threshold * by) for by in (1 + 1e-9, 1 - 1e-9))
            assert above
            assert below is None or below.clause != alarm.clause
        values.append(value)


def judged(values: list[float]) -> Detector:
    detector = Detector()
    for value in values:
        detector.judge(value)
    return detector


FLAT = [1.0 + 0.01 * (n % 5) for n in range(40)]
"""Its median is 1.02, and a scale of it 0.02."""


@pytest.mark.parametrize(
    ("value", "clause"), [(1.27, None), (1.29, "jump"), (2.03, "jump"), (2.05, "ratio"), (0.1, None)]
)
def test_twins_on_both_sides_of_each_limit(value: float, clause: str | None) -> None:
    found = judged(FLAT).judge(value)
    assert (found.clause if found else None) == clause


def test_a_slow_rise_is_found_as_a_drift_and_a_slow_fall_is_not() -> None:
    random = Random(0)
    noise = [random.lognormvariate(0, 0.1) for _ in range(200)]
    up = [value * 1.01 ** max(0, n - 100) for n, value in enumerate(noise)]
    down = [value * 0.99 ** max(0, n - 100) for n, value in enumerate(noise)]
    found = [
        {alarm.clause for value in curve if (alarm := detector.judge(value))}
        for curve, detector in zip((up, down), (Detector(), Detector()), strict=True)
    ]
    assert found == [{"drift"}, set()]


def test_one_huge_value_does_not_blind_it_to_the_next() -> None:
    detector, rule = judged(FLAT), RatioRule()
    for value in FLAT:
        rule.judge(value)
    found = [bool(detector.judge(value)) for value in (1e6, *FLAT[:12], 3.0)]
    assert (found[0], any(found[1:-1]), found[-1]) == (True, False, True)
    assert [bool(rule.judge(value)) for value in (1e6, *FLAT[:12], 3.0)][-1] is False


def test_a_loss_that_has_vanished_makes_no_news_of_its_noise() -> None:
    random = Random(1)
    assert not any(judged([1e-7] * 100).judge(value) for value in (2e-7, 5e-6, 1e-5))
    detector = Detector()
    assert not any(detector.judge(random.lognormvariate(0, 0.5) * 1e-6) for _ in range(500))
    assert judged([0.0] * 100).judge(0.5)


@pytest.mark.parametrize("level", [1e-7, 5e-6, 2e-5])
def test_of_a_vanished_loss_no_noise_is_an_alarm_until_it_rises_by_the_floor(level: float) -> None:
    random = Random(3)
    noise = [random.lognormvariate(0, 0.8) * level for _ in range(1000)]
    detector = Detector()
    assert not [value for value in noise if value < level + LIMITS.floor and detector.judge(value)]
    assert judged([level] * 40).judge(level + 0.99 * LIMITS.floor) is None
    assert judged([level] * 40).judge(level + 1.01 * LIMITS.floor)
    assert not any(judged([level] * 40).judge(level + 0.9 * LIMITS.floor) for _ in range(40))


@settings(max_examples=200)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from((-1.0, 0.0, 1e-300, 1e308)), max_size=99
    )
)
def test_no_finite_number_is_too_much_for_it(values: list[float]) -> None:
    for value in values:
        judged(FLAT).judge(value)
    detector = Detector()
    for value in values:
        detector.judge(value)


def clauses(values: list[float]) -> list[str | None]:
    detector = Detector()
    return [found.clause if (found := detector.judge(value)) else None for value in values]


def below(seed: int, spike: float = 0.0, at: int = 150) -> list[float]:
    """Around -3 with a noise of 0.05, and higher for good from somewhere on."""
    random = Random(seed)
    return [-3.0 + random.gauss(0, 0.05) + spike * (n >= at) for n in range(200)]


def test_a_jump_below_zero_is_one_and_its_noise_is_none() -> None:
    for seed in range(20):
        assert clauses(below(seed, 2.5))[150] == "jump"
        found = clauses(below(seed, 0.15))[150:]
        assert "drift" in found
    quiet = [clause for seed in range(20) for clause in clauses(below(seed))]
    # Of 4,000 values.
    assert sum(clause is not None for clause in quiet) <= 8


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.sampled_from((1e-3, 1.0, 64.0)), st.sampled_from((0.0, -50.0, 2.0)))
def test_another_unit_or_another_zero_changes_nothing_below_zero(seed: int, scale: float, shift: float) -> None:
    curve = [value + 1.0 * (n == 100) for n, value in enumerate(below(seed, 0.2))]
    assert clauses([scale * (value + shift) for value in curve]) == clauses(curve)


@pytest.mark.parametrize("seed", range(10))
def test_a_loss_that_falls_through_zero_is_judged_by_what_came_before(seed: int) -> None:
    random = Random(seed)
    curve = [0.4 - 0.0025 * n + random.gauss(0, 0.05) for n in range(400)]
    assert [n for n, clause in enumerate(clauses(curve)) if clause] == []
    first = next(n for n, value in enumerate(curve) if value < 0)
    assert clauses([*curve[: first + 1], 2.0])[-1] == "jump"


def test_the_documented_ratio_knows_no_multiple_of_what_is_below_zero() -> None:
    rule = RatioRule()
    assert not any(rule.judge(value) for value in [-3.0] * 20 + [-0.5, 100.0])
    assert not any(RatioRule(size=3).judge(value) for value in (0.0, 0.0, 0.0, 5.0))
