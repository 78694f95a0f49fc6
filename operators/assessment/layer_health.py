"""The health of a network: what is wrong with each layer, and the share of layers with which nothing is.

>>> layer = LayerGradients(elements=100, norm=1e-8, mean=0.0, percentiles={}, non_finite=0)
>>> found = {"host.conv1": gradient_complaint(layer), "host.fc": None}
>>> found, health([found])
({'host.conv1': 'vanishing', 'host.fc': None}, 0.5)

A number that is not finite is judged before any is compared, so that no comparison can lose it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from math import hypot, isfinite, sqrt
from numbers import Real
from typing import Any

from nissa.events.kinds import GradientsMeasured, LayerActivations, LayerGradients
from nissa.events.vocabulary import COMPLAINTS

__all__ = [
    "EXPLODING",
    "MOST",
    "VANISHING",
    "Complaints",
    "activation_complaint",
    "by_complaint",
    "finite",
    "gradient_complaint",
    "health",
    "judged",
    "overflown",
    "worse",
]

VANISHING, EXPLODING = 1e-7, 1e3
"""Thresholds on the magnitude of a gradient's elements where no configuration gives others: a convention."""
MOST = 0.5
"""Share of the elements or units of a layer that speaks for the layer: a convention."""

Complaints = Mapping[str, str | None]
"""The worst complaint about each layer that was measured; None if there is none."""


def gradient_complaint(layer: LayerGradients, vanishing: float = VANISHING, exploding: float = EXPLODING) -> str | None:
    """The worst that is wrong with the gradient of a layer; None if nothing is that can be told (see `judged`).

    `exploding`: any element is above the threshold. `dead`: all are 0. `vanishing`: most of those that are not 0 are
    below the threshold; an embedding, most of whose rows were not used, is not vanishing. Where shares were not asked
    for, the root mean square speaks for the elements; where all that was looked at is 0 but the norm is not, the norm,
    which no element exceeds.
    """
    shares = (layer.zero, layer.vanishing, layer.exploding)
    if layer.non_finite > 0 or not _finite(layer.norm, layer.mean, layer.std, *shares, *layer.percentiles.values()):
        return "non_finite"
    size = _root_mean_square(layer)
    if (layer.exploding or 0.0) > 0 or (size or 0.0) > exploding:
        return "exploding"
    if not size and layer.zero in (None, 1) and (size, layer.zero) != (None, None):
        return "dead"
    if layer.vanishing is None or layer.zero == 1:
        most = size if layer.zero != 1 or size is None else size * sqrt(layer.elements)
        return "vanishing" if most is not None and most < vanishing else None
    zero = layer.zero or 0.0
    return "vanishing" if layer.vanishing - zero > MOST * (1 - zero) else None


def judged(layer: LayerGradients) -> bool:
    """Whether anything was measured of a gradient that says how large it is: without it, no complaint is no praise."""
    return any(figure is not None for figure in (layer.norm, layer.std, layer.vanishing, layer.exploding))


def overflown(row: GradientsMeasured) -> bool:
    """Whether anything in the gradients of a step is not finite."""
    layers = (gradient_complaint(layer) for layer in row.layers.values())
    return not finite([row.host_norm, row.slot_norms, row.seed_to_host]) or "non_finite" in layers


def activation_complaint(layer: LayerActivations) -> str | None:
    """The worst that is wrong with what a layer puts out: not finite, or most of its units are dead or dormant."""
    if layer.non_finite > 0 or not _finite(layer.mean, layer.std, layer.zero, layer.dormant, layer.effective_rank):
        return "non_finite"
    return "dead" if (layer.dormant or 0.0) > MOST or (layer.dead or 0) > MOST * layer.units else None


def worse(one: str | None, other: str | None) -> str | None:
    """The worse of two complaints."""
    return next((complaint for complaint in COMPLAINTS if complaint in (one, other)), None)


def by_complaint(sources: Iterable[Complaints]) -> dict[str, list[str]]:
    """Layers by complaint, the worst first; complaints that no layer has are absent."""
    layers: dict[str, dict[str, None]] = {}
    for source in sources:
        for name, wrong in source.items():
            if wrong is not None:
                layers.setdefault(wrong, {})[name] = None
    return {complaint: list(layers[complaint]) for complaint in COMPLAINTS if complaint in layers}


def health(sources: Iterable[Complaints], *, broken: bool = False) -> float | None:
    """Share of the measured layers with which nothing is wrong; 0 if anything is not finite, here or elsewhere.

    None if no layer was measured and nothing is broken: not measured is not healthy.
    """
    worst: dict[str, str | None] = {}
    for source in sources:
        for name, wrong in source.items():
            worst[name] = worse(worst.get(name), wrong)
    if broken or "non_finite" in worst.values():
        return 0.0
    return sum(wrong is None for wrong in worst.values()) / len(worst) if worst else None


def finite(value: Any) -> bool:
    """Whether no number in a payload, or in a part of one, is NaN or infinite."""
    cls: Any = type(value)
    return _reader(cls)(value)


@cache
def _reader(cls: type) -> Callable[[Any], bool]:
    """How to tell that of all values of a class: to ask each of them what it is would be most of the work."""
    if issubclass(cls, Real):
        return isfinite
    if is_dataclass(cls):
        names = [f.name for f in fields(cls)]
        return lambda value: all(map(finite, map(partial(getattr, value), names)))
    if issubclass(cls, Mapping):
        return lambda value: all(map(finite, value.values()))
    if issubclass(cls, list):
        return lambda value: all(map(finite, value))
    return lambda _: True


def _finite(*numbers: float | None) -> bool:
    """Nothing that is None or 0 has to be asked."""
    return all(map(isfinite, filter(None, numbers)))


def _root_mean_square(layer: LayerGradients) -> float | None:
    if layer.norm is not None:
        return layer.norm / sqrt(max(layer.elements, 1))
    return None if layer.std is None else hypot(layer.mean, layer.std)
