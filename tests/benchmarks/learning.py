"""What did PPO learn in a study, and how? `python -m tests.benchmarks.learning DIR`, the folder of a study's runs.

Rewards come from its logs. For the gradients, each policy learns again from the decisions that its log holds, which
must give the recorded updates to the last digit.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from unittest.mock import patch

import torch
from torch import Tensor

from nissa.events.kinds import DecisionMade, EpisodeEnded, HostBaselineMeasured, PolicyUpdated, RunStarted
from nissa.operators.statistics import t_interval
from nissa.pipeline.sources import Reading, read_log
from nissa.trainer.policy import PPO, ActorCritic, Transition, ppo, ppo_loss
from nissa.trainer.policy.decision import Decision
from nissa.trainer.policy.rollout import Batch

__all__ = ["run"]

_ENDS = 3
"""Rounds at the beginning, and at the end, that are compared."""
_shipped = ppo_loss.ppo_loss


@dataclass(slots=True)
class _Lesson:
    """The run in which a policy learned, by round."""

    seed: int = 0
    rewards: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    gains: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    twins: dict[object, float] = field(default_factory=dict)
    rollouts: defaultdict[int, defaultdict[object, list[Transition]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    updates: list[PolicyUpdated] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)


def run(folder: Path) -> None:
    """Every run in which PPO learned, below a folder; intervals are Student's t over them."""
    torch.set_num_threads(1)
    lessons = [_read(path) for path in sorted(folder.rglob("study-ppo-seed*-training"))]
    for lesson in lessons:
        _learn_again(lesson)
    rounds = len(lessons[0].updates)
    print(f"\nPPO, {len(lessons)} seeds, {rounds} rounds; the first {_ENDS} rounds and the last {_ENDS}")
    _course("reward of an episode", [[*map(fmean, lesson.rewards.values())] for lesson in lessons])
    _course("kept accuracy minus the twin's, points", [[*map(fmean, lesson.gains.values())] for lesson in lessons])
    _course("explained variance", [[u.explained_variance or 0.0 for u in lesson.updates] for lesson in lessons])
    _say("approx_kl of an update", [fmean(u.approx_kl or 0.0 for u in lesson.updates) for lesson in lessons])
    _say("clip fraction, %", [100 * fmean(u.clip_fraction or 0.0 for u in lesson.updates) for lesson in lessons])
    _say("updates that stopped early, %", [100 * fmean(bool(u.early_stopped) for u in x.updates) for x in lessons])
    clipped = [100 * fmean(norm > ppo.MAX_GRAD_NORM for norm in lesson.norms) for lesson in lessons]
    _say("minibatches whose gradient is clipped, %", clipped)
    _say("value's gradient / policy's, median", [median(lesson.ratios) for lesson in lessons])


def _read(path: Path) -> _Lesson:
    found = _Lesson()
    for event in read_log(path, Reading()):
        told, env, number = event.payload, event.scope.env, event.scope.episode or 0
        if isinstance(told, RunStarted):
            found.seed = told.base_seed or 0
        elif isinstance(told, HostBaselineMeasured):
            found.twins[env] = told.final_accuracy or 0.0
        elif isinstance(told, DecisionMade):
            found.rollouts[number][env].append(_transition(told))
        elif isinstance(told, EpisodeEnded):
            found.rewards[number].append(told.total_reward or 0.0)
            found.gains[number].append((told.kept_accuracy or 0.0) - found.twins[env])
        elif isinstance(told, PolicyUpdated):
            found.updates.append(told)
    return found


def _transition(told: DecisionMade) -> Transition:
    heuristic = told.heuristic or told.action
    seen = Decision(
        observation=told.observation or [], action=told.action, heuristic=heuristic, heads=told.heads, value=told.value
    )
    return Transition(seen, told.reward or 0.0)


def _learn_again(lesson: _Lesson) -> None:
    """Note the gradients on the way. Raises AssertionError where an update is not the recorded one."""

    def noted(network: ActorCritic, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        loss, figures = _shipped(network, batch)
        with patch.object(ppo_loss, "VALUE_WEIGHT", 0.0):
            acting, _ = _shipped(network, batch)
        whole, policy = _gradient(network, loss), _gradient(network, acting)
        lesson.norms.append(whole.norm().item())
        lesson.ratios.append(((whole - policy).norm() / policy.norm()).item())
        return loss, figures

    policy = PPO(lesson.seed)
    with patch.object(ppo, "ppo_loss", noted):
        for number, recorded in enumerate(lesson.updates):
            updated, _ = policy.learn(list(lesson.rollouts[number].values()))
            assert updated == recorded, f"update {number} of seed {lesson.seed} is not the one in the log"


def _gradient(network: ActorCritic, loss: Tensor) -> Tensor:
    parts = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)
    return torch.cat([part.flatten() for part in parts])


def _course(name: str, courses: Sequence[Sequence[float]]) -> None:
    first, last = [fmean(c[:_ENDS]) for c in courses], [fmean(c[-_ENDS:]) for c in courses]
    change = [after - before for before, after in zip(first, last, strict=True)]
    print(f"  {name:<42} {_mean(first)} -> {_mean(last)}, change {_mean(change)}")


def _say(name: str, values: Sequence[float]) -> None:
    print(f"  {name:<42} {_mean(values)}")


def _mean(values: Sequence[float]) -> str:
    mean, low, high = t_interval(values)
    return f"{mean:.3g} ({low:.3g} to {high:.3g})" if low is not None else f"{mean:.3g}"


if __name__ == "__main__":
    run(Path(sys.argv[1]))
