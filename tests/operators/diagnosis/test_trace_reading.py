"""What changed first, and which layer? Traces made so that the answer is known, and ranges against numpy."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.kinds import (
    DenseTraceCaptured,
    TracedActivations,
    TracedAlert,
    TracedBatch,
    TracedGradients,
    TracedLayer,
    TracedUnits,
)
from nissa.operators.diagnosis.onset import onsets, trigger
from nissa.operators.diagnosis.suspect_layers import suspects
from nissa.operators.diagnosis.usual_course import LEAST, usual_course, usual_range

QUIET = TracedBatch(batch=0, loss=1.0, accuracy=50.0, host_grad_norm=2.0, seed_grad_norms={"early": 0.5})
NOISE = (0.95, 1.05, 1.0, 0.98, 1.02)


def batches(count: int) -> list[TracedBatch]:
    """Batches in which nothing happens."""
    return [
        replace(QUIET, batch=n, loss=NOISE[n % 5], host_grad_norm=2 * NOISE[n % 5], accuracy=50 + n % 5)
        for n in range(count)
    ]


def trace(before: list[TracedBatch], after: list[TracedBatch] | None = None, **more: Any) -> DenseTraceCaptured:
    rows: dict[str, Any] = {"gradients": [], "activations": [], "norms_before": {}, "alerts": []} | more
    return DenseTraceCaptured(
        reasons=["x"], batches_before=before, batches_after=after or [], gates=[], closed="window",
        left_out={}, **rows,
    )  # fmt: skip


def test_where_nothing_happens_nothing_changed() -> None:
    assert onsets(trace(batches(32), batches(32))) == []


@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        ({"loss": 3.0}, "loss"),
        ({"loss": math.nan}, "loss"),
        ({"accuracy": 20.0}, "accuracy"),
        ({"host_grad_norm": 20.0}, "host_grad_norm"),
        ({"host_grad_norm": 0.1}, "host_grad_norm"),
        ({"host_grad_norm": math.inf}, "host_grad_norm"),
        ({"seed_grad_norms": {"early": 9.0}}, "seed_grad_norm of early"),
        ({"isolation_leakage": 1e-6}, "isolation_leakage"),
        ({"isolation_forward_leakage": 1e-6}, "isolation_forward_leakage"),
        ({"seed_non_finite": {"early": 1}}, "seed_non_finite of early"),
    ],
)
def test_the_first_batch_out_of_its_range_is_found(change: dict[str, Any], quantity: str) -> None:
    rows = batches(32)
    rows[25:] = [replace(row, **change) for row in rows[25:]]
    (onset,) = onsets(trace(rows, rows[25:]))
    assert (onset.place, onset.quantity) == (25, quantity)


@pytest.mark.parametrize("change", [{"loss": 0.1}, {"accuracy": 99.0}, {"isolation_forward_leakage": 0.0}])
def test_a_change_for_the_better_is_none(change: dict[str, Any]) -> None:
    rows = batches(32)
    assert onsets(trace([*rows[:25], *(replace(row, **change) for row in rows[25:])])) == []


def test_the_earliest_comes_first() -> None:
    rows = batches(40)
    rows[24:] = [replace(row, host_grad_norm=30.0) for row in rows[24:]]
    rows[30:] = [replace(row, accuracy=10.0) for row in rows[30:]]
    after = [replace(row, loss=9.0) for row in rows[30:]]
    found = [(onset.place, onset.quantity) for onset in onsets(trace(rows, after))]
    assert found == [(24, "host_grad_norm"), (30, "accuracy"), (40, "loss")]


def alert(severity: str, place: int) -> TracedAlert:
    return TracedAlert(alert="x", severity=severity, place=place, clause="c", what="w")


@pytest.mark.parametrize(
    ("alerts", "count"),
    [
        ([], 4),
        ([alert("info", 2)], 4),
        ([alert("info", 4), alert("warning", 6)], 6),
        ([alert("critical", 9), alert("critical", 11)], 9),
        ([alert("critical", 0)], 0),
    ],
)
def test_what_was_usual_is_judged_before_the_first_alert_whatever_mark_opened_the_trace(
    alerts: list[TracedAlert], count: int
) -> None:
    rows = [replace(QUIET, batch=batch) for _ in range(3) for batch in range(4)]
    assert trigger(replace(trace(rows[:4], rows[4:]), alerts=alerts)) == count


def test_what_the_range_was_taken_from_is_out_of_it_only_if_it_is_broken() -> None:
    rows = batches(32)
    rows[3] = replace(rows[3], loss=99.0, host_grad_norm=math.inf)
    assert [(onset.place, onset.quantity) for onset in onsets(trace(rows))] == [(3, "host_grad_norm")]


def test_with_few_batches_only_what_is_broken_can_be_told() -> None:
    rows = batches(2 * LEAST - 1)
    rows[-1] = replace(rows[-1], loss=99.0, host_grad_norm=math.nan)
    assert [onset.quantity for onset in onsets(trace(rows))] == ["host_grad_norm"]


@given(st.lists(st.floats(1e-3, 1e3), min_size=LEAST, max_size=64))
def test_the_range_is_numpys_median_and_quartiles_of_the_logarithms(values: list[float]) -> None:
    lower, middle, upper = np.quantile(np.log(values), (0.25, 0.5, 0.75))
    reach = 8 * max((upper - lower) / 1.349, 0.02)
    assert usual_range(values) == pytest.approx((math.exp(middle - reach), math.exp(middle + reach)), rel=1e-9)


@given(st.lists(st.floats(0, 100), min_size=LEAST, max_size=64), st.integers(0, 99))
def test_the_course_of_accuracies_is_a_line_through_numpys_medians_and_no_narrower_than_eight_points(
    values: list[float], ahead: int
) -> None:
    y, x = np.asarray(values), np.arange(len(values), dtype=float)
    later, earlier = np.tril_indices(len(values), -1)
    slope = np.median((y[later] - y[earlier]) / (x[later] - x[earlier]))
    left = y - slope * x - np.median(y - slope * x)
    lower, upper = np.quantile(left, (0.25, 0.75))
    reach = 8 * max((upper - lower) / 1.349, 1.0)
    course = usual_course(values, floor=1.0)
    assert course is not None
    last = np.median(y - slope * x) + slope * (len(values) - 1)
    there = last + slope * ahead
    assert course.held() == pytest.approx((last - reach, last + reach), rel=1e-9, abs=1e-6)
    expected = (min(last, there) - reach, max(last, there) + reach)
    assert course.range(len(values) - 1 + ahead) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def curve(losses: list[float], raised: int | None, alert: str = "loss_spike") -> DenseTraceCaptured:
    """A curve of losses in which the batch `raised` is an alert of its own, or what comes after it is."""
    rows = [TracedBatch(batch=n, loss=loss) for n, loss in enumerate(losses)]
    at = len(rows) // 2 if raised is None else raised
    own: dict[str, Any] = {} if raised is None else {"batch": at, "value": losses[at], "threshold": 2.5}
    row = TracedAlert(alert=alert, severity="warning", subject="loss", place=at + 1, clause="c", what="w", **own)
    return replace(trace(rows[: at + 1], rows[at + 1 :]), alerts=[row])


def test_a_loss_that_falls_is_no_change_and_hides_none() -> None:
    falling = [3.0 * 0.97**n * NOISE[n % 5] for n in range(64)]
    assert onsets(curve(falling, None)) == []
    assert onsets(curve([*falling[:24], *[falling[23] * NOISE[n % 5] for n in range(40)]], None)) == []
    risen = [*falling[:24], *(3.0 * loss for loss in falling[24:])]
    assert [(onset.place, onset.quantity) for onset in onsets(curve(risen, None))] == [(24, "loss")]


def test_a_loss_that_goes_on_rising_is_a_change() -> None:
    rising = [1.05**n * NOISE[n % 5] for n in range(64)]
    assert [onset.quantity for onset in onsets(curve(rising, None))] == ["loss"]


def test_what_an_alert_is_about_stands_out_however_much_was_usual() -> None:
    """A loss of 3.16 against a usual 1.26, after a steep fall, in noise."""
    steep = [9.0 * 0.94**n * (0.5, 2.0, 1.0, 0.7, 1.4)[n % 5] for n in range(32)]
    (onset,) = onsets(curve([*steep, 3.16, *[1.26] * 31], 32))
    assert (onset.place, onset.quantity, onset.value, onset.high, onset.by_alert) == (32, "loss", 3.16, 2.5, True)


def test_a_batch_that_stood_out_long_before_the_alert_and_came_back_is_not_what_changed_first() -> None:
    rows = batches(64)
    rows[40] = replace(rows[40], host_grad_norm=99.0)
    assert onsets(trace(rows)) == []
    rows[60:] = [replace(row, loss=9.0) for row in rows[60:]]
    assert [(onset.place, onset.quantity) for onset in onsets(trace(rows))] == [(60, "loss")]
    leak = [*rows[:40], replace(rows[40], isolation_leakage=1e-6), *rows[41:]]
    assert [onset.quantity for onset in onsets(trace(leak))] == ["isolation_leakage", "loss"]


def test_a_norm_may_go_on_falling_or_stay_where_it_was() -> None:
    falling = [2 * 0.95**n * NOISE[n % 5] for n in range(64)]
    still = [*falling[:32], *[falling[31] * NOISE[n % 5] for n in range(32)]]
    for norms in (falling, still):
        rows = [replace(QUIET, batch=n, host_grad_norm=norm, accuracy=None) for n, norm in enumerate(norms)]
        assert onsets(trace(rows)) == []


def gradients(epoch: int, after: bool = True, /, **layers: TracedLayer) -> TracedGradients:
    return TracedGradients(epoch=epoch, batch=0, after=after, layers=layers)


def norm(value: float | None) -> TracedLayer:
    return TracedLayer(norm=value, non_finite=0)


def test_broken_layers_come_first_then_changed_vanishing_and_dead_ones() -> None:
    first = {name: norm(1.0) for name in ("calm", "grown", "shrunk", "broken", "faint")}
    later = {
        "calm": TracedLayer(norm=3.9, non_finite=0, vanishing=0.4),
        "grown": TracedLayer(norm=50.0, non_finite=0),
        "shrunk": TracedLayer(norm=0.01, non_finite=0),
        "broken": TracedLayer(norm=math.nan, non_finite=7),
        "faint": TracedLayer(norm=1.0, non_finite=0, vanishing=0.75),
        "new": TracedLayer(norm=9.0, non_finite=0),
    }
    usual = {name: [NOISE[n % 5] for n in range(15)] for name in first} | {"new": []}
    asleep = TracedUnits(mean=0.0, std=0.0, dead=3, dormant=0.6, non_finite=0)
    awake = TracedUnits(mean=0.0, std=1.0, dead=0, dormant=0.1, non_finite=0)
    outputs = TracedActivations(epoch=5, after=True, layers={"asleep": asleep, "awake": awake})
    before = [TracedGradients(epoch=epoch, batch=0, after=False, layers=first) for epoch in (3, 4)]
    measured = [*before, gradients(5, **later), gradients(6, **later)]
    found = suspects(trace(batches(1), gradients=measured, activations=[outputs], norms_before=usual))
    assert [suspect.layer for suspect in found] == ["broken", "shrunk", "grown", "faint", "asleep"]
    assert "7 values of its gradient are not finite (epoch 5)" in found[0].what
    assert "100.0 times smaller than 1, the median of 15 measurements before" in found[1].what
    assert "50.0 times larger than 1" in found[2].what
    assert "75% of its gradient is vanishing (not measured before)" in found[3].what
    assert "60% of its units are dormant, 3 dead (not measured before)" in found[4].what


@pytest.mark.parametrize(
    ("usual", "after", "named"),
    [
        ([1.0] * 16, [3.9, 3.9, 3.9], False),
        ([1.0] * 16, [4.1, 1.0, 1.0], True),
        ([1.0] * 16, [1.0, 4.1, 4.1], True),
        ([1.0] * 16, [1.0, 1.0, 4.1], False),
        ([0.1, 1.0, 10.0, 1.0] * 4, [9.0, 9.0], False),
        ([1.0] * 7, [19.0], False),
        ([1.0] * 7, [21.0], True),
        ([1.0], [0.04], True),
        ([], [1e9], False),
        ([math.nan, 0.0], [1e9], False),
    ],
)
def test_a_gradient_has_changed_only_beyond_its_own_spread(usual: list[float], after: list[float], named: bool) -> None:
    rows = [gradients(5, layer=norm(value)) for value in after]
    found = suspects(trace(batches(1), gradients=rows, norms_before={"layer": usual}))
    assert [suspect.layer for suspect in found] == ["layer"] * named


def test_what_was_so_before_the_alert_is_no_news() -> None:
    faint = TracedLayer(norm=1.0, non_finite=0, vanishing=0.75)
    asleep = TracedUnits(mean=0.0, std=0.0, dead=3, dormant=0.6, non_finite=0)
    before, after = (TracedActivations(after=after, layers={"layer": asleep}) for after in (False, True))
    measured = [gradients(1, False, layer=faint), gradients(2, layer=faint)]
    assert suspects(trace(batches(1), gradients=measured, activations=[before, after])) == []
    risen = [gradients(1, False, layer=replace(faint, vanishing=0.3)), gradients(2, layer=faint)]
    (found,) = suspects(trace(batches(1), gradients=risen, activations=[before]))
    assert found.what == "75% of its gradient is vanishing (30% before)"


def test_without_a_measurement_no_layer_is_suspected() -> None:
    assert suspects(trace(batches(1))) == []
