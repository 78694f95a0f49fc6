"""What did telemetry spend of one thing, by what the training did beside it, and how many looks does that allow?

>>> account = Account(target=100.0)
>>> account.add((600.0, 2.0, 500.0)), account.mean, account.following(one_in=1, beats=3)
(True, 300.0, 3)
"""

from dataclasses import dataclass
from math import ceil, isfinite

__all__ = ["CALM", "FASTEST", "MOST", "PATIENCE", "Account", "Spent"]

MOST = 1024
"""One look in so many is always taken: a network that nobody looks at is not watched."""
FASTEST = 4
"""Times by which looks are thinned out, or come back, at once; and by which a cost is far too high."""
PATIENCE, CALM = 3, 12
"""Heartbeats since the last change after which looks are thinned out, and after which they come back."""
_ROOM, _AIM = 0.5, 0.8
"""Shares of the target: below which there is room, and where looks that come back are to leave it."""
_WORTH = 0.1
"""Share of the target that looks must cost, or to thin them out gains nothing."""
_EVIDENCE = 0.1
"""Seconds of CPU that the training must have used, or nothing follows from it; where steps count, that is one."""
Spent = tuple[float, float, float]
"""By telemetry, what the training did beside it, and by looks, which is part of telemetry's."""


@dataclass(slots=True)
class Account:
    """Of one run and one sort of cost."""

    target: float | None = None
    """Cost by what the training does that was asked for; None if nobody did."""
    own: float = 0.0
    """What telemetry cost."""
    rest: float = 0.0
    """What the training did."""
    looks: float = 0.0
    """What looks alone cost, which is part of telemetry's."""

    def add(self, spent: Spent) -> bool:
        """Take in what was spent since the last time, if it counts."""
        if self.target is None or not isfinite(sum(spent)):
            return False
        self.own, self.rest, self.looks = self.own + spent[0], self.rest + spent[1], self.looks + spent[2]
        return True

    @property
    def mean(self) -> float | None:
        """Cost by what the training did; None where nobody asked, or nothing follows from it."""
        return None if self.target is None or self.rest < _EVIDENCE else self.own / self.rest

    def following(self, one_in: int, beats: int) -> int:
        """In how many looks one is to be taken, now that it is one in `one_in` and so many heartbeats were taken in."""
        if self.target is None or self.mean is None:
            return one_in
        excess = self.mean / self.target
        high = excess > FASTEST or (excess > 1 and beats >= PATIENCE)
        if high and self.looks >= _WORTH * self.target * self.rest:
            return min(MOST, ceil(one_in * min(excess, FASTEST)))
        if excess < _ROOM and beats >= CALM:
            return min(one_in, max(1, ceil(one_in * max(excess / _AIM, 1 / FASTEST))))
        return one_in

    def keep(self, share: float) -> None:
        """Forget all but a share of it."""
        self.own, self.rest, self.looks = share * self.own, share * self.rest, share * self.looks
