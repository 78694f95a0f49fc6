"""Which layer? Those that are broken, those whose gradient changed, and those that began to vanish or to fall asleep.

A gradient has changed if, in the alert's own batch (or the first measurement after it) or in the median of those from
there on, it is outside its usual range and at least four times larger or smaller than usual. The usual range is
`usual_range` of the 16 measurements before the alert; with fewer than eight it is not known, and the factor must be 20.
What was not measured before the alert is called large or small by nobody: there is nothing to compare it with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import exp, isfinite, log
from statistics import median
from typing import NamedTuple, TypeVar

from nissa.events.kinds import DenseTraceCaptured, TracedActivations, TracedGradients, TracedLayer, TracedUnits
from nissa.operators.diagnosis.usual_course import LEAST, usual_range

__all__ = ["CHANGED", "DEAD", "GREW", "UNSURE", "VANISHING", "Suspect", "suspects"]

CHANGED = 4.0
"""Factor by which a gradient norm must have changed, besides leaving its usual range."""
UNSURE = 20.0
"""The same where too little was measured to say what was usual."""
VANISHING = 0.5
"""Share of a layer's gradient that must be vanishing."""
DEAD = 0.5
"""Share of a layer's units that must be dormant."""
GREW = 0.25
"""How much larger than before the alert such a share must be."""

Row = TypeVar("Row", TracedGradients, TracedActivations)


class Suspect(NamedTuple):
    """A layer, and what is wrong with it."""

    badness: float
    """For the order: broken layers have the highest number."""
    layer: str
    """Name of the layer."""
    what: str
    """One line for a person."""


def suspects(trace: DenseTraceCaptured) -> list[Suspect]:
    """The layers to look at, the worst first."""
    found = [*_broken(trace), *_changed(trace), *_vanishing(trace.gradients), *_dead(trace.activations)]
    return sorted(found, key=lambda suspect: -suspect.badness)


def _broken(trace: DenseTraceCaptured) -> Iterator[Suspect]:
    """Layers with values that are not finite, where that was seen first."""
    seen = set[str]()
    measured: list[tuple[int | None, str, Mapping[str, TracedLayer | TracedUnits]]] = [
        *((row.epoch, "gradient", row.layers) for row in trace.gradients),
        *((row.epoch, "output", row.layers) for row in trace.activations),
    ]
    for epoch, what, layers in measured:
        for name, layer in layers.items():
            if layer.non_finite and name not in seen:
                seen.add(name)
                yield Suspect(3.0, name, f"{layer.non_finite} values of its {what} are not finite (epoch {epoch})")


def _changed(trace: DenseTraceCaptured) -> Iterator[Suspect]:
    for name, before in trace.norms_before.items():
        usual = [norm for norm in before if isfinite(norm) and norm > 0]
        rows = [row.layers[name].norm for row in trace.gradients if row.after and name in row.layers]
        norms = [norm for norm in rows if norm is not None and isfinite(norm) and norm > 0]
        if usual and norms and (norm := _unusual(usual, norms)) is not None:
            most = log(norm / median(usual))
            times = f"{exp(abs(most)):,.1f} times {'larger' if most > 0 else 'smaller'}"
            since = f"than {median(usual):.3g}, the median of {_measurements(len(usual))} before"
            yield Suspect(2.0 + min(0.9, abs(most) / 100), name, f"its gradient became {times} {since}")


def _unusual(usual: Sequence[float], norms: Sequence[float]) -> float | None:
    """The norm that says most about a change; None if it is within what is usual."""
    middle, (low, high) = median(usual), usual_range(usual)
    norm = max((norms[0], median(norms)), key=lambda norm: abs(log(norm / middle)))
    least = CHANGED if len(usual) >= LEAST else UNSURE
    outside = len(usual) < LEAST or not low <= norm <= high
    return norm if outside and abs(log(norm / middle)) >= log(least) else None


def _vanishing(rows: Sequence[TracedGradients]) -> Iterator[Suspect]:
    for name, share, since in _risen(rows, VANISHING, lambda row: {n: x.vanishing for n, x in row.layers.items()}):
        yield Suspect(1.0 + share / 10, name, f"{share:.0%} of its gradient is vanishing ({since})")


def _dead(rows: Sequence[TracedActivations]) -> Iterator[Suspect]:
    for name, share, since in _risen(rows, DEAD, lambda row: {n: x.dormant for n, x in row.layers.items()}):
        dead = rows[-1].layers[name].dead or 0
        yield Suspect(share, name, f"{share:.0%} of its units are dormant, {dead} dead ({since})")


def _risen(
    rows: Sequence[Row], least: float, read: Callable[[Row], Mapping[str, float | None]]
) -> Iterator[tuple[str, float, str]]:
    """Layers of the last measurement after the alert with too high a share, unless it was as high before."""
    before = [read(row) for row in rows if not row.after]
    for name, share in read(rows[-1]).items() if rows and rows[-1].after else ():
        earlier = [known for known in (row.get(name) for row in before) if known is not None]
        if share is not None and share >= least and share - max(earlier, default=0.0) >= GREW:
            yield name, share, f"{max(earlier):.0%} before" if earlier else "not measured before"


def _measurements(count: int) -> str:
    return f"{count} measurement{'' if count == 1 else 's'}"
