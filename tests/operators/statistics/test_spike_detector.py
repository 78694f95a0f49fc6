"""The detector, its windows and the documented rule against plain loops over everything that was."""

import math
import statistics
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.operators.statistics.detection import LIMITS, Detection
from nissa.operators.statistics.robust_smoother import RobustSmoother
from nissa.operators.statistics.rolling_ratio import RatioRule
from nissa.operators.statistics.sorted_window import Window
from nissa.operators.statistics.spike_detector import Detector

FLOOR = LIMITS.floor
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
    """The detector as the page has it, number by number and without any short cut."""

    def __init__(self, threshold: float) -> None:
        self.noises = math.log(threshold) / math.log(2)
        self.smoothers = {weight: {"n": 0, "level": 0.0, "noise": 0.0, "row": 0} for weight in (0.1, 0.015)}
        self.rise = 0.0

    def judge(self, value: float) -> str | None:
        y, clause, z, rises = math.log(value + FLOOR), None, {}, {}
        short, long = self.smoothers.values()
        for weight, known in self.smoothers.items():
            z[weight] = (y - known["level"]) / max(known["noise"], 0.05)
            rises[weight] = value + FLOOR - math.exp(known["level"]) > FLOOR
        if short["n"] >= 20:
            counted = min(z[0.015], 4) if rises[0.015] or z[0.015] < 0 else 0
            self.rise = max(0, self.rise + counted - 0.25)
            if self.rise > 18 * self.noises**2:
                clause, self.rise, long["level"], long["n"] = "drift", 0.0, short["level"], 2
            if z[0.1] > 4 * self.noises and rises[0.1]:
                clause = "spike"
        for weight, known in self.smoothers.items():
            known["n"] += 1
            self.follow(known, weight, y - known["level"])
        return clause

    def follow(self, known: dict[str, float], weight: float, residual: float) -> None:
        n, clip = known["n"], 2 * max(known["noise"], 0.05)
        outlier = n > 10 and abs(residual) > clip
        known["row"] = known["row"] + 1 if outlier else 0
        most = clip * 2 ** (known["row"] - 1) if outlier else math.inf
        known["level"] += max(weight, 1 / n) * math.copysign(min(abs(residual), most), residual)
        share = max(0.02, 1 / (n - 1)) if n > 1 else 0.0
        known["noise"] += share * (1.28 * (clip if outlier else abs(residual)) - known["noise"])


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.sampled_from((0.02, 0.15, 0.6)), st.sampled_from((1.5, 2.0, 3.0)))
def test_it_equals_the_formula_written_down_in_full(seed: int, noise: float, threshold: float) -> None:
    random = Random(seed)
    detector, plain = Detector(threshold), Plain(threshold)
    for n in range(200):
        value = (
            (0.2 + math.exp(-n / 40))
            * 1.02 ** max(0, n - 120)
            * random.lognormvariate(0, noise)
            * random.choice((1,) * 30 + (3, 40))
        )
        found = detector.judge(value)
        assert (found.clause if found else None) == plain.judge(value)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_the_noise_is_the_standard_deviation_of_a_normal_one_and_the_level_its_mean(sigma: float) -> None:
    random, smoother, noises = Random(0), RobustSmoother(0.015), list[float]()
    for n in range(5_000):
        # One in fifty is an outlier.
        value = 1e6 if n % 50 == 49 else random.gauss(3.0, sigma)
        smoother.follow(value - smoother.level, least=0.01)
        noises.append(smoother.noise)
    assert smoother.level == pytest.approx(3.0, abs=sigma)
    assert statistics.fmean(noises[1_000:]) == pytest.approx(sigma, rel=0.15)


def test_an_outlier_moves_nothing_and_a_level_that_has_changed_for_good_is_soon_found() -> None:
    smoother = RobustSmoother(0.1)
    for n in range(100):
        smoother.follow(0.1 * (-1) ** n - smoother.level, least=0.01)
    smoother.follow(1e6, least=0.01)
    assert abs(smoother.level) < 0.1
    for _ in range(40):
        smoother.follow(50.0 - smoother.level, least=0.01)
    assert smoother.level == pytest.approx(50.0, rel=0.05)
    assert smoother.memory == 19


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


def judged(values: list[float], threshold: float = 2.0) -> Detector:
    detector = Detector(threshold)
    for value in values:
        detector.judge(value)
    return detector


FLAT = [1.0] * 40
"""No noise: the least is 0.05."""


@pytest.mark.parametrize(("threshold", "noises"), [(2.0, 4.0), (2**0.5, 2.0), (4.0, 8.0)])
def test_twins_on_both_sides_of_a_spike_at_each_sensitivity(threshold: float, noises: float) -> None:
    limit = (1 + FLOOR) * math.exp(0.05 * noises) - FLOOR
    above, below = (judged(FLAT, threshold).judge(limit * by) for by in (1 + 1e-9, 1 - 1e-9))
    assert above
    assert (above.clause, above.window) == ("spike", 19)
    assert above.baseline == pytest.approx(1.0)
    assert above.threshold == pytest.approx(limit)
    assert below is None
    assert judged(FLAT, threshold).judge(0.1) is None


@pytest.mark.parametrize("threshold", [1.5, 2.0, 3.0])
def test_the_threshold_is_the_multiple_at_a_noise_of_a_quarter_of_log_2(threshold: float) -> None:
    detector = judged(FLAT, threshold)
    detector.short.noise, level = math.log(2) / 4, 1 + FLOOR
    assert detector.judge(threshold * level * (1 - 1e-9) - FLOOR) is None
    detector = judged(FLAT, threshold)
    detector.short.noise = math.log(2) / 4
    assert detector.judge(threshold * level * (1 + 1e-9) - FLOOR)


@pytest.mark.parametrize("threshold", [1.0, 0.0, -2.0])
def test_a_threshold_below_the_level_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold must be above 1"):
        Detector(threshold)


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


def test_a_level_that_changes_for_good_is_the_usual_one_after_that() -> None:
    for seed in range(20):
        random = Random(seed)
        found = clauses([random.lognormvariate(0, 0.1) * (1 if n < 100 else 2) for n in range(400)])
        assert any(found[100:103])
        assert not any(found[120:])


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
    assert not [value for value in noise if value < level + FLOOR and detector.judge(value)]
    assert judged([level] * 40).judge(level + 0.99 * FLOOR) is None
    assert judged([level] * 40).judge(level + 1.01 * FLOOR)
    assert not any(judged([level] * 40).judge(level + 0.9 * FLOOR) for _ in range(40))


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


def test_not_even_thousands_of_outliers_in_a_row_are_too_many_for_it() -> None:
    detector = judged(below(0))
    for n in range(8_000):
        detector.judge(1e100 * (-1) ** n)
        assert all(math.isfinite(part) for part in (detector.short.level, detector.short.noise, detector.short.reach))


def clauses(values: list[float]) -> list[str | None]:
    detector = Detector()
    return [found.clause if (found := detector.judge(value)) else None for value in values]


def below(seed: int, spike: float = 0.0, at: int = 150) -> list[float]:
    """Around -3 with a noise of 0.05, and higher for good from somewhere on."""
    random = Random(seed)
    return [-3.0 + random.gauss(0, 0.05) + spike * (n >= at) for n in range(200)]


def test_a_spike_below_zero_is_one_and_its_noise_is_none() -> None:
    for seed in range(20):
        assert clauses(below(seed, 2.5))[150] == "spike"
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
    assert clauses([*curve[: first + 1], 2.0])[-1] == "spike"


def test_the_documented_ratio_knows_no_multiple_of_what_is_below_zero() -> None:
    rule = RatioRule()
    assert not any(rule.judge(value) for value in [-3.0] * 20 + [-0.5, 100.0])
    assert not any(RatioRule(size=3).judge(value) for value in (0.0, 0.0, 0.0, 5.0))
