"""One seed of a study: hosts alone, and every group trained and judged. It needs nothing of other seeds."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.run import new_policy, train
from nissa.trainer.settings import Settings
from nissa.trainer.study.hosts import Alone, size_curves, train_hosts, twins_among
from nissa.trainer.study.judge import Verdict, judge
from nissa.trainer.study.outcome import Outcome, alone, grown, mean_outcome
from nissa.trainer.study.settings import HOST, StudySettings

__all__ = ["Repetition", "repeat"]


class Repetition(NamedTuple):
    """By group the mean over its episodes, and the Shapley values of its seeds by blueprint; and all hosts alone."""

    outcomes: dict[str, Outcome]
    shapley: dict[str, dict[str, list[float]]]
    hosts: list[Alone]


def repeat(study: StudySettings, seed: int, out: Path | None) -> Repetition:
    """Train and judge, each run under `out` in a folder of its own name, if given.

    Raises OSError if that cannot be written, FileExistsError if there is one.
    """
    with _telemetry(f"study-hosts-seed{seed}", out) as telemetry:
        hosts = train_hosts(_settings(study, seed, policy=HOST), telemetry)
    curves, twins = size_curves(hosts), twins_among(hosts)
    found = Repetition({HOST: mean_outcome([alone(twin) for twin in twins.values()])}, {}, hosts)
    for group, how in study.groups().items():
        episodes, shapley = _judge(_settings(study, seed, **how), study, seed, out)
        found.outcomes[group] = mean_outcome([grown(one, twins[one.env], curves) for one in episodes])
        found.shapley[group] = shapley
    return found


def _judge(settings: Settings, study: StudySettings, seed: int, out: Path | None) -> Verdict:
    name = f"study-{settings.group}-seed{seed}"
    before = replace(settings, episodes=study.episodes, seed=study.training_seed(seed))
    policy, trained_in = new_policy(before), None
    if settings.policy == "ppo":
        trained_in = f"{name}-training"
        with _telemetry(trained_in, out) as telemetry:
            train(before, telemetry, policy=policy)
    with _telemetry(name, out) as telemetry:
        return judge(policy, settings, telemetry, trained_in)


def _settings(study: StudySettings, seed: int, **how: Any) -> Settings:
    """Of the environments in which everything is judged."""
    return Settings(envs=study.envs, episodes=study.judged, epochs=study.epochs, seed=study.judged_seed(seed), **how)


def _telemetry(run: str, out: Path | None) -> Telemetry:
    return Telemetry(run, out=out and out / run, console=False)
