"""What does one process add to the norm of a gradient that lies in many? Squares of all add up to that of the whole.

A part that several processes hold, as where a machine shards and others replicate it, counts once.

>>> layer = torch.nn.Linear(2, 1, bias=False)
>>> layer(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> share_of(Reduced.of({"host": [layer.weight]})).item(), world_size()
(5.0, 1)
"""

from math import prod, sqrt

import torch
from torch import Tensor, distributed

from nissa.pipeline.probes.gradients.step_gradients import Reduced
from nissa.pipeline.probes.model import belongs, is_shard

__all__ = ["share_of", "world_size"]


def share_of(grads: Reduced, part: str = "host") -> Tensor:
    """The norm of what this process holds, each gradient by the root of the number of processes that hold the same."""
    own = [(grads.sizes[i], grads.params[i]) for i, grad in enumerate(grads.known) if belongs(grad.layer, part)]
    if not own:
        return torch.zeros(())
    device = own[0][0].device
    shares: Tensor = torch.linalg.vector_norm(torch.stack([size.to(device) / sqrt(_holders(p)) for size, p in own]))
    return shares


def world_size() -> int:
    """Processes of the job; 1 where there is none."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def _holders(parameter: Tensor) -> int:
    """How many processes hold the same part of it: all of them, unless it is sharded."""
    if not is_shard(parameter):
        return world_size()
    mesh, placements = parameter.device_mesh, parameter.placements  # type: ignore[attr-defined]
    return prod(mesh.size(dim) for dim, placement in enumerate(placements) if placement.is_replicate())
