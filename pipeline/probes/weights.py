"""How large are the weights, and how far did they move? A copy before an epoch, two norms after it.

>>> layer = nn.Linear(2, 1, bias=False)
>>> _ = nn.init.constant_(layer.weight, 2.0)
>>> before = copied({"host": layer})
>>> _ = nn.init.constant_(layer.weight, 3.0)
>>> weights_measured({"host": layer}, before).layers["host"].update_ratio
0.5
"""

from collections.abc import Mapping
from math import hypot

import torch
from torch import Tensor, nn

from nissa.events.kinds import LayerWeights, WeightsMeasured
from nissa.pipeline.probes.model import Parts, layers_of, to_cpu, unsharded

__all__ = ["copied", "weights_measured"]


@torch.no_grad()
def copied(parts: Parts) -> dict[nn.Parameter, Tensor]:
    """The trainable parameters of each part, by themselves, as they are now. It takes as much memory as they do."""
    return {p: p.detach().clone() for own in layers_of(parts).values() for p in own}


@torch.no_grad()
def weights_measured(parts: Parts, before: Mapping[nn.Parameter, Tensor]) -> WeightsMeasured:
    """Norms by layer, and the change since the copy `before` relative to it, in one transfer from each device.

    A layer with a parameter that was not there before has no ratio, and neither has one that was 0. Raises TypeError
    for sharded parameters (DTensor, FSDP).
    """
    found = layers_of(parts)
    unsharded(p for own in found.values() for p in own)
    norms = iter(to_cpu([_norms(p, before.get(p)) for own in found.values() for p in own]))
    rows = {layer: [next(norms).tolist() for _ in own] for layer, own in found.items()}
    return WeightsMeasured(layers={layer: _layer(own, rows[layer], before) for layer, own in found.items()})


def _norms(now: Tensor, then: Tensor | None) -> Tensor:
    """Norm now, norm then, and norm of the change: (3,); the last two are 0 if it was not there then."""
    wide = torch.float64 if now.dtype in {torch.float64, torch.complex128} else torch.float32
    # One after the other, so that no second copy of all weights is ever there.
    groups = [now, now.new_zeros(1), now.new_zeros(1)] if then is None else [now, then, now - then]
    return torch.stack([torch.linalg.vector_norm(_real(group), dtype=wide) for group in groups])


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _layer(own: list[nn.Parameter], norms: list[list[float]], before: Mapping[nn.Parameter, Tensor]) -> LayerWeights:
    now, then, moved = (hypot(*column) for column in zip(*norms, strict=True))
    return LayerWeights(norm=now, update_ratio=moved / then if then and all(p in before for p in own) else None)
