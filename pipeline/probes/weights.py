"""How large are the weights, and how far did they move? A copy before an epoch, or a sample of it; norms after it.

>>> layer = nn.Linear(2, 1, bias=False)
>>> _ = nn.init.constant_(layer.weight, 2.0)
>>> before = copied({"host": layer})
>>> _ = nn.init.constant_(layer.weight, 3.0)
>>> weights_measured({"host": layer}, before).layers["host"].update_ratio
0.5
"""

from collections.abc import Mapping
from math import hypot, isfinite, nan, sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nissa.events.kinds import LayerWeights, WeightsMeasured
from nissa.pipeline.config import Groups
from nissa.pipeline.probes.model import Draw, Parts, group, layers_of, to_cpu, together, unsharded

__all__ = ["Before", "Drawn", "copied", "weights_measured"]

TELLS = 0.1
"""Standard error of an update ratio, relative to it, above which it is not told."""


class Drawn(NamedTuple):
    """Some elements of a parameter, as they were, and their places in memory."""

    places: Tensor
    values: Tensor


Before = Mapping[nn.Parameter, Tensor | Drawn]
"""What each parameter was."""


@torch.no_grad()
def copied(parts: Parts, draw: Draw | None = None) -> dict[nn.Parameter, Tensor | Drawn]:
    """The trainable parameters of each part, by themselves, as they are now. It takes as much memory as they do.

    Of a large one only what `draw` takes is copied, if it is given.
    """
    return {p: _kept(p, draw) for own in layers_of(parts).values() for p in own}


@torch.no_grad()
def weights_measured(parts: Parts, before: Before, groups: Groups = ()) -> WeightsMeasured:
    """Norms by layer or group, and the change since `before` relative to it, in one transfer from each device.

    A layer with a parameter that was not there before has no ratio, and neither has one that was 0, nor one of which
    a sample says too little. Raises TypeError for sharded parameters (DTensor, FSDP).
    """
    found = layers_of(parts)
    unsharded(p for own in found.values() for p in own)
    norms = iter(to_cpu([_norms(p, before.get(p)) for own in found.values() for p in own]))
    rows = {layer: [next(norms).tolist() for _ in own] for layer, own in found.items()}
    known = {layer: all(p in before for p in own) for layer, own in found.items()}
    layers = {layer: _layer(rows[layer], known[layer]) for layer in found}
    if not groups:
        return WeightsMeasured(layers=layers)
    told = {}
    for name, own in together(found, groups).items():
        figures = {one: {"norm": layers[one].norm, "update_ratio": layers[one].update_ratio} for one in own}
        told[name] = _layer([row for one in own for row in rows[one]], all(known[one] for one in own))
        told[name].group = group(name, figures)  # type: ignore[misc]  # nobody has seen it yet
    return WeightsMeasured(layers=told)


def _kept(p: nn.Parameter, draw: Draw | None) -> Tensor | Drawn:
    now = p.detach()
    if draw is None or now.is_complex() or not now.is_contiguous() or not draw.pays(now.numel()):
        return now.clone()
    places = torch.from_numpy(draw.places(now.numel())).to(now.device)
    return Drawn(places, now.view(-1)[places])


def _norms(now: Tensor, then: Tensor | Drawn | None) -> Tensor:
    """Norm now, norm then, norm of the change; of the squares of the last two the variances and the covariance: (6,).

    What comes from a parameter that was not there then is 0, and so are the errors of one that was copied whole.
    """
    wide = torch.float64 if now.dtype in {torch.float64, torch.complex128} else torch.float32
    if isinstance(then, Drawn):
        return torch.cat([torch.linalg.vector_norm(now, dtype=wide)[None].double(), _drawn(now, then)])
    # One after the other, so that no second copy of all weights is ever there.
    groups = [now, now.new_zeros(1), now.new_zeros(1)] if then is None else [now, then, now - then]
    norms = torch.stack([torch.linalg.vector_norm(_real(group), dtype=wide) for group in groups])
    return torch.cat([norms, norms.new_zeros(3)])


def _drawn(now: Tensor, then: Drawn) -> Tensor:
    """All but the norm now."""
    was = then.values.double()
    moved = now.detach().view(-1)[then.places].double() - was
    squares, n = torch.stack([was * was, moved * moved]), now.numel()
    (was_error, both), (_, moved_error) = squares.cov() * (n * n / len(was))
    return torch.stack([*(squares.mean(1) * n).sqrt(), was_error, moved_error, both])


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _layer(rows: list[list[float]], known: bool) -> LayerWeights:
    """From the figures of its parameters; `known` is whether all of them were there before."""
    columns = [*zip(*rows, strict=True)]
    now, then, moved = (hypot(*column) for column in columns[:3])
    ratio = moved / then if then and known else None
    if not any(columns[3]) or ratio is None:
        return LayerWeights(norm=now, update_ratio=ratio)
    if not isfinite(now):
        return LayerWeights(norm=now, update_ratio=nan)
    error = _error(ratio, then, *map(sum, columns[3:]))
    tells = error <= TELLS * ratio
    return LayerWeights(norm=now, update_ratio=ratio if tells else None, update_ratio_se=error if tells else None)


def _error(ratio: float, then: float, then_error: float, moved_error: float, both: float) -> float:
    """Standard error of the root of a ratio of squares, by the delta method."""
    share = ratio * ratio
    variance = moved_error - 2 * share * both + share * share * then_error
    return sqrt(max(0.0, variance)) / (2 * ratio * then * then) if ratio else 1.0
