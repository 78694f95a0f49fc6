"""What is not as declared is told once a run and field, and nothing that may be right is."""

import json
from collections.abc import Iterator
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.codec import encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    KINDS,
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpochCompleted,
    Payload,
    PhaseTimed,
    RunEnded,
    SeedGerminated,
)
from nissa.events.schema import json_schema
from nissa.operators.plausibility import implausible_values
from nissa.operators.plausibility.ranges import check_of
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.console import ConsoleSink
from nissa.sinks.prometheus import PrometheusSink
from tests.samples import payloads

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
CHECKED = [kind for kind in KINDS.values() if not kind.derived and check_of(kind)]


def told(*payloads: Payload, groups: tuple[str, ...] = ("a",)) -> list[Any]:
    """What the operator derives from payloads of one run, each told in every group."""
    fold, seq = implausible_values(), 0
    state, found = fold.init(), list[Any]()
    for payload in payloads:
        for group in groups:
            found += fold.step(state, Event(seq, 0.0, Scope("run", group, 0, 0, 1), payload))
            seq += 1
    return found


def batch(accuracy: float | None = None, loss: float = 1.0, **more: Any) -> BatchCompleted:
    return BatchCompleted(batch=0, loss=loss, accuracy=accuracy, **more)


def germinated(params: int) -> SeedGerminated:
    return SeedGerminated(slot="s", seed="s", blueprint="b", params=params)


def broken_bounds(error: jsonschema.ValidationError) -> Iterator[str]:
    yield from [error.validator] if error.validator in {"minimum", "maximum"} else []
    for inner in error.context:
        yield from broken_bounds(inner)


@settings(max_examples=300)
@given(st.sampled_from(CHECKED).flatmap(payloads))
def test_out_of_range_is_what_the_schema_says_is(payload: Any) -> None:
    row = json.loads(encode(Event(0, 0.0, Scope("run"), payload)))
    expected = any(name for error in VALIDATOR.iter_errors(row) for name in broken_bounds(error))
    check = check_of(type(payload))
    assert check
    found = [value for _, value in check(payload) if isfinite(value)]
    # The schema knows no slack, which sums of floats need.
    assert bool(found) == expected or min(map(abs, numbers(row["data"])), default=1.0) < 1e-5


def numbers(value: Any) -> Iterator[float]:
    """All numbers in plain data, and how far each is from 1 and 100."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers(item)
    elif isinstance(value, int | float) and value:
        yield from (value, value - 1, (value - 100) / 100)


@pytest.mark.parametrize(
    ("payload", "subject", "value", "allowed"),
    [
        (batch(950.0), "batch_completed.accuracy", 950.0, "percent from 0 to 100"),
        (batch(-1.0), "batch_completed.accuracy", -1.0, "percent from 0 to 100"),
        (batch(host_grad_norm=-2.0), "batch_completed.host_grad_norm", -2.0, "L2 norm from 0 up"),
        (batch(seed_grad_norms={"x": -2.0}), "batch_completed.seed_grad_norms", -2.0, "L2 norm from 0 up"),
        (PhaseTimed(durations={"x": -1.0}), "phase_timed.durations", -1.0, "seconds from 0 up"),
        (germinated(-5), "seed_germinated.params", -5, "count from 0 up"),
        (germinated(-(10**400)), "seed_germinated.params", -1.7e308, "count from 0 up"),
    ],
)
def test_a_value_out_of_its_range_is_told_with_what_is_allowed(
    payload: Payload, subject: str, value: float, allowed: str
) -> None:
    (raised,) = told(payload, payload, groups=("a", "b"))
    assert (raised.alert, raised.severity, raised.subject) == ("implausible_value", "warning", subject)
    expected = ("above", 100.0) if value > 0 else ("below", 0.0)
    assert (raised.value, (raised.clause, raised.threshold)) == (value, expected)
    assert raised.what == f"{subject} is {value:g}, but it is declared as {allowed}; it is carried as it is"


@pytest.mark.parametrize("sound", [0.0, 100.0, 100.0 + 1e-9, nan, inf, -inf, None])
def test_bounds_rounding_and_what_is_broken_or_missing_are_not_implausible(sound: float | None) -> None:
    assert told(batch(sound), batch(host_grad_norm=-1e-12)) == []


def course(accuracies: list[float | None], losses: list[float]) -> list[Payload]:
    return [batch(accuracy, loss) for accuracy, loss in zip(accuracies, losses, strict=True)]


FALLING = [2.0 - 0.1 * n for n in range(15)]
RISING = [0.1 + 0.05 * n for n in range(15)]


def test_an_accuracy_that_never_passes_1_while_the_loss_falls_is_told_once() -> None:
    (raised,) = told(*course([*RISING] * 3, FALLING * 3), groups=("a", "b"))
    assert (raised.subject, raised.clause, raised.threshold, raised.window) == (
        *("batch_completed.accuracy", "fraction", 1.0, 10),
    )
    assert raised.value == pytest.approx(0.55)
    assert "from 2 to 1.1" in raised.what
    assert "fraction" in raised.what


def test_each_accuracy_of_a_kind_is_followed_with_its_own_loss() -> None:
    rows = zip(RISING, FALLING, strict=True)
    epochs = [EpochCompleted(train_accuracy=50.0, train_loss=loss, val_accuracy=a, val_loss=loss) for a, loss in rows]
    assert [raised.subject for raised in told(*epochs)] == ["epoch_completed.val_accuracy"]


@pytest.mark.parametrize(
    ("accuracies", "losses"),
    [
        ([*RISING[:9]], FALLING[:9]),
        (RISING, [2.0] * 15),
        (RISING, [2.0 - 0.02 * n for n in range(15)]),
        ([0.0] * 15, FALLING),
        ([1.5, *RISING[1:]], FALLING),
        ([None] * 15, FALLING),
        ([nan] * 15, FALLING),
        (RISING, [nan] * 15),
        (RISING, [-loss for loss in FALLING]),
    ],
    ids=["too few", "no fall", "hardly a fall", "zero", "percent", "missing", "broken", "broken loss", "negative loss"],
)
def test_what_may_be_percent_is_not_doubted(accuracies: list[float | None], losses: list[float]) -> None:
    assert told(*course(accuracies, losses)) == []


def test_it_stands_until_the_run_ends_and_a_new_life_is_told_anew() -> None:
    end = RunEnded(outcome="completed", duration=1.0)
    kinds = [type(event) for event in told(batch(950.0), end, batch(950.0))]
    assert kinds == [AlertRaised, AlertResolved, AlertRaised]


def test_a_group_of_fractions_is_told_beside_one_of_percent() -> None:
    fold = implausible_values()
    state, found = fold.init(), list[Any]()
    for accuracy, loss in zip(RISING, FALLING, strict=True):
        for group, factor in (("percent", 100), ("fraction", 1)):
            event = Event(0, 0.0, Scope("run", group, 0, 0, 1), batch(accuracy * factor, loss))
            found += fold.step(state, event)
    assert [raised.clause for raised in found] == ["fraction"]


def test_somebody_is_told_once_in_pythons_log_the_terminal_the_tables_and_the_metrics(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with Telemetry("odd", out=tmp_path / "run", sinks={"console": ConsoleSink()}) as telemetry:
        env = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
        for _ in range(30):
            env.emit(batch(950.0))
        telemetry.flush()
        prometheus = PrometheusSink()
        replay(tmp_path / "run", [prometheus])
    (warning,) = [record.getMessage() for record in caplog.records if "950" in record.getMessage()]
    assert warning.startswith("run odd: batch_completed.accuracy is 950")
    assert (
        capsys.readouterr().out.count("implausible_value (batch_completed.accuracy): batch_completed.accuracy is 950")
        == 1
    )
    (row,) = [row for row in replay(tmp_path / "run").summary()["alerts"] if row["alert"] == "implausible_value"]
    assert (row["subject"], row["value"]) == ("batch_completed.accuracy", 950.0)
    samples = [sample for family in prometheus.collect() for sample in family.samples]
    (raised,) = [s for s in samples if s.name == "nissa_alerts_total" and s.labels["alert"] == "implausible_value"]
    assert raised.value == 1
