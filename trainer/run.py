"""The reference trainer: train networks that grow, and tell Nissa what happens. One screen shows how.

>>> from nissa.pipeline.telemetry import Telemetry
>>> with Telemetry("doctest") as telemetry:
...     history = train(Settings(policy="heuristic", envs=1, episodes=1, epochs=2), telemetry)
>>> len(history.episodes[0].rewards)
2
"""

from collections.abc import Sequence
from pathlib import Path

from nissa.events.kinds import PhaseTimed
from nissa.pipeline.probes import Phases
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.again import Again
from nissa.trainer.context import run_started, seed_everything
from nissa.trainer.environment import Environment
from nissa.trainer.episode import Episode
from nissa.trainer.faults import corrupt_policy
from nissa.trainer.policy import PPO, Policy, decide_by_rule, never
from nissa.trainer.settings import Settings
from nissa.trainer.training import History, weights_digest

__all__ = ["Settings", "train"]


def train(
    settings: Settings,
    telemetry: Telemetry,
    out: Path | None = None,
    again: Again = Again(),  # noqa: B008  # frozen
) -> History:
    """Train every environment for every episode, side by side, and return what came of it.

    The policy's name is the group. Initial weights are kept under `out`, if given; raises OSError if they cannot be.
    Whatever becomes of the telemetry, the numbers of the training are the same. `again` says what a run that is trained
    again takes over from the first time.
    """
    seed_everything(settings.seed)
    telemetry.emit(run_started(settings))
    policy = _policy(settings)
    envs = [Environment(i, settings, policy, telemetry, out=out, again=again) for i in range(settings.envs)]
    records = []
    for number in range(again.episodes(settings.episodes)):
        if isinstance(policy, PPO):
            corrupt_policy(settings.injections, number, policy.network)
        episodes = [env.start(number) for env in envs]
        last = again.last_epoch(number, settings.epochs)
        for epoch in range(1, last + 1):
            for episode in episodes:
                episode.run_epoch(epoch)
        if last < settings.epochs:
            break
        records += [episode.end() for episode in episodes]
        if isinstance(policy, PPO):
            _learn(policy, episodes, telemetry)
    trained = [env.model for env in envs] + ([policy.network] if isinstance(policy, PPO) else [])
    return History(episodes=records, twins=[env.twin for env in envs], weights_digest=weights_digest(trained))


def _policy(settings: Settings) -> Policy:
    rules: dict[str, Policy] = {"heuristic": decide_by_rule, "never": never}
    return rules.get(settings.policy) or PPO(settings.seed)


def _learn(policy: PPO, episodes: Sequence[Episode], telemetry: Telemetry) -> None:
    """Update the policy from a round of episodes, and score their decisions."""
    clock, group = Phases(), telemetry.scope(group="ppo")
    with clock("update"):
        updated, scores = policy.learn([episode.transitions for episode in episodes])
    group.emit(updated)
    group.emit(PhaseTimed(durations=clock.take()))
    for episode, scored in zip(episodes, scores, strict=True):
        episode.emitter.bind(epoch=None).emit(scored)
