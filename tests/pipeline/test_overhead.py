"""An overhead that was asked for, by real trainings: it is kept, nothing of the training changes, a replay agrees."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    EpochCompleted,
    FidelityFollowed,
    GradientsMeasured,
    Heartbeat,
    OverheadGoverned,
    ProbesConfigured,
)
from nissa.pipeline.collector.control import Control
from nissa.pipeline.hub import hub
from nissa.pipeline.probes import Watch
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import Reading, read_log
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import segments
from tests.waiting import LIMIT

STEPS = 40
"""Of an epoch."""
LOOKS = {f"{what}_measured" for what in ("gradients", "weights", "activations", "classes", "sharpness")}


def train(
    telemetry: Telemetry | None,
    epochs: int,
    width: int = 128,
    steps: int = STEPS,
    after: Callable[[], object] = lambda: None,
) -> list[float]:
    """Losses of a small network. Something may be done after each epoch."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    inputs, labels, losses = torch.randn(64, 64), torch.randint(10, (64,)), list[float]()
    watch = Watch(telemetry, model) if telemetry else None
    for epoch in range(epochs):
        if watch:
            watch.emitter.move(episode=0, epoch=epoch + 1)
        for batch in range(steps):
            optimizer.zero_grad()
            loss = cross_entropy(model(inputs), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            if watch:
                watch.step()
            optimizer.step()
            losses.append(loss.item())
            if watch and batch % (steps // 4) == 0:
                watch.emitter.emit(BatchCompleted(batch=batch, loss=losses[-1]))
        if watch:
            watch.epoch(inputs, labels)
            watch.emitter.emit(EpochCompleted(val_loss=losses[-1]))
        after()
    return losses


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat ten times a second."""
    monkeypatch.setattr(hub, "HEARTBEAT", 0.1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """What torch's own threads compute is not what telemetry is measured by."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def told(run: Path) -> list[Event[Any]]:
    return [*read_log(run, Reading())]


def derived(run: Path) -> list[Event[Any]]:
    return [event for event in told(run) if isinstance(event.payload, OverheadGoverned)]


def of(events: Sequence[Event[Any]], kind: type[Any]) -> list[Any]:
    return [event.payload for event in events if isinstance(event.payload, kind)]


def share(since: Heartbeat, until: Heartbeat) -> tuple[float, float]:
    """Overhead between two heartbeats, and that of the looks alone."""
    first, last = since.cost, until.cost
    assert first
    assert last
    own = last.emitting + last.measuring + last.threads - first.emitting - first.measuring - first.threads
    training = last.whole - first.whole - own
    return own / training, (last.measuring - first.measuring) / training


@pytest.mark.deep
@pytest.mark.usefixtures("beating")
def test_a_heavy_profile_comes_near_what_was_asked_for_and_changes_no_loss(tmp_path: Path) -> None:
    out, epochs = tmp_path / "run", 16
    with Telemetry("run", out=out, config="research", overhead=0.03, console=False) as telemetry:
        losses = train(telemetry, epochs, steps=500)
    assert losses == train(None, epochs, steps=500)
    events = told(out)
    beats, decisions = of(events, Heartbeat), of(events, OverheadGoverned)
    assert max(change.overhead for change in decisions) > 0.12
    whole, looks = share(beats[len(beats) // 2], beats[-1])
    assert looks < 0.06
    # Heartbeats that come fifty times as often as usual cost something, too.
    assert whole < 0.15
    assert [change.before for change in decisions] == [1, *[change.one_in for change in decisions[:-1]]]
    followed = {change.one_in for change in of(events, FidelityFollowed)}
    assert followed
    assert followed <= {change.one_in for change in decisions}
    assert 0 < len(of(events, GradientsMeasured)) < epochs * 500 / 4
    assert len(of(events, EpochCompleted)) == epochs
    assert len(of(events, BatchCompleted)) == 4 * epochs


@pytest.mark.usefixtures("beating")
def test_a_collector_decides_for_a_trainer_in_another_process(tmp_path: Path) -> None:
    how: dict[str, Any] = {"config": "research", "overhead": 0.001, "collector": "process", "console": False}
    with Telemetry("run", out=tmp_path / "run", **how) as telemetry:
        train(telemetry, 20)
        telemetry._hub.account()
        assert telemetry.flush(LIMIT)
        assert telemetry.one_in > 1
    decided = [event.payload.one_in for event in derived(tmp_path / "run")]
    assert telemetry.one_in in decided


@pytest.mark.usefixtures("beating")
def test_a_replay_comes_to_the_same_decisions(tmp_path: Path) -> None:
    out, again = tmp_path / "run", list[Event[Any]]()
    with Telemetry("run", out=out, config="research", overhead=0.01, console=False) as telemetry:
        train(telemetry, 20)
    replay(out, [again.append])
    live, repeated = derived(out), of(again, OverheadGoverned)
    assert live
    assert [event.payload for event in live] == repeated


def beaten(telemetry: Telemetry) -> None:
    """A heartbeat that tells all that was emitted before it, and what follows from it."""
    assert telemetry.flush(LIMIT)
    telemetry._hub.account()
    assert telemetry.flush(LIMIT)


def bytes_per_step(since: Heartbeat, until: Heartbeat) -> float:
    """Of the log, between two heartbeats."""
    first, last = since.cost, until.cost
    assert first
    assert last
    return ((last.log_bytes or 0) - (first.log_bytes or 0)) / ((last.steps or 0) - (first.steps or 0))


@pytest.mark.parametrize("collector", [None, "process"])
def test_a_budget_of_bytes_is_kept_by_looks_alone_and_a_replay_agrees(tmp_path: Path, collector: Any) -> None:
    out, epochs, budget, again = tmp_path / "run", 16, 500, list[Event[Any]]()
    how: dict[str, Any] = {"config": {"profile": "research", "log_bytes_per_step": budget}, "collector": collector}
    with Telemetry("run", out=out, console=False, **how) as telemetry:
        train(telemetry, epochs, width=8, after=lambda: beaten(telemetry))
        assert telemetry.one_in > 1
    events = told(out)
    beats, decisions = [beat for beat in of(events, Heartbeat) if beat.cost.steps], of(events, OverheadGoverned)
    assert decisions[0].bytes_per_step > 2 * budget
    assert bytes_per_step(beats[epochs // 2], beats[epochs - 1]) < budget
    assert {(change.overhead, change.target, change.bytes_target) for change in decisions} == {(None, None, budget)}
    assert len(of(events, BatchCompleted)) == 4 * epochs
    assert len(of(events, EpochCompleted)) == epochs
    replay(out, [again.append])
    assert of(again, OverheadGoverned) == decisions


def test_a_heartbeat_tells_the_bytes_that_are_in_the_file(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with Telemetry("run", out=out, config="research", console=False) as telemetry:
        train(telemetry, 2, width=8)
        assert telemetry.flush(LIMIT)
        cost, lines = telemetry._hub.cost(), segments(out)[0].read_bytes().splitlines(keepends=True)
    looks = [line for line in lines if orjson.loads(line)["kind"] in LOOKS]
    assert (cost.steps, cost.log_bytes) == (2 * STEPS, sum(map(len, lines)))
    assert cost.look_bytes == sum(map(len, looks)) > 0


@pytest.mark.usefixtures("beating")
def test_without_an_overhead_nothing_is_decided_and_every_look_is_taken(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run", config="research", console=False) as telemetry:
        train(telemetry, 10)
        assert telemetry.one_in == 1
    events = told(tmp_path / "run")
    assert of(events, OverheadGoverned) == of(events, FidelityFollowed) == []
    assert len(of(events, GradientsMeasured)) == 10 * STEPS


def thinned(config: Any, one_in: int, *, dense: bool = False) -> list[str]:
    """What is told of six epochs in which one look of so many is taken, by kind."""
    events = list[Event[Any]]()
    with Telemetry("run", config=config, overhead=0.5, console=False, sinks={"seen": events.append}) as telemetry:
        telemetry._decided.one_in = one_in
        if dense:
            telemetry.fidelity = "dense"
        train(telemetry, 6, width=8)
    return [event.payload.kind for event in events]


def test_each_sort_of_look_is_thinned_out_over_all_epochs() -> None:
    kinds = thinned("research", 3)
    assert kinds.count("gradients_measured") == 6 * STEPS / 3
    for once_an_epoch in ("weights_measured", "activations_measured", "classes_measured"):
        assert kinds.count(once_an_epoch) == 2
    assert kinds.count("sharpness_measured") == 1, "of three that the profile asks for"
    assert kinds.count("epoch_completed") == kinds.count("memory_measured") == 6
    assert kinds.count("batch_completed") == 6 * 4


def test_what_was_set_by_hand_is_looked_at_all_the_same() -> None:
    by_hand = {"profile": "research", "gradients": {"every": 2}, "loss_landscape": {"every": 3}}
    kinds = thinned(by_hand, 5)
    assert kinds.count("gradients_measured") == 6 * STEPS / 2
    assert kinds.count("sharpness_measured") == 2
    assert kinds.count("weights_measured") == 2
    own = {"profile": "mine", "profiles": {"mine": {"gradients": {"enabled": True}}}}
    assert thinned(own, 5).count("gradients_measured") == 6 * STEPS / 10
    assert thinned("standard", 5, dense=True).count("gradients_measured") == 6 * STEPS


@pytest.mark.parametrize("wrong", [0, -0.1, 1.01, True, "0.03", float("nan")])
def test_an_overhead_that_is_no_share_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"overhead must be a share above 0 and at most 1, such as 0\.03, not"):
        Telemetry("run", overhead=wrong)


def test_the_argument_and_the_configuration_say_the_same_and_it_is_in_the_log() -> None:
    events = list[Event[Any]]()
    for asked in ({"overhead": 0.03}, {"config": {"overhead": 0.03}}):
        telemetry = Telemetry("run", console=False, sinks={"seen": events.append}, **asked)
        with telemetry:
            train(telemetry, 1, width=8)
    assert [configured.config["overhead"] for configured in of(events, ProbesConfigured)] == [0.03, 0.03]


def test_a_run_that_goes_on_takes_as_few_looks_as_before(tmp_path: Path) -> None:
    how: dict[str, Any] = {"out": tmp_path / "run", "config": "research", "overhead": 1e-6, "console": False}
    with Telemetry("run", **how) as telemetry:
        began = time.process_time()
        train(telemetry, 1)
        while time.process_time() - began < 0.2:
            pass
        telemetry._hub.account()
        assert telemetry.flush(LIMIT)
        before = telemetry.one_in
    assert before > 1
    for collector in (None, "process"):
        with Telemetry("run", **how, resume=True, collector=collector) as telemetry:
            assert telemetry.flush(LIMIT)
            assert telemetry.one_in >= before


def test_the_mapped_file_keeps_each_number_in_its_place(tmp_path: Path) -> None:
    control = Control.make(tmp_path / "map")
    assert (control.fidelity, control.one_in, control.read, control.cpu) == ("normal", 1, 0, 0.0)
    control.one_in, control.read, control.cpu, control.fidelity = 1024, 2**40, 12.5, "dense"
    other = Control.open(tmp_path / "map")
    assert (other.fidelity, other.one_in, other.read, other.cpu, other.here) == ("dense", 1024, 2**40, 12.5, True)
