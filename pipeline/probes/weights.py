"""How large are the weights, and how far did they move? A copy before an epoch, two norms after it.

>>> layer = nn.Linear(2, 1, bias=False)
>>> _ = nn.init.constant_(layer.weight, 2.0)
>>> before = copied({"host": layer})
>>> _ = nn.init.constant_(layer.weight, 3.0)
>>> weights_measured({"host": layer}, before).layers["host"].update_ratio
0.5
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nissa.events.kinds import LayerWeights, WeightsMeasured
from nissa.pipeline.probes.layers import layers

__all__ = ["copied", "weights_measured"]


@torch.no_grad()
def copied(parts: Mapping[str, nn.Module]) -> dict[nn.Parameter, Tensor]:
    """The trainable parameters of each part, by themselves, as they are now. It takes as much memory as they do."""
    return {p: p.detach().clone() for own in layers(parts).values() for p in own}


@torch.no_grad()
def weights_measured(parts: Mapping[str, nn.Module], before: Mapping[nn.Parameter, Tensor]) -> WeightsMeasured:
    """Norms by layer, and the change since the copy `before` relative to it; all on one device, in one transfer.

    A layer with a parameter that was not there before has no ratio, and neither has one that was 0.
    """
    found = layers(parts)
    if not found:
        return WeightsMeasured(layers={})
    now = [p.detach() for own in found.values() for p in own]
    then = [before.get(p, p.detach()) for own in found.values() for p in own]
    norms = [torch._foreach_norm(group) for group in (now, then, [a - b for a, b in zip(now, then, strict=True)])]
    squares = torch.stack([torch.stack(group).double().square() for group in norms], 1)
    by_layer = torch.stack([part.sum(0) for part in torch.split(squares, [len(own) for own in found.values()])])
    rows = zip(found.items(), by_layer.sqrt().tolist(), strict=True)
    return WeightsMeasured(
        layers={
            layer: LayerWeights(norm=norm, update_ratio=moved / old if old and all(p in before for p in own) else None)
            for (layer, own), (norm, old, moved) in rows
        }
    )
