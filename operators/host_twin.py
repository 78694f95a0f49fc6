"""What did the host come to that was trained alone? The curve of an environment's twin, by epoch.

>>> from nissa.events.kinds import HostBaselineEpoch
>>> twin = HostTwin()
>>> for epoch, accuracy in enumerate([60.0, 80.0, 75.0], start=1):
...     twin.note(HostBaselineEpoch(val_accuracy=accuracy), epoch)
>>> twin.at(2), twin.gained(1, 3), twin.peak(3), twin.at(4), twin.gained(0, 3)
(80.0, 15.0, 80.0, None, None)
"""

from dataclasses import dataclass, field
from math import isfinite

from nissa.events.kinds import HostBaselineEpoch, HostBaselineMeasured

__all__ = ["MAX_EPOCHS", "HostTwin"]

MAX_EPOCHS = 10_000
"""Epochs of a curve; of more, the one told first is forgotten."""


@dataclass(slots=True)
class HostTwin:
    """One environment's. A point that was not told is missing: nothing is put in between two that were."""

    by_epoch: dict[int, float] = field(default_factory=dict)
    """Validation accuracy after each epoch that was told on its own."""
    ends: dict[int, float] = field(default_factory=dict)
    """Before the first epoch and after the last."""
    epochs: int | None = None
    """Epochs for which it was trained, as far as was told."""
    host_params: int | None = None
    """Its size."""

    def note(self, told: HostBaselineEpoch | HostBaselineMeasured, epoch: int | None) -> None:
        """Take in what was told, in the scope of an epoch."""
        if isinstance(told, HostBaselineMeasured):
            self.ends = {0: float(told.initial_accuracy), told.epochs: float(told.final_accuracy)}
            self.epochs, self.host_params = told.epochs, told.host_params
        elif epoch is not None:
            self.by_epoch[epoch] = float(told.val_accuracy)
            self.epochs = max(self.epochs or 0, epoch)
            if len(self.by_epoch) > MAX_EPOCHS:
                del self.by_epoch[next(iter(self.by_epoch))]

    def at(self, epoch: int) -> float | None:
        """Its validation accuracy after an epoch, in percent; None where that was not told."""
        return self.by_epoch.get(epoch, self.ends.get(epoch))

    def gained(self, start: int, end: int) -> float | None:
        """Its accuracy after `end` minus that after `start`, in percentage points; None where one was not told."""
        before, after = self.at(start), self.at(end)
        return None if before is None or after is None else after - before

    def peak(self, epoch: int, looks: int | None = None) -> float | None:
        """Its highest finite accuracy up to an epoch; None where it was not told epoch by epoch up to there.

        One that was looked at less often than `looks` (default: in every epoch) had fewer chances of a high value, and
        has no peak to compare.
        """
        points = [accuracy for at, accuracy in self.by_epoch.items() if 1 <= at <= epoch]
        told = epoch in self.by_epoch and len(points) >= (epoch if looks is None else min(looks, epoch))
        return max(filter(isfinite, points), default=None) if told else None
