"""The way back to the trainer: an alert reaches its attribute, the delay is measured, and a replay says the same."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    DenseTraceCaptured,
    FidelityChanged,
    Heartbeat,
    OverheadGoverned,
)
from nissa.events.vocabulary import Fidelity
from nissa.operators import default_operators
from nissa.operators.fold import Fold
from nissa.pipeline.hub.fidelity_feedback import FidelityFollower
from nissa.pipeline.replay import replay
from nissa.pipeline.sources.reader import Reading, read_log
from nissa.pipeline.telemetry import Telemetry
from tests.operators.raised import batch, configured, raised, resolved
from tests.samples import epoch_completed
from tests.waiting import LIMIT


def alarm() -> Fold[set[int]]:
    """An alert as long as the loss is above ten."""

    def step(standing: set[int], event: Event[BatchCompleted]) -> Iterator[AlertRaised | AlertResolved]:
        high = event.payload.loss > 10
        if high and not standing:
            standing.add(0)
            yield raised()
        elif not high and standing:
            standing.clear()
            yield resolved()

    return Fold("alarm", (BatchCompleted,), set, step)


def train(telemetry: Telemetry, losses: list[float]) -> list[Fidelity]:
    """An epoch for each loss; the fidelity that each of them found."""
    env, found = telemetry.scope(group="ppo", env=0, episode=0, epoch=1), list[Fidelity]()
    telemetry.emit(configured(mode="adaptive"))
    for loss in losses:
        assert telemetry.flush(LIMIT)
        found.append(telemetry.fidelity)
        env.emit(batch(loss=loss))
        env.emit(epoch_completed(50.0))
    return found


def test_the_trainer_sees_an_alert_before_its_next_epoch_and_its_end_after_the_cool_down() -> None:
    with Telemetry("run", operators={"alarm": alarm()}) as telemetry:
        assert telemetry.fidelity == "normal"
        found = train(telemetry, [1.0, 99.0, 99.0, 1.0, 1.0, 1.0, 1.0])
    assert found == ["normal", "normal", "dense", "dense", "dense", "dense", "normal"]


def test_the_delay_is_in_the_account_and_in_the_log(tmp_path: Path) -> None:
    started = time.time()
    with Telemetry("run", out=tmp_path / "run", operators={"alarm": alarm()}) as telemetry:
        assert telemetry.state().fidelity_delay is None
        train(telemetry, [1.0, 99.0, 1.0])
        state = telemetry.state()
    spent = time.time() - started
    assert state.fidelity_delay is not None
    assert state.fidelity_delay_max is not None
    assert 0 <= state.fidelity_delay <= state.fidelity_delay_max < spent
    beats = [e.payload for e in read_log(tmp_path / "run", Reading()) if isinstance(e.payload, Heartbeat)]
    assert beats[-1].pipeline.fidelity_delay_max is not None


def test_a_replay_tells_the_same_traces_and_changes_of_fidelity(tmp_path: Path) -> None:
    live, again = list[Event[Any]](), list[Event[Any]]()
    with Telemetry("run", out=tmp_path / "run", operators={"alarm": alarm()}, sinks={"seen": live.append}) as telemetry:
        train(telemetry, [1.0, 99.0, 99.0, 1.0, 1.0, 1.0, 99.0])
    result = replay(tmp_path / "run", [again.append], default_operators() | {"alarm": alarm()})
    assert (result.different, result.faults.counts.total()) == (0, 0)
    for kind in (FidelityChanged, DenseTraceCaptured):
        rows = [e.payload for e in live if isinstance(e.payload, kind)]
        assert rows
        assert rows == [e.payload for e in again if isinstance(e.payload, kind)]


class Holder:
    """A trainer, as far as the follower sees it."""

    fidelity: Fidelity = "normal"
    one_in = 1


def change(level: str, before: str, time: float) -> Event[Any]:
    row = FidelityChanged(level=level, before=before, reasons=[], clause="alert", dense_epochs=0, epochs=0)
    return Event(0, time, Scope("run"), row, 1)


def test_the_delay_is_from_the_event_that_made_the_difference() -> None:
    holder, times = Holder(), iter([10.5, 20.25, 29.0])
    follower = FidelityFollower(holder, clock=lambda: next(times))
    follower(change("dense", "normal", 10.0))
    assert (holder.fidelity, follower.last, follower.largest) == ("dense", 0.5, 0.5)
    follower(change("normal", "dense", 20.0))
    assert (holder.fidelity, follower.last, follower.largest) == ("normal", 0.25, 0.5)
    follower(change("dense", "normal", 30.0))
    assert (follower.last, follower.largest) == (0.0, 0.5)


def test_in_how_many_looks_one_is_taken_reaches_the_trainer_and_is_no_change_of_fidelity() -> None:
    holder = Holder()
    follower = FidelityFollower(holder)
    row = OverheadGoverned(overhead=0.09, target=0.03, one_in=3, before=1)
    follower(Event(0, 1.0, Scope("run"), row, 1))
    assert (holder.one_in, holder.fidelity, follower.last) == (3, "normal", None)


def test_a_refusal_of_the_budget_is_no_change_and_leaves_what_the_trainer_set() -> None:
    holder = Holder()
    holder.fidelity = "dense"
    follower = FidelityFollower(holder)
    follower(change("normal", "normal", 10.0))
    assert (holder.fidelity, follower.last) == ("dense", None)
