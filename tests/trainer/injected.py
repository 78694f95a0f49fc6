"""Trainings with injected faults in them, and what was noticed: which alert, where, and how many observations late."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised, BatchCompleted, PolicyUpdated, StageChanged
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.faults.injection import Injection
from nissa.trainer.faults.sabotage import BATCH
from nissa.trainer.run import Settings, train

__all__ = [
    "ALERTS",
    "BATCHES",
    "CRITIC",
    "ENTROPY",
    "FAULTY",
    "FOLLOWS",
    "GROWING",
    "LATEST",
    "LEARNING",
    "OVERFLOW",
    "TRAINING",
    "alerts",
    "at",
    "delay",
    "recorded",
]

BATCHES = 17
"""Batches of an epoch."""
ALERTS = {
    "loss_spike": ("loss_spike", "loss"),
    "nan": ("non_finite", "loss"),
    "seed_overflow": ("non_finite", "outputs of late"),
    "gradient_explosion": ("gradient_explosion", "host"),
    "accuracy_drop": ("accuracy_drop", "val_accuracy"),
    "entropy_collapse": ("entropy_collapse", "op"),
    "value_collapse": ("value_collapse", None),
}
"""Alert and subject by which each fault is found."""
FOLLOWS: Mapping[str, set[str]] = {
    "nan": {"accuracy_drop"},  # no weight is a number any more
    "accuracy_drop": {"loss_spike"},  # the first batch of the next epoch meets the zeroed layer
    "entropy_collapse": {"policy_unmoved"},  # a policy so sure has no gradient
}
"""Other alerts that follow from a fault."""
LATEST = {"entropy_collapse": 4, "value_collapse": 2}
"""Updates after the first one with the fault; all other faults are found at once, see docs/detectors.md."""

TRAINING: Mapping[str, Any] = {"policy": "heuristic", "envs": 2, "episodes": 2, "epochs": 16}
"""Four places for the four faults of the training; under the heuristic, environments have nothing in common."""
LEARNING: Mapping[str, Any] = {"policy": "ppo", "envs": 1, "episodes": 18, "epochs": 6}
"""Small episodes, but more updates than the rules for policies need to warm up."""
FAULTY = [
    Injection("loss_spike", 0, 0, 12),
    Injection("nan", 1, 0, 12),
    Injection("gradient_explosion", 0, 1, 12),
    Injection("accuracy_drop", 1, 1, 12),
]
"""One fault for each of its places."""
GROWING: Mapping[str, Any] = {"policy": "heuristic", "envs": 1, "episodes": 1, "epochs": 45}
"""Long enough for the heuristic to grow its first seed, near the output."""
OVERFLOW = Injection("seed_overflow", 0, 0, 2)
"""It waits for that seed to train in isolation."""
ENTROPY, CRITIC = Injection("entropy_collapse", None, 12, None), Injection("value_collapse", None, 12, None)
"""The faults of the policy, one for each run."""


def recorded(*injections: Injection, **settings: Any) -> list[Event[Any]]:
    """Every event of a training, what was derived included."""
    events: list[Event[Any]] = []
    with Telemetry("injected", sinks={"keep": events.append}) as telemetry:
        train(Settings(**settings, injections=injections), telemetry)
    return events


def alerts(events: Sequence[Event[Any]]) -> Iterator[Event[AlertRaised]]:
    """All that were raised but for marks, in order."""
    return (e for e in events if isinstance(e.payload, AlertRaised) and e.payload.severity != "info")


def at(injection: Injection, events: Sequence[Event[Any]]) -> list[Event[AlertRaised]]:
    """The alerts in the episode that was struck; those of the policy, for a fault of it."""
    place = (injection.env, None if injection.env is None else injection.episode)
    return [e for e in alerts(events) if (e.scope.env, e.scope.episode) == place]


def delay(injection: Injection, alert: Event[AlertRaised], events: Sequence[Event[Any]]) -> int:
    """Batches (for a fault of the policy, updates) after the first one that was struck; negative before it."""
    last = [e for e in events if e.seq <= alert.seq and _observed(injection, e)][-1]
    if injection.env is None:
        return int(last.payload.update) - injection.episode
    struck = BATCHES - 1 if injection.fault == "accuracy_drop" else BATCH
    epoch = _trains(events) if injection.fault == "seed_overflow" else injection.epoch or 0
    return BATCHES * ((last.scope.epoch or 0) - epoch) + int(last.payload.batch) - struck


def _trains(events: Sequence[Event[Any]]) -> int:
    """The first epoch in which a seed trains in isolation: after the one whose end let it."""
    moves = (e for e in events if isinstance(e.payload, StageChanged) and e.payload.to_stage == "TRAINING")
    return 1 + (next(moves).scope.epoch or 0)


def _observed(injection: Injection, event: Event[Any]) -> bool:
    if injection.env is None:
        return isinstance(event.payload, PolicyUpdated)
    here = (event.scope.env, event.scope.episode) == (injection.env, injection.episode)
    return here and isinstance(event.payload, BatchCompleted)
