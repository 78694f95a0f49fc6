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

__all__ = ["Settings", "new_policy", "run_round", "train"]


def train(
    settings: Settings,
    telemetry: Telemetry,
    out: Path | None = None,
    policy: Policy | None = None,
    again: Again = Again(),  # noqa: B008  # frozen
) -> History:
    """Train every environment for every episode, side by side, and return what came of it.

    A policy that is given goes on from where it stands. Initial weights are kept under `out`, if given; raises OSError
    if they cannot be. Whatever becomes of the telemetry, the numbers of the training are the same. `again` says what a
    run that is trained again takes over from the first time.
    """
    seed_everything(settings.seed)
    telemetry.emit(run_started(settings))
    policy = policy or new_policy(settings)
    envs = [Environment(i, settings, policy, telemetry, out=out, again=again) for i in range(settings.envs)]
    records = []
    for number in range(again.episodes(settings.episodes)):
        if isinstance(policy, PPO):
            corrupt_policy(settings.injections, number, policy.network)
        last = again.last_epoch(number, settings.epochs)
        episodes = run_round(envs, number, last)
        if last < settings.epochs:
            break
        records += [episode.end() for episode in episodes]
        if isinstance(policy, PPO) and settings.policy == "ppo":
            _learn(policy, episodes, settings, telemetry)
    trained = [env.model for env in envs] + ([policy.network] if isinstance(policy, PPO) else [])
    return History(episodes=records, twins=[env.twin for env in envs], weights_digest=weights_digest(trained))


def new_policy(settings: Settings) -> Policy:
    """The policy of that name, before its first decision."""
    rules: dict[str, Policy] = {"heuristic": decide_by_rule, "never": never}
    return rules.get(settings.policy) or PPO(settings.seed, diagnostics=settings.diagnostics)


def run_round(envs: Sequence[Environment], number: int, epochs: int) -> list[Episode]:
    """Episode `number` of every environment, side by side, up to its last epoch."""
    episodes = [env.start(number) for env in envs]
    for epoch in range(1, epochs + 1):
        for episode in episodes:
            episode.run_epoch(epoch)
    return episodes


def _learn(policy: PPO, episodes: Sequence[Episode], settings: Settings, telemetry: Telemetry) -> None:
    """Update the policy from a round of episodes, and score their decisions."""
    clock, group = Phases(), telemetry.scope(group=settings.group)
    with clock("update"):
        updated, scores = policy.learn([episode.transitions for episode in episodes])
        if settings.blueprint_prior:
            policy.prefer(fate for episode in episodes for fate in episode.growth.fates())
    group.emit(updated)
    group.emit(PhaseTimed(durations=clock.take()))
    for episode, scored in zip(episodes, scores, strict=True):
        episode.emitter.bind(epoch=None).emit(scored)
