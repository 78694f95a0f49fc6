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

from nissa.events.event import Scope
from nissa.events.kinds import HostBaselineEpoch, HostBaselineMeasured
from nissa.operators.fold import Keyed, merge_disjoint

__all__ = ["MAX_EPOCHS", "HostTwin", "HostTwins"]

MAX_EPOCHS = 10_000
"""Epochs of a curve; of more, the one told first is forgotten."""


@dataclass(slots=True)
class HostTwin:
    """One environment's. A point that was not told is missing: nothing is put in between two that were.

    A curve is of one network: where the epochs begin anew, or other ends are told, so does the curve.
    """

    by_epoch: dict[int, float] = field(default_factory=dict)
    """Validation accuracy after each epoch that was told on its own."""
    ends: dict[int, float] = field(default_factory=dict)
    """Before the first epoch and after the last."""
    epochs: int | None = None
    """Epochs for which it was trained, as far as was told."""

    def note(self, told: HostBaselineEpoch | HostBaselineMeasured, epoch: int | None) -> None:
        """Take in what was told, in the scope of an epoch."""
        if isinstance(told, HostBaselineMeasured):
            points = {0: told.initial_accuracy, told.epochs: told.final_accuracy}
            ends = {at: float(accuracy) for at, accuracy in points.items() if accuracy is not None}
            # As text, in which NaN equals itself.
            if self.ends and str(ends) != str(self.ends):
                self.by_epoch = {}
            self.ends, self.epochs = ends, told.epochs
        elif epoch is not None:
            if self.by_epoch and epoch <= next(reversed(self.by_epoch)):
                self.by_epoch, self.ends, self.epochs = {}, {}, None
            self.epochs = max(self.epochs or 0, epoch)
            if told.val_accuracy is not None:
                self.by_epoch[epoch] = float(told.val_accuracy)
            if len(self.by_epoch) > MAX_EPOCHS:
                del self.by_epoch[next(iter(self.by_epoch))]

    def at(self, epoch: int | None) -> float | None:
        """Its validation accuracy after an epoch, in percent; None where that was not told."""
        if epoch is None:
            return None
        return self.by_epoch.get(epoch, self.ends.get(epoch))

    def gained(self, start: int, end: int) -> float | None:
        """Its accuracy after `end` minus that after `start`, in percentage points; None where one was not told."""
        before, after = self.at(start), self.at(end)
        return None if before is None or after is None else after - before

    def peak(self, epoch: int | None, looks: int | None = None) -> float | None:
        """Its highest finite accuracy up to an epoch; None where it was not told epoch by epoch up to there.

        One that was looked at less often than `looks` (default: in every epoch) had fewer chances of a high value, and
        has no peak to compare.
        """
        if epoch is None:
            return None
        points = [accuracy for at, accuracy in self.by_epoch.items() if 1 <= at <= epoch]
        told = epoch in self.by_epoch and len(points) >= (epoch if looks is None else min(looks, epoch))
        return max(filter(isfinite, points), default=None) if told else None


@dataclass(slots=True)
class HostTwins:
    """By environment, and by episode where a twin was told of one alone: then it is that episode's."""

    told: Keyed[HostTwin] = field(default_factory=lambda: Keyed(HostTwin))

    def note(self, scope: Scope, told: HostBaselineEpoch | HostBaselineMeasured) -> None:
        """Take in what was told in a scope."""
        self.told[scope[: 3 if scope.episode is None else 4]].note(told, scope.epoch)

    def of(self, scope: Scope) -> HostTwin:
        """The twin of a scope's episode, else of its environment; one without a point where none was told."""
        return next((self.told[key] for key in (scope[:4], scope[:3]) if key in self.told.items), HostTwin())

    def merge(self, other: "HostTwins") -> "HostTwins":
        """Those of two parts of a stream, each environment whole in one of them."""
        return HostTwins(merge_disjoint(self.told, other.told))
