"""Was it right? What came of a decision, once ten epochs have shown it, or its episode has ended.

>>> twin = HostTwin(by_epoch={0: 60.0, 1: 61.0, 5: 66.0})
>>> waiting = Waiting(1, "WAIT", None)
>>> for epoch, accuracy in {1: 62.0, 5: 80.0}.items():
...     waiting.validated(epoch, Point(accuracy, 0.5, 400))
>>> told = judged(waiting, twin)
>>> told.net_gain_1_epochs_later, told.net_gain_5_epochs_later, told.verdict, told.net_gain_10_epochs_later
(1.0, 14.0, 'good', None)
"""

from dataclasses import dataclass, field
from math import isfinite, sqrt
from typing import NamedTuple

from nissa.events.kinds import DecisionJudged, SeedAttribution, SeedCulled
from nissa.operators.host_twin import HostTwin
from nissa.operators.statistics import accuracy_variance

__all__ = ["HORIZON", "Effect", "Point", "Waiting", "judged"]

HORIZON = 10
"""Epochs after which a decision is judged."""
_LATER = (1, 5, HORIZON)
_SHOWS = {"GERMINATE": HORIZON}
"""Epochs until an operation shows; of the others, 5."""
_95 = 1.96
"""Standard errors either way that a 95% interval has."""


class Point(NamedTuple):
    """What was validated after an epoch; accuracy in percent, of `n` samples. None where it was not told."""

    accuracy: float | None
    loss: float | None
    n: int | None


class Effect(NamedTuple):
    """A difference in percentage points with its standard error, and after how many epochs it was measured."""

    value: float
    se: float | None
    epochs: int


@dataclass(slots=True)
class Waiting:
    """A decision that is not judged yet. `before` is the network before it."""

    epoch: int
    op: str
    before: Point | None
    executed: bool = True
    fossil: str | None = None
    """The seed that was fossilized."""
    later: dict[int, Point] = field(default_factory=dict)
    """After so many epochs."""
    effect: Effect | None = None
    """Against waiting."""

    def validated(self, epoch: int, point: Point) -> None:
        """Take in how the network does after an epoch."""
        if (epochs := epoch - self.epoch + 1) in _LATER:
            self.later[epochs] = point

    def ablated(self, epoch: int, seed: SeedAttribution, now: Point | None) -> None:
        """Take in what the network would lack without its fossil; the last one counts."""
        if self.fossil is not None and seed.seed == self.fossil and seed.ablation is not None:
            accuracies = [now.accuracy, now.accuracy - seed.ablation] if now and now.accuracy is not None else []
            self.effect = Effect(seed.ablation, _error(accuracies, now), epoch - self.epoch + 1)

    def culled(self, seed: SeedCulled, now: Point | None) -> None:
        """Take in what the network lost or gained at once with the seed that was to be removed."""
        before, after = seed.accuracy_before, seed.accuracy_after
        if before is not None and after is not None:
            self.effect = Effect(after - before, _error([before, after], now), 0)

    def due(self, epoch: int) -> bool:
        """Whether it can be judged after an epoch. What a fossilization keeps shows at the episode's end alone."""
        return self.fossil is None and epoch >= self.epoch + HORIZON - 1


def judged(decision: Waiting, twin: HostTwin) -> DecisionJudged:
    """What came of it, as far as was told."""
    net = {epochs: _net_gain(decision, epochs, twin) for epochs in _LATER}
    shows, effect = _SHOWS.get(decision.op, 5), decision.effect
    gain = Effect(net[shows] or 0.0, _net_error(decision, shows, twin), shows) if net[shows] is not None else None
    by, found = ("against_waiting", effect) if decision.fossil else (f"net_gain_{shows}_epochs_later", gain)
    side = _side(found) if decision.executed else None
    return DecisionJudged(
        decision_epoch=decision.epoch,
        op=decision.op,
        was_good_decision=side > 0 if side else None,
        verdict={1: "good", -1: "bad"}.get(side or 0, "undecided"),
        judged_by=None if side is None else by,
        **{f"accuracy_{epochs}_epochs_later": point.accuracy for epochs, point in decision.later.items()},
        **{f"loss_{epochs}_epochs_later": point.loss for epochs, point in decision.later.items()},
        **{f"net_gain_{epochs}_epochs_later": gained for epochs, gained in net.items()},
        net_gain_se=gain and gain.se,
        against_waiting=effect and effect.value,
        against_waiting_se=effect and effect.se,
        against_waiting_epochs=effect and effect.epochs,
    )


def _net_gain(decision: Waiting, epochs: int, twin: HostTwin) -> float | None:
    """None unless both networks were told before and after."""
    before, after = _before(decision, twin), _accuracy(decision.later.get(epochs))
    gained = twin.gained(decision.epoch - 1, decision.epoch - 1 + epochs)
    return None if before is None or after is None or gained is None else after - before - gained


def _net_error(decision: Waiting, epochs: int, twin: HostTwin) -> float | None:
    later, start = decision.later.get(epochs), decision.epoch - 1
    four = (_before(decision, twin), _accuracy(later), twin.at(start), twin.at(start + epochs))
    return _error([accuracy for accuracy in four if accuracy is not None], later)


def _before(decision: Waiting, twin: HostTwin) -> float | None:
    """Accuracy before it. An episode begins with its twin's host."""
    return twin.at(0) if decision.epoch == 1 else _accuracy(decision.before)


def _accuracy(point: Point | None) -> float | None:
    return point.accuracy if point else None


def _error(accuracies: list[float], point: Point | None) -> float | None:
    """Of a sum or difference of accuracies of one validation set, as if each had one of its own."""
    n = point.n if point else None
    broken = not accuracies or not all(map(isfinite, accuracies))
    return None if not n or broken else sqrt(sum(accuracy_variance(accuracy, n) for accuracy in accuracies))


def _side(found: Effect | None) -> int | None:
    """Where the interval lies: above 0, below, or on both sides; None without one."""
    if found is None or found.se is None:
        return None
    return (found.value > _95 * found.se) - (found.value < -_95 * found.se)
