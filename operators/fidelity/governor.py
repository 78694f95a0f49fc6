"""How many of the looks that are due may be taken? As many as keep telemetry within what was asked for.

That is CPU by the training's own (`overhead`), bytes of the log by steps (`log_bytes_per_step`), or both: then the
stricter one holds. A look costs much at once, and then there is none for a while. So what counts is the mean since the
last change. Above the target, looks are thinned out by as much as that is too high: after three heartbeats, or at once
where it is far too high. Below half of it for a minute, some come back, as many as would leave it at four fifths. Else
nothing changes, nor where looks are hardly any of the cost: with fewer of them, less would be known, and nothing
gained.

>>> governor = Governor(Account(target=0.03))
>>> [governor.decide((own, 1.0, own)) and governor.one_in for own in (0.15, 0.04, 0.04, 0.04)]
[4, None, None, 6]
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from nissa.events.event import Event
from nissa.events.kinds import Heartbeat, OverheadGoverned, ProbesConfigured, RunEnded, TelemetryCost
from nissa.operators.fidelity.account import CALM, FASTEST, MOST, PATIENCE, Account, Spent
from nissa.operators.fold import Fold, Keyed

__all__ = ["CALM", "FASTEST", "MOST", "PATIENCE", "Account", "Governor", "govern"]

_REMEMBERED = 2 * CALM
"""Heartbeats after which those before count half: what a training was like an hour ago says little."""
_NOTHING: Spent = (0.0, 0.0, 0.0)
_NO_SUMS = (_NOTHING, _NOTHING)


@dataclass(slots=True)
class Governor:
    """Of one run. Its accounts begin anew with each change."""

    cpu: Account = field(default_factory=Account)
    """Seconds of telemetry, by seconds of the training beside it."""
    log: Account = field(default_factory=Account)
    """Bytes of the log, by steps of the training."""
    one_in: int = 1
    """Of so many looks that are due one is taken."""
    beats: int = 0
    """Heartbeats in the accounts."""
    told: tuple[Spent, Spent] = _NO_SUMS
    """The sums of the last heartbeat: seconds of telemetry, of the whole process, of looks; bytes, steps, of looks."""

    def decide(self, cpu: Spent, log: Spent = _NOTHING) -> tuple[float | None, float | None] | None:
        """Take in what a heartbeat says was spent. The means for which `one_in` changed; None if it did not."""
        if not any([self.cpu.add(cpu), self.log.add(log)]):
            return None
        self.beats += 1
        accounts = (self.cpu, self.log)
        asked = [each.following(self.one_in, self.beats) for each in accounts if each.mean is not None]
        if (following := max(asked, default=self.one_in)) == self.one_in:
            self._forget()
            return None
        means, self.one_in, self.beats = (self.cpu.mean, self.log.mean), following, 0
        for account in accounts:
            account.keep(0.0)
        return means

    def _forget(self) -> None:
        if self.beats >= _REMEMBERED:
            self.cpu.keep(0.5)
            self.log.keep(0.5)
            self.beats //= 2


def govern() -> Fold[Keyed[Governor]]:
    """An `OverheadGoverned` whenever probes are to take more, or fewer, of the looks that are due.

    Of runs whose `probes_configured` asks for an `overhead`, or for `log_bytes_per_step`, by what their heartbeats
    measured.
    """
    kinds = (ProbesConfigured, Heartbeat, RunEnded)
    return Fold("overhead", kinds, lambda: Keyed(Governor), _step, version=2)


def _step(runs: Keyed[Governor], event: Event[ProbesConfigured | Heartbeat | RunEnded]) -> Iterable[OverheadGoverned]:
    match event.payload:
        case ProbesConfigured(config=config):
            for name, most in (("overhead", 1.0), ("log_bytes_per_step", inf)):
                target = config.get(name)
                if isinstance(target, float | int) and 0 < target <= most and target < inf:
                    asking = runs[event.scope.run]
                    (asking.cpu if name == "overhead" else asking.log).target = target
        case RunEnded():
            runs.items.pop(event.scope.run, None)
        case Heartbeat(cost=TelemetryCost() as cost) if governor := runs.items.get(event.scope.run):
            return _beaten(governor, cost)
    return ()


def _beaten(governor: Governor, cost: TelemetryCost) -> Iterable[OverheadGoverned]:
    cpu = cost.emitting + cost.measuring + cost.threads, cost.whole, cost.measuring
    log = float(cost.log_bytes or 0), float(cost.steps or 0), float(cost.look_bytes or 0)
    # A run that goes on does so in another process, whose sums begin anew.
    cpu_before, log_before = governor.told if cost.whole >= governor.told[0][1] else _NO_SUMS
    governor.told, before = (cpu, log), governor.one_in
    own, whole, looks = _since(cpu, cpu_before)
    if (means := governor.decide((own, whole - own, looks), _since(log, log_before))) is None:
        return ()
    return (
        OverheadGoverned(
            overhead=means[0],
            target=governor.cpu.target,
            bytes_per_step=means[1],
            bytes_target=governor.log.target,
            one_in=governor.one_in,
            before=before,
        ),
    )


def _since(now: Spent, before: Spent) -> Spent:
    return now[0] - before[0], now[1] - before[1], now[2] - before[2]
