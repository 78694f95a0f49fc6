"""Stable-Baselines3's own algorithms with the callback: one line, the same training, the same alerts as by hand."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback

from nissa import Telemetry
from nissa.events import (
    EpisodeEnded,
    EpisodeStarted,
    GradientsMeasured,
    PolicyUpdated,
    RunEnded,
    RunStarted,
    ScalarsLogged,
)
from nissa.integrations import StableBaselines3Callback
from nissa.operators.policy.figures import normalized_entropy
from tests.integrations.told import alerts, bits, events, metrics, payloads, whole

pytestmark = pytest.mark.deep

STEPS, ROLLOUT = 640, 64


class Game(gymnasium.Env[Any, Any]):
    """Guess what is seen: a point for each part of the action that is right. An episode has nine steps."""

    def __init__(self, actions: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = spaces.Box(-1, 1, (3,)), actions

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        reward = float(np.mean(np.asarray(action) == (self.seen[0] > 0)))
        return self._seen(), reward, self.steps == 9, False, {}

    def _seen(self) -> Any:
        self.seen = self.np_random.uniform(-1, 1, 3).astype(np.float32)
        return self.seen


def leaping(progress: float) -> float:
    """The usual step size, and in one update near the end a thousand times as much."""
    return 0.3 if 0.19 < progress < 0.21 else 3e-4


def trained(callback: Any, algorithm: Any = PPO, actions: Any = None, **how: Any) -> Any:
    options = {"n_steps": ROLLOUT, "seed": 3, "device": "cpu"} | how
    model = algorithm("MlpPolicy", Game(actions or spaces.Discrete(2)), **options)
    return model.learn(STEPS, callback=callback)


class ByHand(BaseCallback):  # type: ignore[misc]
    """What a user would write who knows Nissa's events."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__()
        self.told, self.update = telemetry.scope(group="ppo"), -1

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.update >= 0:
            logged = self.logger.name_to_value
            rows = {"policy_loss": "policy_gradient_loss"} | {
                name: name for name in ("value_loss", "approx_kl", "clip_fraction", "explained_variance")
            }
            figures: dict[str, Any] = {field: float(logged[f"train/{name}"]) for field, name in rows.items()}
            self.told.emit(PolicyUpdated(update=self.update, **figures))
        self.update += 1

    _on_training_end = _on_rollout_start


@pytest.mark.parametrize("algorithm", [PPO, A2C])
def test_a_training_is_bit_for_bit_the_same_with_the_callback(algorithm: Any, tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run", config="research") as telemetry:
        model = trained(StableBaselines3Callback(telemetry), algorithm)
        assert not telemetry.state().faults
    assert bits(model.policy) == bits(trained(None, algorithm).policy)


def test_the_alerts_are_those_of_an_embedding_by_hand(tmp_path: Path) -> None:
    trained(StableBaselines3Callback(tmp_path / "callback"), learning_rate=leaping)
    with Telemetry(out=tmp_path / "hand") as telemetry:
        trained(ByHand(telemetry), learning_rate=leaping)
    found = [alert for alert in alerts(tmp_path / "callback") if alert[3] is not None]
    assert {"kl_spike", "clip_fraction_spike"} <= {alert[0] for alert in found}
    assert [alert for alert in found if alert[1] in {"approx_kl", "clip_fraction"}] == alerts(tmp_path / "hand")


class Listening(BaseCallback):  # type: ignore[misc]
    """Values, returns and chances of a rollout, by the policy's own means."""

    def __init__(self) -> None:
        super().__init__()
        self.rollouts: list[dict[str, Any]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        rollout = self.model.rollout_buffer
        row = {"values": rollout.values.copy(), "returns": rollout.returns.copy(), "entropy": 0.0, "mean": 0.0}
        for seen in rollout.observations:
            p = self.model.policy.get_distribution(torch.as_tensor(seen)).distribution.probs[0].detach().numpy()
            row["entropy"] += float(-(p * np.log(p)).sum())
            row["mean"] += p / len(rollout.observations)
        self.rollouts.append(row)


def test_an_update_tells_what_logger_rollout_policy_and_gradients_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = metrics_without(tmp_path / "without")
    norms, clip = list[float](), torch.nn.utils.clip_grad_norm_

    def clipping(parameters: Any, limit: float) -> Any:
        norms.append(float(clip(parameters, limit)))

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", clipping)
    listening = Listening()
    model = trained([StableBaselines3Callback(tmp_path / "run"), listening], max_grad_norm=0.01)
    updates = payloads(tmp_path / "run", PolicyUpdated)
    assert [update.update for update in updates] == list(range(STEPS // ROLLOUT))
    logged = model.logger.name_to_value
    assert updates[-1].approx_kl == float(logged["train/approx_kl"])
    assert updates[-1].entropy == -float(logged["train/entropy_loss"])
    assert updates[-1].policy_loss == float(logged["train/policy_gradient_loss"])
    for update, row, own in zip(updates, listening.rollouts, np.split(np.array(norms), len(updates)), strict=True):
        assert update.decisions == ROLLOUT
        assert update.grad_norm == pytest.approx(own.mean(), rel=1e-5)
        assert update.value_mean == pytest.approx(row["values"].mean(), rel=1e-5)
        assert update.return_std == pytest.approx(row["returns"].std(), rel=1e-5)
        head = update.heads["action"]
        assert head.entropy == pytest.approx(row["entropy"], rel=1e-5)
        assert head.log_valid == pytest.approx(ROLLOUT * np.log(2))
        assert head.mean_policy_entropy == pytest.approx(-(row["mean"] * np.log(row["mean"])).sum(), rel=1e-5)
    assert [look.batch for look in payloads(tmp_path / "run", GradientsMeasured)] == [0] * len(updates)
    assert len(metrics(tmp_path / "run")) > len(before) + 20


def test_what_the_logger_writes_is_told_by_name(tmp_path: Path) -> None:
    model = trained(StableBaselines3Callback(tmp_path / "run"))
    told = [row for row in payloads(tmp_path / "run", ScalarsLogged) if "time/fps" in row.values]
    assert [row.step for row in told] == list(range(ROLLOUT, STEPS + 1, ROLLOUT))
    assert {"rollout/ep_rew_mean", "train/loss", "train/clip_range", "time/fps"} <= told[-1].values.keys()
    assert told[-1].values["rollout/ep_len_mean"] == 9
    assert len(model.logger.output_formats) == 0


def metrics_without(run: Path) -> set[str]:
    with Telemetry(out=run):
        pass
    return metrics(run)


def test_episodes_are_told_with_their_reward_and_the_run_ends_with_the_training(tmp_path: Path) -> None:
    model = trained(StableBaselines3Callback(tmp_path / "run"))
    ended = payloads(tmp_path / "run", EpisodeEnded)
    assert [episode.total_reward for episode in ended] == [info["r"] for info in model.ep_info_buffer]
    assert {episode.epochs for episode in ended} == {None}
    scalars = payloads(tmp_path / "run", ScalarsLogged)
    lengths = [(row.step, row.values["episode_length"]) for row in scalars if "episode_length" in row.values]
    assert lengths == [(9 * at, 9) for at in range(1, len(ended) + 1)]
    assert len(ended) == STEPS // 9
    assert len(payloads(tmp_path / "run", EpisodeStarted)) == len(ended) + 1
    (started,), (end,) = payloads(tmp_path / "run", RunStarted), payloads(tmp_path / "run", RunEnded)
    assert started.hyperparameters["gamma"] == 0.99
    assert end.outcome == "completed"


@pytest.mark.parametrize(
    ("actions", "sizes"),
    [
        (spaces.MultiDiscrete([3, 4]), {"action 0": 3, "action 1": 4}),
        (spaces.MultiBinary(3), {"action 0": 2, "action 1": 2, "action 2": 2}),
        (spaces.Box(-1, 1, (2,)), {}),
    ],
)
def test_each_factor_of_the_action_is_a_head(actions: Any, sizes: dict[str, int], tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run") as telemetry:
        trained(StableBaselines3Callback(telemetry), actions=actions)
        assert not telemetry.state().faults
    first = payloads(tmp_path / "run", PolicyUpdated)[0]
    assert {head: round(np.exp(row.log_valid / row.decisions)) for head, row in first.heads.items()} == sizes
    # A policy that has not learned yet hardly prefers anything.
    assert all((normalized_entropy(row) or 0) > 0.99 for row in first.heads.values())
    assert first.entropy is not None


def test_a_second_training_goes_on_in_the_same_run(tmp_path: Path) -> None:
    callback = StableBaselines3Callback(tmp_path / "run")
    model = trained(callback)
    model.learn(STEPS, callback=callback, reset_num_timesteps=False)
    numbers = [event.scope.episode for event in events(tmp_path / "run") if isinstance(event.payload, EpisodeStarted)]
    assert numbers == list(range(len(numbers)))
    assert [update.update for update in payloads(tmp_path / "run", PolicyUpdated)] == list(range(2 * STEPS // ROLLOUT))


class Interrupting(BaseCallback):  # type: ignore[misc]
    """Ctrl-C in the third rollout."""

    def _on_step(self) -> bool:
        if self.num_timesteps == 2 * ROLLOUT + 5:
            raise KeyboardInterrupt
        return True


def test_a_training_after_an_interrupted_one_is_looked_at_once(tmp_path: Path) -> None:
    callback = StableBaselines3Callback(tmp_path / "run")
    model = PPO("MlpPolicy", Game(spaces.Discrete(2)), n_steps=ROLLOUT, seed=3, device="cpu")
    with pytest.raises(KeyboardInterrupt):
        model.learn(STEPS, callback=[callback, Interrupting()])
    model.learn(STEPS, callback=callback)
    assert all(not p._post_accumulate_grad_hooks for p in model.policy.parameters())
    assert payloads(tmp_path / "run", RunEnded)[0].outcome == "completed"


def test_steps_without_a_rollout_are_not_gathered(tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run") as telemetry:
        callback = StableBaselines3Callback(telemetry)
        model = PPO("MlpPolicy", Game(spaces.Discrete(2)), n_steps=ROLLOUT, seed=3, device="cpu")
        with pytest.raises(KeyboardInterrupt):
            model.learn(STEPS, callback=[callback, Interrupting()])
        before = len(callback._updates._norms)  # type: ignore[union-attr]
        model.learn(STEPS)
        assert len(callback._updates._norms) == before  # type: ignore[union-attr]


def test_a_logger_that_was_emptied_is_no_fault(tmp_path: Path) -> None:
    class Emptying(BaseCallback):  # type: ignore[misc]
        def _on_step(self) -> bool:
            self.logger.output_formats.clear()
            return True

    trained([StableBaselines3Callback(tmp_path / "run"), Emptying()])
    assert payloads(tmp_path / "run", RunEnded)[0].outcome == "completed"


def test_what_cannot_be_told_of_an_algorithm_is_a_fault_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nissa.integrations.stable_baselines3.Watch", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("nissa.integrations.stable_baselines3._settings", lambda _: 1 / 0)
    with Telemetry(out=tmp_path / "run") as telemetry:
        with_it = trained(StableBaselines3Callback(telemetry))
        assert telemetry.state().faults == {"integration": 1, "probe run_started": 1}
    assert bits(with_it.policy) == bits(trained(None).policy)


def test_a_directory_that_holds_a_run_is_refused_before_the_first_step(tmp_path: Path) -> None:
    trained(StableBaselines3Callback(tmp_path / "run"))
    before = whole(tmp_path / "run")
    model = PPO("MlpPolicy", Game(spaces.Discrete(2)), n_steps=ROLLOUT, seed=3, device="cpu")
    with pytest.raises(FileExistsError, match="run holds a run"):
        model.learn(STEPS, callback=StableBaselines3Callback(tmp_path / "run"))
    assert model.num_timesteps == 0
    assert model.learn(STEPS).num_timesteps == STEPS
    assert whole(tmp_path / "run") == before


def test_what_learns_from_a_replay_tells_its_episodes(tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run") as telemetry:
        model = DQN("MlpPolicy", Game(spaces.Discrete(2)), learning_starts=50, seed=3, device="cpu")
        model.learn(200, callback=StableBaselines3Callback(telemetry))
        assert not telemetry.state().faults
    assert len(payloads(tmp_path / "run", EpisodeEnded)) == 200 // 9
    assert payloads(tmp_path / "run", PolicyUpdated) == []
