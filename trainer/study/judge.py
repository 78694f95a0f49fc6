"""How good is what a policy grows? Episodes in environments that it has not trained in, on images that nobody saw."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import SeedsAttributed
from nissa.operators.fold import only
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.context import run_started, seed_everything
from nissa.trainer.data import load_held_out
from nissa.trainer.environment import Environment
from nissa.trainer.policy import Policy
from nissa.trainer.run import run_round
from nissa.trainer.settings import Settings
from nissa.trainer.training import EpisodeRecord, Measured, measure

__all__ = ["Judged", "Verdict", "judge"]


class Judged(NamedTuple):
    """An episode of a policy that learns no more: two networks on validation images, and the one kept on held out
    ones, as accuracy in percent."""

    env: int
    kept: Measured
    final: Measured
    held_out: float


class Verdict(NamedTuple):
    """All episodes of a group, and by blueprint the Shapley values of their seeds, in percentage points.

    A value is that in the trained network after the last epoch.
    """

    episodes: list[Judged]
    shapley: dict[str, list[float]]


def judge(policy: Policy, settings: Settings, telemetry: Telemetry, trained_in: str | None = None) -> Verdict:
    """Let a policy decide in every environment of the settings, for every episode, and learn nothing from it.

    `trained_in` is the run in which it learned what it knows.
    """
    shapley = dict[str, list[float]]()
    telemetry.stream.pipe(only(SeedsAttributed)).subscribe(lambda event: _collect(event, settings.epochs, shapley))
    seed_everything(settings.seed)
    started, learned = run_started(settings), {"trained_in": trained_in} if trained_in else {}
    telemetry.emit(replace(started, hyperparameters=started.hyperparameters | learned))
    return Verdict([*_episodes(policy, settings, telemetry)], shapley)


def _episodes(policy: Policy, settings: Settings, telemetry: Telemetry) -> Iterator[Judged]:
    envs = [Environment(i, settings, policy, telemetry) for i in range(settings.envs)]
    for number in range(settings.episodes):
        for env, episode in zip(envs, run_round(envs, number, settings.epochs), strict=True):
            yield _judged(episode.end(), measure(env.model, *load_held_out()).accuracy)


def _judged(record: EpisodeRecord, held_out: float) -> Judged:
    if record.kept is None:
        raise ValueError(f"episode {record.episode} of environment {record.env} has not ended")
    return Judged(record.env, record.kept, record.final, held_out)


def _collect(event: Event[Any], epochs: int, shapley: dict[str, list[float]]) -> None:
    for seed in event.payload.seeds if event.scope.epoch == epochs else ():
        if seed.shapley is not None and seed.blueprint is not None:
            shapley.setdefault(seed.blueprint, []).append(seed.shapley)
