"""Layers that are told together: which they are, and how they differ.

>>> together(["host.0", "host.1", "host.fc"], "depth")
{'host.*': ['host.0', 'host.1'], 'host.fc': ['host.fc']}
>>> norms = {"host.0": {"norm": 1.0}, "host.1": {"norm": 4.0}, "host.2": {"norm": 2.0}}
>>> (of := group("host.*", norms)).layers, of.spread["norm"].median, of.spread["norm"].largest_layer
(3, 2.0, 'host.1')
"""

from collections.abc import Iterable, Mapping
from math import isfinite, nan
from statistics import quantiles

from nissa.events.kinds import LayerGroup, Spread
from nissa.pipeline.config import Groups, group_of

__all__ = ["group", "spread", "together"]


def together(layers: Iterable[str], groups: Groups) -> dict[str, list[str]]:
    """The layers by what they are told under, in their order."""
    found: dict[str, list[str]] = {}
    for layer in layers:
        found.setdefault(group_of(layer, groups), []).append(layer)
    return found


def group(name: str, figures: Mapping[str, Mapping[str, float | None]]) -> LayerGroup | None:
    """How layers differ in each of their figures, which are by layer; None for a layer that stands for itself."""
    if name in figures:
        return None
    told = dict.fromkeys(figure for own in figures.values() for figure in own)
    known = {figure: {layer: own.get(figure) for layer, own in figures.items()} for figure in told}
    spreads = {figure: found for figure, own in known.items() if (found := spread(own))}
    return LayerGroup(layers=len(figures), spread=spreads)


def spread(figures: Mapping[str, float | None]) -> Spread | None:
    """Of one figure by layer, without what is not known; None of nothing."""
    known = {layer: value for layer, value in figures.items() if value is not None}
    if not known:
        return None
    finite = [value for value in known.values() if isfinite(value)]
    lower, middle, upper = _quartiles(finite)
    # What is not finite is in nobody's order.
    last = {layer: value if isfinite(value) else float("inf") for layer, value in known.items()}
    least, largest = min(last, key=last.__getitem__), max(last, key=last.__getitem__)
    return Spread(
        least=known[least],
        lower=lower,
        median=middle,
        upper=upper,
        largest=known[largest],
        least_layer=least,
        largest_layer=largest,
    )


def _quartiles(values: list[float]) -> list[float]:
    if len(values) < 2:
        return (values or [nan]) * 3
    return quantiles(values, n=4, method="inclusive")
