"""Faults that are really done to a training are found as what they are, where they are, and nowhere else."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import pytest
import torch

from nissa.cli.main import main
from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    DenseTraceCaptured,
    FidelityChanged,
    GateEvaluated,
    GradientsMeasured,
    PolicyUpdated,
    RunStarted,
)
from nissa.pipeline.config.profiles import load
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.data.digits import batches as batches_of
from nissa.trainer.data.digits import load_digits
from nissa.trainer.data.seeding import generator
from nissa.trainer.episode import Episode
from nissa.trainer.faults.injection import FAULTS, Injection
from nissa.trainer.faults.sabotage import BATCH, sabotaged
from nissa.trainer.network.model import Model
from nissa.trainer.run import Settings, train
from nissa.trainer.training.epoch import train_epoch
from tests.trainer.injected import (
    ALERTS,
    BATCHES,
    CRITIC,
    ENTROPY,
    FAULTY,
    FOLLOWS,
    GROWING,
    LATEST,
    LEARNING,
    OVERFLOW,
    TRAINING,
    alerts,
    at,
    delay,
    recorded,
)
from tests.waiting import LIMIT, TRAINED

# Trainings, a good minute of them; liveness and detectors have their own every day.
pytestmark = pytest.mark.deep

SEED = 0
Events = list[Event[Any]]


@pytest.fixture(scope="module")
def clean() -> Events:
    return recorded(**TRAINING, seed=SEED)


@pytest.fixture(scope="module")
def faulty() -> Events:
    """The same training with four faults, each in a place of its own."""
    return recorded(*FAULTY, **TRAINING, seed=SEED)


def batches(events: Events, env: int, episode: int) -> list[tuple[int | None, Any]]:
    here = [e for e in events if (e.scope.env, e.scope.episode) == (env, episode)]
    return [(e.scope.epoch, e.payload) for e in here if isinstance(e.payload, BatchCompleted)]


def found(injection: Injection, events: Events) -> None:
    """By the right alert, in time, and with no alert that does not follow from it."""
    name, subject = ALERTS[injection.fault]
    raised = at(injection, events)
    (alert,) = [e for e in raised if (e.payload.alert, e.payload.subject) == (name, subject)]
    assert alert.scope.group == ("ppo" if injection.env is None else "heuristic")
    assert alert.scope.epoch == injection.epoch
    assert delay(injection, alert, events) == LATEST.get(injection.fault, 0)
    assert all(delay(injection, e, events) >= 0 for e in raised)
    assert {e.payload.alert for e in raised} - {name} <= FOLLOWS.get(injection.fault, set())


@pytest.mark.parametrize("injection", FAULTY, ids=str)
def test_a_fault_of_the_training_is_found_as_what_it_is_where_and_when_it_strikes(
    faulty: Events, injection: Injection
) -> None:
    found(injection, faulty)


def test_a_clean_run_of_the_same_seed_raises_nothing(clean: Events) -> None:
    assert list(alerts(clean)) == []


@pytest.mark.parametrize("injection", FAULTY, ids=str)
def test_a_training_is_the_same_until_a_fault_strikes_it_and_another_one_from_then_on(
    clean: Events, faulty: Events, injection: Injection
) -> None:
    place = injection.env or 0, injection.episode
    before, after = batches(clean, *place), batches(faulty, *place)
    struck = BATCHES * ((injection.epoch or 0) - 1) + (BATCHES if injection.fault == "accuracy_drop" else BATCH)
    assert after[:struck] == before[:struck]
    assert after[struck] != before[struck]


def test_an_environment_without_faults_is_the_same_bit_for_bit() -> None:
    settings = {**TRAINING, "episodes": 1, "epochs": 4, "seed": SEED}
    struck = recorded(Injection("nan", 1, 0, 2), **settings)
    assert batches(struck, 0, 0) == batches(recorded(**settings), 0, 0)
    assert {e.scope.env for e in alerts(struck)} == {1}


def test_an_overflow_in_isolation_stays_with_its_seed_is_told_of_its_slot_and_shuts_the_gate() -> None:
    events, clean = recorded(OVERFLOW, **GROWING, seed=SEED), recorded(**GROWING, seed=SEED)
    raised = at(OVERFLOW, events)
    assert delay(OVERFLOW, raised[0], events) == LATEST.get(OVERFLOW.fault, 0)
    assert (raised[0].payload.alert, raised[0].payload.subject) == ALERTS[OVERFLOW.fault]
    # The loss, the host and its layers are sound: all else that is told is about the seed's gradient.
    assert {e.payload.alert for e in raised} == {"non_finite"}
    assert all((e.payload.subject or "").startswith(("outputs of late", "late")) for e in raised)
    gates = [(e.scope.epoch or 0, e.payload) for e in events if isinstance(e.payload, GateEvaluated)]
    shut = [(epoch, told) for epoch, told in gates if not told.passed]
    assert [(told.gate, told.slot) for _, told in shut] == [("G2", "late")] * 5
    assert all(told.reason == "finite_epochs 0 is not >= 3" for _, told in shut)
    asked = min(epoch for epoch, _ in shut)
    for (epoch, row), (_, plain) in zip(batches(events, 0, 0), batches(clean, 0, 0), strict=True):
        if (epoch or 0) <= asked:  # later, the seed of the clean run is blended in
            assert (row.loss, row.accuracy, row.host_grad_norm) == (plain.loss, plain.accuracy, plain.host_grad_norm)
    assert max(row.seed_non_finite.get("late", 0) for _, row in batches(events, 0, 0)) > 1000
    assert all(isfinite(row.loss) and row.host_grad_norm < 100 for _, row in batches(events, 0, 0))


@pytest.mark.parametrize("injection", [ENTROPY, CRITIC], ids=str)
def test_a_fault_of_the_policy_is_found_after_as_many_updates_as_its_rule_needs(injection: Injection) -> None:
    events = recorded(injection, **LEARNING, seed=SEED)
    found(injection, events)
    assert {e.scope.env for e in alerts(events)} == {None}


def test_a_policy_that_nothing_is_done_to_raises_nothing() -> None:
    events = recorded(**LEARNING, seed=SEED)
    assert len([e for e in events if isinstance(e.payload, PolicyUpdated)]) == LEARNING["episodes"]
    assert list(alerts(events)) == []


def test_without_a_fault_in_its_place_an_episode_is_trained_by_the_very_code_that_trains_all_others() -> None:
    assert sabotaged([*FAULTY, CRITIC], env=0, episode=2) is train_epoch
    assert sabotaged([], env=0, episode=0) is train_epoch


def test_what_hands_out_the_batches_keeps_them_whole(silent: Any) -> None:
    rows = [(images.clone(), labels.clone()) for images, labels in batches_of(load_digits(), generator(0))]
    kept = [(images.clone(), labels.clone()) for images, labels in rows]
    train_struck = sabotaged([Injection("loss_spike", 0, 0, 1), Injection("nan", 0, 0, 2)], env=0, episode=0)
    model = Model(0, silent)
    for _ in range(2):
        train_struck(model, rows, silent.emit)
    assert isnan(silent.told[-1].loss)
    assert all(torch.equal(a, b) for row, copy in zip(rows, kept, strict=True) for a, b in zip(row, copy, strict=True))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loss spike in epoch 10 of 20, in the mode adaptive; each epoch heeds what was noticed before it."""
    out = tmp_path_factory.mktemp("watched") / "run"
    spike = (Injection("loss_spike", 0, 0, 10),)
    with (
        Telemetry("watched", out=out, config=load("standard", overrides=["mode=adaptive"])) as telemetry,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(Episode, "run_epoch", heeding(telemetry))
        train(Settings(policy="heuristic", envs=1, episodes=1, epochs=20, seed=SEED, injections=spike), telemetry)
    return out


def heeding(telemetry: Telemetry) -> Callable[[Episode, int], None]:
    """An epoch that begins when all before it was judged, however far the pipeline's thread lags behind."""
    run_epoch = Episode.run_epoch

    def run(episode: Episode, epoch: int) -> None:
        assert telemetry.flush(LIMIT)
        run_epoch(episode, epoch)

    return run


def seen(run: Path, kind: type[Any]) -> Events:
    events: Events = []
    replay(run, [events.append])
    return [e for e in events if isinstance(e.payload, kind)]


def test_a_fault_raises_fidelity_until_its_environment_has_trained_on(watched: Path) -> None:
    changes = [(e.scope.epoch, e.payload.level, e.payload.clause) for e in seen(watched, FidelityChanged)]
    assert changes == [(10, "dense", "alert"), (13, "normal", "resolved")]


def test_the_probes_look_closer_while_fidelity_is_dense(watched: Path) -> None:
    measured = Counter(e.scope.epoch for e in seen(watched, GradientsMeasured))
    assert measured[11] + measured[12] > 2 * (measured[8] + measured[9]) == 2 * (measured[18] + measured[19])


def test_a_dense_trace_holds_the_batches_before_the_fault_and_says_what_fired_and_changed_first(
    watched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    traces = [e.payload for e in seen(watched, DenseTraceCaptured)]
    (number,) = [n for n, trace in enumerate(traces, start=1) if "loss_spike" in trace.reasons]
    before = traces[number - 1].batches_before
    assert [(row.epoch, row.batch) for row in before[-3:]] == [(10, BATCH - 2), (10, BATCH - 1), (10, BATCH)]
    assert len(before) == 64
    assert main(["trace", str(watched), str(number)]) == 0
    text = capsys.readouterr().out
    assert f"epoch 10 batch {BATCH}: loss_spike (warning, spike)" in text
    first, *others = [line for line in text.splitlines() if f"epoch 10 batch {BATCH} (with the alert): " in line]
    assert first.startswith("  first ")
    assert any(line.startswith("  then ") and ": loss " in line for line in others)


def test_every_fault_has_a_line_that_says_what_it_does() -> None:
    assert FAULTS.keys() == ALERTS.keys()


@pytest.mark.parametrize("text", [*(f"{fault}@env0:ep2:epoch5" for fault in list(FAULTS)[:5]), "value_collapse@ep12"])
def test_a_place_is_written_as_it_is_read(text: str) -> None:
    assert str(Injection.parse(text)) == text


COMPLAINTS = {
    "flood@env0:ep0:epoch5": "'flood@env0:ep0:epoch5' is no FAULT@envN:epN:epochN with FAULT one of accuracy_drop, ",
    "nan": "'nan' is no FAULT@envN:epN:epochN",
    "nan@env-1:ep0:epoch5": "is no FAULT@envN:epN:epochN",
    "nan@ep1": "the place of nan looks like nan@env0:ep2:epoch5",
    "nan@env0:ep1": "the place of nan looks like nan@env0:ep2:epoch5",
    "value_collapse@env0:ep1:epoch5": "the place of value_collapse looks like value_collapse@ep12",
    "nan@env4:ep0:epoch5": "there is no env 4, the last one is 3",
    "nan@env0:ep5:epoch5": "there is no episode 5, the last one is 4",
    "nan@env0:ep0:epoch46": "the epoch must be from 2 (until then nothing is usual) to 45",
    "nan@env0:ep0:epoch0": "the epoch must be from 2",
    "value_collapse@ep1": "until a figure was sound in 2 updates it cannot collapse, so the earliest place is ep2",
    "value_collapse@ep12": "it takes 3 episodes to show, so 15 are needed, not 5",
    "entropy_collapse@ep12": "it takes 5 episodes to show, so 17 are needed, not 5",
}


@pytest.mark.parametrize(("text", "complaint"), COMPLAINTS.items())
def test_a_fault_that_could_not_strike_or_not_be_noticed_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    assert main(["demo", "--inject", text, "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_rule_cannot_collapse() -> None:
    with pytest.raises(ValueError, match="the policy heuristic learns nothing and cannot break, ppo can"):
        Settings(policy="heuristic", episodes=20, injections=(CRITIC,))


def test_the_demo_takes_faults_and_its_log_says_so(tmp_path: Path) -> None:
    words = ["--envs", "1", "--episodes", "1", "--policy", "heuristic", "--out", str(tmp_path / "run")]
    faults = ["--inject", "nan@env0:ep0:epoch44", "--inject", "loss_spike@env0:ep0:epoch9"]
    command = [sys.executable, "-m", "nissa.cli.main", "demo", *words, *faults]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TRAINED, check=False)
    assert done.returncode == 0, done.stderr
    (started,) = seen(tmp_path / "run", RunStarted)
    assert started.payload.hyperparameters["injections"] == faults[1::2]
    rows = replay(tmp_path / "run").tables.snapshot()["alerts"]
    assert {("loss_spike", 9), ("non_finite", 44)} <= {(row["alert"], row["epoch"]) for row in rows}
