"""What changed first? Each quantity of a trace, and the batch at which it left its usual range.

The usual range is taken from the first half of the batches before the first alert (the first mark, where there is no
alert): median plus and minus 8 scales, with IQR / 1.349 as the scale (Tukey 1977, Exploratory Data Analysis), in
logarithms where all are above 0, and never less than 2% (1 point of an accuracy). A loss leaves it upwards, an accuracy
downwards, a norm either way. What leaks out of isolation should be 0, so anything else is out, and so is whatever is
not finite.
"""

from collections.abc import Callable, Iterable, Sequence
from math import exp, inf, isfinite, log
from statistics import quantiles
from typing import NamedTuple

from nissa.events.kinds import DenseTraceCaptured, TracedBatch
from nissa.events.vocabulary import MARK

__all__ = ["LEAST", "SCALES", "Onset", "onsets", "trigger", "usual_range"]

SCALES = 8.0
"""How far from its median a quantity is still in its range."""
LEAST = 8
"""Batches that a range rests on at least; with fewer, only what is not finite can be told."""


class Onset(NamedTuple):
    """A quantity that left its usual range."""

    place: int
    """Which batch of the trace, those before the alert and then those after it, from 0."""
    quantity: str
    """"loss", "accuracy", "host_grad_norm", "seed_grad_norm of SLOT" or "isolation_leakage"."""
    value: float
    """What it was in that batch."""
    low: float
    """The lowest that was usual; -inf if it could not be told, or anything low is."""
    high: float
    """The highest that was usual; inf likewise."""


def onsets(trace: DenseTraceCaptured) -> list[Onset]:
    """Every quantity that left its range, the earliest first."""
    batches = [*trace.batches_before, *trace.batches_after]
    half = trigger(trace) // 2
    found = [_onset(name, [read(batch) for batch in batches], half) for name, read in _quantities(batches).items()]
    return sorted(onset for onset in found if onset is not None)


def trigger(trace: DenseTraceCaptured) -> int:
    """Batches up to the first alert, the one that raised it included; to the first mark, where there is no alert."""
    return next((alert.place for alert in trace.alerts if alert.severity != MARK), len(trace.batches_before))


def usual_range(values: Iterable[float | None], floor: float | None = None) -> tuple[float, float]:
    """Lowest and highest usual value; unbounded for fewer than eight. `floor` is the least scale, if not 2%.

    >>> low, high = usual_range([1.0, 1.1, 0.9, 1.0, 1.1, 0.9, 1.0, 1.0])
    >>> round(low, 2), round(high, 2)
    (0.74, 1.35)
    """
    known = [value for value in values if value is not None and isfinite(value)]
    if len(known) < LEAST:
        return -inf, inf
    logs = floor is None and min(known) > 0
    lower, middle, upper = quantiles(map(log, known) if logs else known, n=4, method="inclusive")
    least = 0.02 if logs else floor if floor is not None else 0.02 * abs(middle)
    reach = SCALES * max((upper - lower) / 1.349, least)
    return (exp(middle - reach), exp(middle + reach)) if logs else (middle - reach, middle + reach)


def _onset(name: str, values: Sequence[float | None], half: int) -> Onset | None:
    low, high = _range(name, values[:half])
    for place, value in enumerate(values):
        if value is not None and (not isfinite(value) or (place >= half and not low <= value <= high)):
            return Onset(place, name, value, low, high)
    return None


def _range(name: str, values: Sequence[float | None]) -> tuple[float, float]:
    if name == "isolation_leakage":
        return 0.0, 0.0
    low, high = usual_range(values, floor=1.0 if name == "accuracy" else None)
    return (-inf if name == "loss" else low), (inf if name == "accuracy" else high)


def _quantities(batches: Iterable[TracedBatch]) -> dict[str, Callable[[TracedBatch], float | None]]:
    """How to read each quantity of a batch; None where it was not measured."""
    slots = dict.fromkeys(slot for batch in batches for slot in batch.seed_grad_norms)
    return {
        "loss": lambda batch: batch.loss,
        "accuracy": lambda batch: batch.accuracy,
        "host_grad_norm": lambda batch: batch.host_grad_norm,
        **{f"seed_grad_norm of {slot}": _norm_of(slot) for slot in slots},
        "isolation_leakage": lambda batch: batch.isolation_leakage,
    }


def _norm_of(slot: str) -> Callable[[TracedBatch], float | None]:
    return lambda batch: batch.seed_grad_norms.get(slot)
