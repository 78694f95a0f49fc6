"""Stable-Baselines3: a callback that tells episodes, updates of the policy, and what the logger has.

The health of the policy, its entropies and its gradients are told of on-policy algorithms, such as PPO and A2C.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter

from nissa.events.kinds import EpisodeEnded, EpisodeStarted
from nissa.integrations.numbers import numbers
from nissa.integrations.policy_updates import PolicyUpdates
from nissa.integrations.trainer_run import TrainerRun
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes import Watch
from nissa.pipeline.telemetry import Telemetry

__all__ = ["StableBaselines3Callback"]


class _Writer(KVWriter):  # type: ignore[misc]
    """Tells what the logger writes, when it does."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        self._emitter.log(numbers(key_values), step=step)

    def close(self) -> None:
        """There is nothing to close."""


class StableBaselines3Callback(BaseCallback):  # type: ignore[misc]
    """`model.learn(..., callback=StableBaselines3Callback("runs/mine"))`, or with a `Telemetry` in place of the path.

    Raises TypeError if `run` is neither; a directory that holds a run is refused when the training begins. Episodes are
    those that a `Monitor` tells of, with which Stable-Baselines3 wraps environments by itself.
    """

    def __init__(self, run: Telemetry | Path | str) -> None:
        super().__init__()
        self._run = TrainerRun(run)
        self._envs: list[Emitter] = []
        self._updates: PolicyUpdates | None = None
        self._updated = 0
        self._formats: list[KVWriter] = []
        self._writer: _Writer | None = None

    def _on_training_start(self) -> None:
        model = self.model
        telemetry = self._run.begin(
            lambda: {"hyperparameters": _settings(model), "n_envs": model.n_envs, "task_type": "rl"}
        )
        # An interrupted training has not ended: its hooks are still there.
        self._run.attempt(self._leave)
        self._run.attempt(self._announce, telemetry, model)

    def _announce(self, telemetry: Telemetry, model: Any) -> None:
        name = type(model).__name__.lower()
        group = telemetry.scope(group=name)
        if hasattr(model, "rollout_buffer"):
            watch = Watch(telemetry, model.policy, emitter=group.bind())
            self._updates = PolicyUpdates(model, group, watch, self._updated)
        self._writer, self._formats = _Writer(group), self.logger.output_formats
        self._formats.append(self._writer)
        # A second training begins new episodes, behind those of the first.
        before = [env.scope.episode for env in self._envs] or [None] * model.n_envs
        self._envs = [group.bind(env=env, episode=episode) for env, episode in enumerate(before)]
        for env in self._envs:
            _begin(env, name)

    def _on_step(self) -> bool:
        self._run.attempt(self._episodes, self.locals.get("infos", ()))
        return True

    def _on_rollout_start(self) -> None:
        if self._updates:
            self._run.attempt(self._updates.updated)

    def _on_rollout_end(self) -> None:
        if self._updates:
            self._run.attempt(self._updates.rolled_out)

    def _on_training_end(self) -> None:
        if self._updates:
            self._run.attempt(self._updates.updated)
        self._run.attempt(self._leave)
        self._run.end()

    def _leave(self) -> None:
        if self._updates:
            self._updated, self._updates = self._updates.leave(), None
        # Another callback may have taken it away.
        with suppress(ValueError):
            self._formats.remove(self._writer)

    def _episodes(self, infos: Any) -> None:
        for env, info in zip(self._envs, infos, strict=False):
            if episode := info.get("episode"):
                # Its length is in steps: `epochs` are something else.
                env.log({"episode_length": int(episode["l"])}, step=self.num_timesteps)
                env.emit(EpisodeEnded(outcome="completed", total_reward=float(episode["r"])))
                _begin(env, type(self.model).__name__.lower())


def _begin(env: Emitter, policy: str) -> None:
    at = env.scope.episode
    env.move(episode=0 if at is None else at + 1)
    env.emit(EpisodeStarted(policy=policy))


def _settings(model: Any) -> dict[str, Any]:
    """What the algorithm was made with, as far as it is plain."""
    plain = int | float | str | bool
    return {name: v for name, v in vars(model).items() if isinstance(v, plain) and not name.startswith("_")}
