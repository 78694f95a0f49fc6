"""The health of a network: what is wrong with each layer, and the share of layers with which nothing is.

>>> layer = LayerGradients(elements=100, norm=1e-8, mean=0.0, percentiles={}, non_finite=0)
>>> found = {"host.conv1": gradient_complaint(layer), "host.fc": None}
>>> found, health([found])
({'host.conv1': 'vanishing', 'host.fc': None}, 0.5)

A number that is not finite is judged before any is compared, so that no comparison can lose it.
"""

from collections.abc import Iterable, Mapping
from math import hypot, isfinite, sqrt

from nissa.events.kinds import GradientsMeasured, LayerActivations, LayerGradients, LayerGroup
from nissa.events.vocabulary import COMPLAINTS
from nissa.operators.assessment.finite_numbers import all_finite

__all__ = [
    "EXPLODING",
    "MOST",
    "VANISHING",
    "Complaints",
    "activation_complaint",
    "by_complaint",
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
    which no element exceeds. Of a group, a layer that is dead or vanishing speaks for all.
    """
    found = _gradient_complaint(layer, vanishing, exploding)
    return found if layer.group is None else worse(found, _of_members(layer.group))


def _gradient_complaint(layer: LayerGradients, vanishing: float, exploding: float) -> str | None:
    if _is_broken(layer):
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
    unknown = layer.norm is None and layer.std is None and layer.vanishing is None and layer.exploding is None
    return not unknown


def overflown(row: GradientsMeasured) -> bool:
    """Whether anything in the gradients of a step is not finite."""
    return not all_finite((row.host_norm, row.slot_norms, row.seed_to_host)) or any(
        map(_is_broken, row.layers.values())
    )


def activation_complaint(layer: LayerActivations) -> str | None:
    """The worst that is wrong with what a layer puts out: not finite, or most of its units are dead or dormant."""
    if layer.non_finite > 0 or not all_finite((layer.mean, layer.std, layer.zero, layer.dormant, layer.effective_rank)):
        return "non_finite"
    spread = layer.group.spread.get("dormant") if layer.group else None
    asleep = (layer.dormant or 0.0) > MOST or (spread is not None and spread.largest > MOST)
    return "dead" if asleep or (layer.dead or 0) > MOST * layer.units else None


def worse(one: str | None, other: str | None) -> str | None:
    """The worse of two complaints."""
    if one is None or other is None:
        return one or other
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
    sources = tuple(sources)
    measured = set[str]().union(*sources)
    ill = {name: wrong for source in sources for name, wrong in source.items() if wrong is not None}
    if broken or any("non_finite" in source.values() for source in sources):
        return 0.0
    return (len(measured) - len(ill)) / len(measured) if measured else None


def _of_members(group: LayerGroup) -> str | None:
    """What is wrong with a layer of a group, where that cannot be told of all of its elements together."""
    norm, small = group.spread.get("norm"), group.spread.get("vanishing")
    if norm and norm.least == 0:
        return "dead"
    return "vanishing" if small and small.largest > MOST else None


def _is_broken(layer: LayerGradients) -> bool:
    """Whether anything in a gradient is not finite: the most frequent question of all, so one sum comes first."""
    figures = (layer.norm or 0.0) + layer.mean + (layer.std or 0.0)
    shares = (layer.zero or 0.0) + (layer.vanishing or 0.0) + (layer.exploding or 0.0)
    if layer.non_finite <= 0 and isfinite(figures + shares + sum(layer.percentiles.values())):
        return False
    known = (layer.norm, layer.mean, layer.std, layer.zero, layer.vanishing, layer.exploding, layer.percentiles)
    return layer.non_finite > 0 or not all_finite(known)


def _root_mean_square(layer: LayerGradients) -> float | None:
    if layer.norm is not None:
        return layer.norm / sqrt(max(layer.elements, 1))
    return None if layer.std is None else hypot(layer.mean, layer.std)
