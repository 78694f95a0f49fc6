"""An epoch of a job, of what its ranks told: means by validation samples where all told them, else each rank alike.

>>> rows = {0: EpochCompleted(val_loss=1.0, n_val=10), 1: EpochCompleted(val_loss=2.0, n_val=30)}
>>> joined = joint_epoch(rows)
>>> joined.val_loss, joined.n_val
(1.75, 40)
"""

from collections.abc import Mapping
from dataclasses import replace

from nissa.events.kinds import EpochCompleted

__all__ = ["joint_epoch"]


def joint_epoch(told: Mapping[int, EpochCompleted]) -> EpochCompleted:
    """What is of the network, which all ranks share, is as the lowest rank told it."""
    rows = [told[rank] for rank in sorted(told)]
    counts = [row.n_val for row in rows if row.n_val]
    sizes: list[int] = counts if len(counts) == len(rows) else [1] * len(rows)
    return replace(
        rows[0],
        train_loss=_mean([row.train_loss for row in rows], [1] * len(rows)),
        train_accuracy=_mean([row.train_accuracy for row in rows], [1] * len(rows)),
        val_loss=_mean([row.val_loss for row in rows], sizes),
        val_accuracy=_mean([row.val_accuracy for row in rows], sizes),
        n_val=sum(counts) if sizes is counts else None,
    )


def _mean(values: list[float | None], sizes: list[int]) -> float | None:
    """None unless all told it."""
    there = [(value, size) for value, size in zip(values, sizes, strict=True) if value is not None]
    return sum(value * size for value, size in there) / sum(sizes) if len(there) == len(values) else None
