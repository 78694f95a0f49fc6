"""Which layer? Those that are broken, those whose gradient changed most, and those that hardly put anything out.

Gradients are compared between the first measurement of a trace, which is the one before the alert where there is one,
and the later one that differs most.
"""

from collections.abc import Iterator, Mapping
from math import exp, isfinite, log
from typing import NamedTuple

from nissa.events.kinds import DenseTraceCaptured, TracedGradients, TracedLayer, TracedUnits

__all__ = ["CHANGED", "DEAD", "VANISHING", "Suspect", "suspects"]

CHANGED = 4.0
"""Factor by which a gradient norm must have changed."""
VANISHING = 0.5
"""Share of a layer's gradient that must be vanishing."""
DEAD = 0.5
"""Share of a layer's units that must be dormant."""


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
    found = [*_broken(trace), *_changed(trace.gradients), *_vanishing(trace), *_dead(trace)]
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


def _changed(measured: list[TracedGradients]) -> Iterator[Suspect]:
    for name, layer in measured[0].layers.items() if measured else ():
        norms = [row.layers[name].norm for row in measured[1:] if name in row.layers]
        changes = [log(norm / layer.norm) for norm in norms if norm and layer.norm and isfinite(norm / layer.norm)]
        most = max(changes, key=abs, default=0.0)
        if abs(most) >= log(CHANGED):
            times = f"{exp(abs(most)):,.1f} times {'larger' if most > 0 else 'smaller'}"
            yield Suspect(2.0 + min(0.9, abs(most) / 100), name, f"its gradient became {times} than {layer.norm:.3g}")


def _vanishing(trace: DenseTraceCaptured) -> Iterator[Suspect]:
    for name, layer in trace.gradients[-1].layers.items() if trace.gradients else ():
        if layer.vanishing is not None and layer.vanishing >= VANISHING:
            yield Suspect(1.0 + layer.vanishing / 10, name, f"{layer.vanishing:.0%} of its gradient is vanishing")


def _dead(trace: DenseTraceCaptured) -> Iterator[Suspect]:
    for name, layer in trace.activations[-1].layers.items() if trace.activations else ():
        if layer.dormant is not None and layer.dormant >= DEAD:
            yield Suspect(layer.dormant, name, f"{layer.dormant:.0%} of its units are dormant, {layer.dead or 0} dead")
