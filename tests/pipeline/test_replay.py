"""What a replay computes is compared with what was recorded: what differs, what is missing, and what is too much."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Event
from nissa.events.kind import KINDS, Importance, Payload, kind
from nissa.events.kinds import BatchCompleted
from nissa.operators.fold import Fold
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from tests.operators.raised import batch
from tests.samples import episode_ended, episode_started, epoch_completed

Line = dict[str, Any]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    train(tmp_path / "run")
    return tmp_path / "run"


def train(out: Path, **more: Any) -> None:
    with Telemetry("small", out=out, **more) as telemetry:
        env = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
        env.emit(episode_started())
        for number in range(40):
            env.emit(batch(number, loss=1.0 + 0.01 * (number % 5)))
        env.emit(batch(40, loss=9.0))
        env.emit(epoch_completed(91.25))
        env.emit(replace(episode_ended(), final_accuracy=91.25, epochs=1))


def rewrite(run: Path, change: Callable[[list[Line]], list[Line]]) -> tuple[int, int, int]:
    """Derived events that differ, that are only recorded and only computed, after a change of the log's lines."""
    (log,) = run.glob("events-*.jsonl")
    lines = change([json.loads(line) for line in log.read_text().splitlines()])
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    events = replay(run).summary()["events"]
    return events["derived_different"], events["derived_only_recorded"], events["derived_only_computed"]


def is_spike(line: Line) -> bool:
    return bool(line["kind"] == "alert_raised")


def test_of_an_untouched_log_nothing_differs(run: Path) -> None:
    assert rewrite(run, lambda lines: lines) == (0, 0, 0)
    assert replay(run).compared > 0


def test_a_derived_event_that_is_missing_in_the_log_is_counted(run: Path) -> None:
    assert rewrite(run, lambda lines: [line for line in lines if not is_spike(line)]) == (0, 0, 1)


def test_a_derived_event_too_many_is_counted_and_so_is_one_in_the_place_of_another(run: Path) -> None:
    def twice(lines: list[Line]) -> list[Line]:
        return [one for line in lines for one in ([line, {**line, "ordinal": 99}] if is_spike(line) else [line])]

    def altered(lines: list[Line]) -> list[Line]:
        return [{**line, "data": {**line["data"], "alert": "made_up"}} if is_spike(line) else line for line in lines]

    assert rewrite(run, twice) == (0, 1, 0)
    assert rewrite(run, lambda lines: altered([line for line in lines if line.get("ordinal") != 99])) == (1, 0, 0)


def test_a_log_without_derived_events_has_nothing_to_compare(run: Path) -> None:
    assert rewrite(run, lambda lines: [line for line in lines if "ordinal" not in line]) == (0, 0, 0)


def test_what_operators_of_the_trainers_own_derived_is_nobodys_loss(tmp_path: Path) -> None:
    @kind(Importance.ROUTINE, derived=True)
    class HighLossNoticed(Payload):
        """A loss above five."""

        loss: float
        """The loss."""

    def step(_: None, event: Event[BatchCompleted]) -> list[Payload]:
        return [HighLossNoticed(loss=float(event.payload.loss))] if event.payload.loss > 5 else []

    try:
        train(tmp_path / "run", operators={"own": Fold("own", (BatchCompleted,), lambda: None, step)})
        assert rewrite(tmp_path / "run", lambda lines: lines) == (0, 0, 0)
    finally:
        del KINDS["high_loss_noticed"]
    assert rewrite(tmp_path / "run", lambda lines: lines) == (0, 0, 0)


def test_scalars_are_judged_without_a_watch_and_alike_in_a_replay(tmp_path: Path) -> None:
    rule = {"alerts": {"scalars": ["td_error"]}}
    with Telemetry("judged", out=tmp_path / "run", config=rule) as telemetry:
        for step in range(40):
            telemetry.scope(env=0).log({"td_error": 9.0 if step == 30 else 1.0 + 0.01 * (step % 5)}, step)
        assert telemetry.flush()
        (alert,) = telemetry.snapshot()["alerts"]
    assert (alert["alert"], alert["subject"], alert["value"]) == ("loss_spike", "scalar td_error", 9.0)
    again = replay(tmp_path / "run")
    assert (again.different, again.only_computed, again.only_recorded) == (0, 0, 0)
    assert [row["what"] for row in again.tables.snapshot()["alerts"]] == [alert["what"]]
