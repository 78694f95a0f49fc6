"""The mix of events that a training run has: many batches, an epoch and a decision after them, now and then a seed."""

from typing import Any

from nissa.events.kinds import (
    Action,
    BatchCompleted,
    DecisionMade,
    EpochCompleted,
    HeadDecision,
    Payload,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SlotSnapshot,
)
from tests.samples import episode_ended, episode_started

__all__ = ["epoch", "mix"]

BATCHES = 23
"""Batches of an epoch."""


SLOTS = [
    SlotSnapshot(slot=slot, stage="TRAINING", epochs_in_stage=3, seed="s1", blueprint="norm", seed_params=113)
    for slot in ("early", "mid", "late")
]


def epoch(number: int) -> EpochCompleted:
    """An epoch: twelve fields given."""
    return EpochCompleted(
        train_loss=0.3217 + number * 1e-4,
        train_accuracy=91.23,
        val_loss=0.3421,
        val_accuracy=90.28 + number % 7,
        n_val=360,
        host_params=1250,
        total_seed_params=340,
        total_params=1590,
        fossilized_params=120,
        host_grad_norm=1.2345,
        seed_grad_norms={"early": 0.123, "late": 0.345},
        slots=SLOTS,
    )


def mix(epochs: int) -> list[tuple[int, int, Payload]]:
    """(episode, epoch, payload) of so many epochs; 45 to an episode, a seed each 15 epochs."""
    told: list[tuple[int, int, Payload]] = []
    for n in range(epochs):
        place = (n // 45, n % 45 + 1)
        if n % 45 == 0:
            told.append((*place, episode_started()))
        told += [(*place, batch(k)) for k in range(BATCHES)]
        told += [(*place, epoch(n)), (*place, decision())]
        told += [(*place, payload) for payload in _seed(n)]
        if n % 45 == 44:
            told.append((*place, episode_ended()))
    return told


def batch(number: int) -> BatchCompleted:
    """A batch with two seeds."""
    return BatchCompleted(
        batch=number,
        loss=0.3217,
        accuracy=90.625,
        host_grad_norm=1.2345,
        seed_grad_norms={"early": 0.1234, "late": 0.3456},
        isolation_leakage=0.0,
    )


def decision() -> DecisionMade:
    """A decision of a policy with four heads."""
    head = HeadDecision(
        choice=1, log_prob=-0.7, entropy=1.1, mask=[True, True, False], valid=2, forced=False, relevant=True
    )
    return DecisionMade(
        observation=[0.125] * 24,
        action=Action(op="WAIT"),
        heuristic=Action(op="GERMINATE", slot="early", blueprint="norm", blend="linear"),
        masked=False,
        heads={"op": head, "slot": head, "blueprint": head, "blend": head},
        value=0.5,
        reward=0.1,
        reward_components={"accuracy": 0.2, "rent": -0.1},
        accuracy_delta=0.4,
    )


def _seed(n: int) -> list[Payload]:
    seed: dict[str, Any] = {"slot": ("early", "mid", "late")[n // 15 % 3], "seed": f"s{n // 15}", "blueprint": "norm"}
    if n % 15 == 0:
        return [SeedGerminated(**seed, params=113, flops=2000)]
    if n % 15 == 14:
        if n % 2:
            return [SeedFossilized(**seed, improvement=1.25, params_added=113, epochs_total=14)]
        return [SeedCulled(**seed, improvement=-0.5, epochs_total=14, reason="no gain", initiator="policy")]
    return []
