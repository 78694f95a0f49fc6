"""How many of the looks that are due may be taken? As many as keep telemetry within the overhead that was asked for.

A look costs much at once, and then there is none for a while. So what counts is the mean since the last change. Above
the target, looks are thinned out by as much as that is too high: after three heartbeats, or at once where it is far too
high. Below half of it for a minute, some come back, as many as would leave it at four fifths. Else nothing changes, nor
where looks are hardly any of the cost: with fewer of them, less would be known, and nothing gained.

>>> governor = Governor(target=0.03)
>>> [governor.decide(own, 1.0, own) and governor.one_in for own in (0.15, 0.04, 0.04, 0.04)]
[4, None, None, 6]
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, isfinite

from nissa.events.event import Event
from nissa.events.kinds import Heartbeat, OverheadGoverned, ProbesConfigured, RunEnded, TelemetryCost
from nissa.operators.fold import Fold, Keyed

__all__ = ["CALM", "FASTEST", "MOST", "PATIENCE", "Governor", "govern"]

MOST = 1024
"""One look in so many is always taken: a network that nobody looks at is not watched."""
FASTEST = 4
"""Times by which looks are thinned out, or come back, at once; and by which an overhead is far too high."""
PATIENCE, CALM = 3, 12
"""Heartbeats since the last change after which looks are thinned out, and after which they come back."""
_REMEMBERED = 2 * CALM
"""Heartbeats after which those before count half: what a training was like an hour ago says little."""
_ROOM, _AIM = 0.5, 0.8
"""Shares of the target: below which there is room, and where looks that come back are to leave it."""
_WORTH = 0.1
"""Share of the target that looks must cost, or to thin them out gains nothing."""
_EVIDENCE = 0.1
"""Seconds of CPU that the training must have used, or nothing follows from it."""


@dataclass(slots=True)
class Governor:
    """Of one run. Its account begins anew with each change."""

    target: float | None = None
    """Overhead that was asked for; None if nobody did."""
    one_in: int = 1
    """Of so many looks that are due one is taken."""
    own: float = 0.0
    """CPU time of telemetry in the account, in seconds."""
    rest: float = 0.0
    """That of the training beside it."""
    looks: float = 0.0
    """That of the looks alone, which is part of telemetry's."""
    beats: int = 0
    """Heartbeats in the account."""
    told: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The sums of the last heartbeat: of telemetry, of the whole process, and of looks."""

    def decide(self, own: float, rest: float, looks: float) -> float | None:
        """Take a heartbeat's seconds in. The overhead for which `one_in` changed; None if it did not."""
        if self.target is None or not isfinite(own + rest + looks):
            return None
        self.own, self.rest, self.looks = self.own + own, self.rest + rest, self.looks + looks
        self.beats += 1
        if self.rest < _EVIDENCE or (following := self._following(self.own / self.rest / self.target)) == self.one_in:
            self._forget()
            return None
        overhead, self.one_in = self.own / self.rest, following
        self.own = self.rest = self.looks = 0.0
        self.beats = 0
        return overhead

    def _following(self, excess: float) -> int:
        high = excess > FASTEST or (excess > 1 and self.beats >= PATIENCE)
        if high and self.target is not None and self.looks >= _WORTH * self.target * self.rest:
            return min(MOST, ceil(self.one_in * min(excess, FASTEST)))
        if excess < _ROOM and self.beats >= CALM:
            return min(self.one_in, max(1, ceil(self.one_in * max(excess / _AIM, 1 / FASTEST))))
        return self.one_in

    def _forget(self) -> None:
        if self.beats >= _REMEMBERED:
            self.own, self.rest, self.looks = self.own / 2, self.rest / 2, self.looks / 2
            self.beats //= 2


def govern() -> Fold[Keyed[Governor]]:
    """An `OverheadGoverned` whenever probes are to take more, or fewer, of the looks that are due.

    Of runs whose `probes_configured` asks for an `overhead`, by what their heartbeats measured.
    """
    return Fold("overhead", (ProbesConfigured, Heartbeat, RunEnded), lambda: Keyed(Governor), _step)


def _step(runs: Keyed[Governor], event: Event[ProbesConfigured | Heartbeat | RunEnded]) -> Iterable[OverheadGoverned]:
    match event.payload:
        case ProbesConfigured(config=config):
            share = config.get("overhead")
            if isinstance(share, float | int) and 0 < share <= 1:
                runs[event.scope.run].target = share
        case RunEnded():
            runs.items.pop(event.scope.run, None)
        case Heartbeat(cost=TelemetryCost() as cost) if governor := runs.items.get(event.scope.run):
            return _beaten(governor, cost)
    return ()


def _beaten(governor: Governor, cost: TelemetryCost) -> Iterable[OverheadGoverned]:
    own, whole, before = cost.emitting + cost.measuring + cost.threads, cost.whole, governor.one_in
    # A run that goes on does so in another process, whose sums begin anew.
    since = governor.told if whole >= governor.told[1] else (0.0, 0.0, 0.0)
    governor.told = own, whole, cost.measuring
    spent = own - since[0]
    overhead = governor.decide(spent, whole - since[1] - spent, cost.measuring - since[2])
    if overhead is None or governor.target is None:
        return ()
    return (OverheadGoverned(overhead=overhead, target=governor.target, one_in=governor.one_in, before=before),)
