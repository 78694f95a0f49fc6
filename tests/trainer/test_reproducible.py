"""The same settings give the same numbers, whatever becomes of the telemetry."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from nissa.events.kinds import Action, SharpnessMeasured
from nissa.operators import only
from nissa.pipeline.run_context import rng_digests
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.environment import Environment
from nissa.trainer.policy.decision import never
from nissa.trainer.run import Settings, train
from nissa.trainer.training.history import History, weights_digest
from tests.waiting import hanging

SHORT = Settings(policy="ppo", envs=2, episodes=2, epochs=6, seed=7)


def trained(telemetry: Any) -> tuple[History, dict[str, str]]:
    history = train(SHORT, telemetry)
    return history, rng_digests()


@pytest.fixture(scope="module")
def expected() -> tuple[History, dict[str, str]]:
    with Telemetry("on") as telemetry:
        return trained(telemetry)


def fails(event: Any) -> None:
    raise OSError("no space left on device")


def test_training_is_bit_identical_with_telemetry_off(expected: Any, deaf: Any) -> None:
    assert trained(deaf) == expected


@pytest.mark.parametrize("profile", ["minimal", "diagnostic", "research"])
def test_training_is_bit_identical_with_every_profile(expected: Any, profile: str) -> None:
    with Telemetry("profile", config=profile) as telemetry:
        assert trained(telemetry) == expected


def test_training_is_bit_identical_at_dense_fidelity(expected: Any) -> None:
    with Telemetry("dense") as telemetry:
        telemetry.fidelity = "dense"
        assert trained(telemetry) == expected


def test_training_is_bit_identical_with_probes_that_fail(expected: Any, monkeypatch: Any) -> None:
    from nissa.pipeline.probes import watch

    def failing(*_: Any, **__: Any) -> Any:
        raise FloatingPointError("on purpose")

    probes = [name for name in vars(watch) if name.endswith("_measured")]
    for probe in probes:
        monkeypatch.setattr(watch, probe, failing)
    with Telemetry("failing", config="research") as telemetry:
        assert trained(telemetry) == expected
        assert len([part for part in telemetry.state().faults if part.startswith("probe")]) >= 1


@pytest.mark.deep
def test_training_is_bit_identical_with_a_sink_that_always_raises(expected: Any) -> None:
    with Telemetry("broken", sinks={"broken": fails}) as telemetry:
        assert trained(telemetry) == expected


def test_training_is_bit_identical_with_a_pipeline_that_sheds_almost_everything(expected: Any) -> None:
    with Telemetry("full", capacity=1) as telemetry:
        assert trained(telemetry) == expected


@pytest.mark.deep
def test_training_is_bit_identical_with_a_sink_that_hangs_which_nothing_waits_for(expected: Any) -> None:
    with hanging() as hang, Telemetry("hanging", sinks={"hanging": hang}) as telemetry:
        assert trained(telemetry) == expected


@pytest.mark.deep
def test_training_is_bit_identical_with_a_full_disk(expected: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def write(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    telemetry = Telemetry("full-disk", out=tmp_path / "run")
    assert trained(telemetry) == expected
    telemetry.flush(0.5)
    (log,) = telemetry.state().sinks
    telemetry.close()
    assert telemetry.state().faults["log"] > 0
    assert (log.sink, next(tmp_path.glob("run/events-*")).stat().st_size) == ("log", 0)


def test_another_seed_gives_another_run(expected: Any, deaf: Any) -> None:
    other = train(Settings(policy="ppo", envs=1, episodes=1, epochs=2, seed=8), deaf)
    assert other.twins[0].val_losses[0] != expected[0].twins[0].val_losses[0]


def test_environments_do_not_touch_each_other(deaf: Any) -> None:
    both = train(Settings(policy="heuristic", envs=2, episodes=1, epochs=9, seed=0), deaf)
    second = train(Settings(policy="heuristic", envs=1, episodes=1, epochs=9, seed=1), deaf)
    assert both.episodes[1].val_losses == second.episodes[0].val_losses


def test_a_host_that_is_never_grown_is_its_twin_bit_for_bit(deaf: Any) -> None:
    history = train(Settings(policy="never", envs=1, episodes=2, epochs=3, seed=0), deaf)
    for record in history.episodes:
        assert record.val_losses == history.twins[0].val_losses
        assert record.val_accuracies == history.twins[0].val_accuracies
        assert record.growth_ratios == [1.0] * 3


def test_episodes_start_with_the_same_host_and_seeds_of_their_own_that_come_back_in_the_same_episode(deaf: Any) -> None:
    settings, drawn = Settings(policy="never", envs=1, episodes=2, epochs=1, seed=3), "conv_enhance"
    hosts, seeds = [], []
    for number in (0, 1, 0):
        episode = Environment(0, settings, never, deaf).start(number)
        hosts.append(weights_digest([episode.model.host]))
        episode.growth.act(Action(op="GERMINATE", slot="mid", blueprint=drawn, blend="linear"), 50.0, 45)
        seeds.append(weights_digest(slot.seed for slot in episode.model.seeded() if slot.seed))
    assert hosts[0] == hosts[1] == hosts[2]
    assert seeds[0] == seeds[2] != seeds[1]


def test_digests_tell_weights_apart_by_the_last_bit(expected: Any) -> None:
    from nissa.trainer.network.host import new_host

    host, other = new_host(0), new_host(0)
    assert weights_digest([host]) == weights_digest([other])
    with torch.no_grad():
        other.fc.bias[0] = torch.nextafter(other.fc.bias[0], torch.tensor(1.0))
    assert weights_digest([host]) != weights_digest([other])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"policy": "luck"}, "policy must be one of ppo, random, heuristic, never, not 'luck'"),
        ({"envs": 0}, "envs must be at least 1, not 0"),
        ({"episodes": 0}, "episodes must be at least 1, not 0"),
        ({"epochs": -1}, "epochs must be at least 1, not -1"),
        ({"seed": -1}, "seed must be from 0 to 4294967291, not -1"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_allowed(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)


def test_episodes_with_the_same_weights_look_in_directions_of_their_own() -> None:
    found: list[SharpnessMeasured] = []
    landscape = {"enabled": True, "every": 1}
    with Telemetry("never", config={"profile": "minimal", "loss_landscape": landscape}) as telemetry:
        telemetry.stream.pipe(only(SharpnessMeasured)).subscribe(lambda event: found.append(event.payload))
        train(Settings(policy="never", envs=1, episodes=2, epochs=1), telemetry)
    first, second = found
    assert (first.loss, first.sam) == (second.loss, second.sam)
    assert first.sharpness != second.sharpness
