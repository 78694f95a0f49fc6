"""Lines as esper-lite wrote them in its first months, made by hand: small, and one field at a time as it was then."""

from itertools import count
from typing import Any

__all__ = ["average", "born", "closed", "ended", "epoch", "line", "stable", "staged", "started", "updated"]

Row = dict[str, Any]
_IDS = count()
_SLOT = {"seed_id": "env0_seed_0", "slot_id": "block2_post"}


def line(type: str, data: Row, **envelope: Any) -> Row:
    """An event with all keys of the envelope, but for the group, which came later."""
    beside = {"seed_id": None, "slot_id": None, "epoch": None, "message": "", "severity": "info"} | envelope
    return {
        "event_id": f"old-{next(_IDS)}",
        "event_type": type,
        "timestamp": "2025-12-06T12:00:00",
        "data": data,
    } | beside


def born(seed: str = "env0_seed_0", env: int | None = 0, **data: Any) -> Row:
    """A germination of the first days: the slot stands beside the payload."""
    told = {"blueprint_id": "norm", "seed_id": seed, "params": 129} | ({} if env is None else {"env_id": env})
    return line("SEED_GERMINATED", told | data, seed_id=seed, slot_id="block2_post")


def staged(before: str, after: str, seed: str = "env0_seed_0", env: int = 0, **data: Any) -> Row:
    """A change of stage, of which nothing but the stages is told."""
    return line("SEED_STAGE_CHANGED", {"from": before, "to": after, "env_id": env} | data, **_SLOT | {"seed_id": seed})


def ended(type: str, seed: str = "env0_seed_0", env: int = 0, **data: Any) -> Row:
    """An end of a seed."""
    told = {"blueprint_id": "norm", "seed_id": seed, "improvement": 2.5, "blending_delta": 1.0, "counterfactual": 56.0}
    return line(type, told | {"epochs_total": 10, "env_id": env} | data, **_SLOT | {"seed_id": seed})


def stable(env: int = 0, epoch: int = 8) -> Row:
    """The only line of a host's epoch in the first logs with updates."""
    return line("TAMIYO_INITIATED", {"env_id": env, "epoch": epoch, "val_loss": 1.0}, epoch=epoch)


def updated(batch: int, completed: int, **data: Any) -> Row:
    """An update of the policy, as of 6 December 2025; it closes the round."""
    told = {
        "batch": batch,
        "episodes_completed": completed,
        "train_steps": batch,
        "policy_loss": 0.1,
        "value_loss": 2.0,
    }
    ratios = {"ratio_max": 1.05, "ratio_min": 0.95, "ratio_std": 0.02, "clip_fraction": 0.1, "explained_variance": 0.3}
    return line(
        "PPO_UPDATE_COMPLETED", told | ratios | {"approx_kl": -0.001, "entropy": 0.5, "early_stop_epoch": None} | data
    )


def closed(completed: int) -> Row:
    """The end of a round as of 13 December 2025."""
    return line("BATCH_COMPLETED", {"batch_idx": 1, "episodes_completed": completed})


def started(**data: Any) -> Row:
    """The start of a training, before it told sizes and slots."""
    told = {"episode_id": "ppo_3_6ep", "seed": 3, "task": "cifar10", "max_epochs": 2, "n_envs": 2, "n_episodes": 6}
    return line("TRAINING_STARTED", told | {"resume_path": None} | data)


def epoch(inner: int, env: int = 0, **data: Any) -> Row:
    """An epoch of an environment, which did not tell its episode for half a year."""
    told = {"env_id": env, "inner_epoch": inner, "val_accuracy": 50.0, "val_loss": 1.0, "seeds": {}}
    return line("EPOCH_COMPLETED", told | data, epoch=inner)


def average(**data: Any) -> Row:
    """What bore that name for a week: the average of a round."""
    told = {"inner_epoch": 25, "batch": 1, "val_loss": 2.0, "val_accuracy": 17.0, "n_envs": 2}
    return line("EPOCH_COMPLETED", told | data, epoch=2)
