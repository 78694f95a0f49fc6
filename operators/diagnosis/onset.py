"""What changed first? Each quantity of a trace, and the batch at which it left its usual course.

That course is taken from the first half of the batches before the first alert (the first mark, where there is no
alert). A loss leaves it upwards, an accuracy downwards, a norm either way. What leaks out of isolation, or is broken in
it, should be 0, so anything else is out, and so is whatever is not finite. What else left it before the alert must have
stayed out: in half of the batches up to the alert, at least. What an alert of a batch is about is out in that batch, by
its own rule.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, isfinite
from typing import NamedTuple

from nissa.events.kinds import DenseTraceCaptured, TracedAlert, TracedBatch
from nissa.events.vocabulary import GRADIENT_EXPLOSION, LOSS_SPIKE, MARK
from nissa.operators.diagnosis.usual_course import usual_course

__all__ = ["Onset", "onsets", "trigger"]

_LEAKAGE, _FORWARD, _BROKEN = "isolation_leakage", "isolation_forward_leakage", "seed_non_finite of "
_ZERO = (_LEAKAGE, _FORWARD, _BROKEN)
"""How the names of quantities begin that are 0 where all is well."""
Limits = Callable[[int], tuple[float, float]]
"""Lowest and highest usual value at a place."""


class Onset(NamedTuple):
    """A quantity that left its usual course."""

    place: int
    """Which batch of the trace, those before the alert and then those after it, from 0."""
    quantity: str
    """"loss", "accuracy", "host_grad_norm", "seed_grad_norm of SLOT", "seed_non_finite of SLOT", or a leakage."""
    value: float
    """What it was in that batch."""
    low: float
    """The lowest that was usual; -inf if it could not be told, or anything low is."""
    high: float
    """The highest that was usual; inf likewise."""
    by_alert: bool = False
    """Whether that is no usual value but the limit of the alert that found it."""


def onsets(trace: DenseTraceCaptured) -> list[Onset]:
    """Every quantity that left its course, the earliest first; those from place `trigger(trace)` on came after."""
    batches, count = [*trace.batches_before, *trace.batches_after], trigger(trace)
    found = [_onset(name, [read(batch) for batch in batches], count) for name, read in _quantities(batches).items()]
    first = dict[str, Onset]()
    for onset in sorted([*_alerted(trace.alerts), *(onset for onset in found if onset is not None)], key=_order):
        first.setdefault(onset.quantity, onset)
    return list(first.values())


def trigger(trace: DenseTraceCaptured) -> int:
    """Batches up to the first alert, the one that raised it included; to the first mark, where there is no alert."""
    return next((alert.place for alert in trace.alerts if alert.severity != MARK), len(trace.batches_before))


def _order(onset: Onset) -> tuple[int, str]:
    return onset.place, onset.quantity


def _alerted(alerts: Iterable[TracedAlert]) -> Iterator[Onset]:
    """What alerts of single batches found themselves."""
    for alert in alerts:
        quantity = _alerted_quantity(alert)
        if quantity and alert.batch is not None and alert.value is not None and alert.threshold is not None:
            yield Onset(alert.place - 1, quantity, alert.value, -inf, alert.threshold, True)


def _alerted_quantity(alert: TracedAlert) -> str | None:
    if alert.alert == LOSS_SPIKE.name:
        return "loss"
    if alert.alert == GRADIENT_EXPLOSION.name:
        return "host_grad_norm" if alert.subject == "host" else f"seed_grad_norm of {alert.subject}"
    return None


def _onset(name: str, values: Sequence[float | None], count: int) -> Onset | None:
    half = count // 2
    limits = _limits(name, values[:half])
    out = [_is_out(value, limits(place), place >= half) for place, value in enumerate(values)]
    for place, value in enumerate(values):
        sure = place >= count or name.startswith(_ZERO) or (value is not None and not isfinite(value))
        if value is not None and out[place] and (sure or _stays(out[place:count])):
            return Onset(place, name, value, *limits(place))
    return None


def _is_out(value: float | None, limits: tuple[float, float], judged: bool) -> bool | None:
    """None where nothing was measured."""
    if value is None:
        return None
    return not isfinite(value) or (judged and not limits[0] <= value <= limits[1])


def _stays(out: Sequence[bool | None]) -> bool:
    known = [one for one in out if one is not None]
    return 2 * sum(known) >= len(known)


def _limits(name: str, values: Sequence[float | None]) -> Limits:
    if name.startswith(_ZERO):
        return lambda _: (0.0, 0.0)
    course = usual_course(values, floor=1.0 if name == "accuracy" else None)
    if course is None:
        return lambda _: (-inf, inf)
    low, high = course.held()
    return {"loss": lambda _: (-inf, high), "accuracy": lambda _: (low, inf)}.get(name, course.range)


def _quantities(batches: Sequence[TracedBatch]) -> dict[str, Callable[[TracedBatch], float | None]]:
    """How to read each quantity of a batch; None where it was not measured."""
    slots = dict.fromkeys(slot for batch in batches for slot in batch.seed_grad_norms)
    isolated = dict.fromkeys(slot for batch in batches for slot in batch.seed_non_finite)
    return {
        "loss": lambda batch: batch.loss,
        "accuracy": lambda batch: batch.accuracy,
        "host_grad_norm": lambda batch: batch.host_grad_norm,
        **{f"seed_grad_norm of {slot}": _norm_of(slot) for slot in slots},
        **{f"{_BROKEN}{slot}": _broken_in(slot) for slot in isolated},
        _LEAKAGE: lambda batch: batch.isolation_leakage,
        _FORWARD: lambda batch: batch.isolation_forward_leakage,
    }


def _norm_of(slot: str) -> Callable[[TracedBatch], float | None]:
    return lambda batch: batch.seed_grad_norms.get(slot)


def _broken_in(slot: str) -> Callable[[TracedBatch], float | None]:
    return lambda batch: batch.seed_non_finite.get(slot)
