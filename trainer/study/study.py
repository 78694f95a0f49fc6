"""Is it worth growing? PPO and the heuristic against the host trained alone, over several seeds."""

from collections.abc import Callable
from dataclasses import dataclass, fields

from nissa.operators.statistics import Interval, t_interval
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.run import train
from nissa.trainer.settings import Settings
from nissa.trainer.study.outcome import Outcome, alone, grown, mean_outcome
from nissa.trainer.training import History

__all__ = ["StudyReport", "StudySettings", "run_study"]

_SEEDS_APART = 1000


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """`seeds` repetitions; in each, PPO trains `episodes` rounds in `envs` environments and the last `judged` count.

    Raises ValueError, naming the value and what is allowed.
    """

    seeds: int = 5
    envs: int = 4
    episodes: int = 12
    judged: int = 3
    epochs: int = 45

    def __post_init__(self) -> None:
        for field in fields(self):
            if (value := getattr(self, field.name)) < 1:
                raise ValueError(f"{field.name} must be at least 1, not {value}")
        if self.judged > self.episodes:
            raise ValueError(f"judged must be at most {self.episodes}, the number of episodes, not {self.judged}")


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    """What came of a study, whichever way it fell: by group and figure of `Outcome`, over the means of each seed."""

    settings: StudySettings
    groups: dict[str, dict[str, Interval]]


def run_study(settings: StudySettings, telemetry: Callable[[str], Telemetry]) -> StudyReport:
    """Train PPO and the heuristic on each seed, each in a run of its own with `telemetry(name of the run)`.

    "never" is the host twins. The heuristic draws nothing, so one episode in each environment says all.
    """
    found: dict[str, list[Outcome]] = {"ppo": [], "heuristic": [], "never": []}
    for seed in range(settings.seeds):
        for group, episodes in (("ppo", settings.episodes), ("heuristic", 1)):
            with telemetry(f"study-{group}-seed{seed}") as run:
                history = train(_settings(settings, group, episodes, seed), run)
            found[group].append(_judge(history, first=episodes - settings.judged))
        found["never"].append(mean_outcome([alone(twin) for twin in history.twins]))
    return StudyReport(settings=settings, groups={group: _intervals(outcomes) for group, outcomes in found.items()})


def _settings(study: StudySettings, group: str, episodes: int, seed: int) -> Settings:
    return Settings(policy=group, envs=study.envs, episodes=episodes, epochs=study.epochs, seed=seed * _SEEDS_APART)


def _judge(history: History, first: int) -> Outcome:
    judged = [record for record in history.episodes if record.episode >= first]
    return mean_outcome([grown(record, history.twins[record.env]) for record in judged])


def _intervals(outcomes: list[Outcome]) -> dict[str, Interval]:
    return {field.name: t_interval([getattr(o, field.name) for o in outcomes]) for field in fields(Outcome)}
