"""What do all probes need of a model? Its layers by name, its state back as it was, and tensors off the device."""

from nissa.pipeline.probes.model.drawing import Draw
from nissa.pipeline.probes.model.layer_groups import group, together
from nissa.pipeline.probes.model.layers import (
    Parts,
    belongs,
    held,
    is_shard,
    layers_of,
    modules_of,
    unflattened,
    unsharded,
    unwrapped,
)
from nissa.pipeline.probes.model.restored import untouched
from nissa.pipeline.probes.model.structure import Structure
from nissa.pipeline.probes.model.transfer import Pending, to_cpu

__all__ = [
    "Draw",
    "Parts",
    "Pending",
    "Structure",
    "belongs",
    "group",
    "held",
    "is_shard",
    "layers_of",
    "modules_of",
    "to_cpu",
    "together",
    "unflattened",
    "unsharded",
    "untouched",
    "unwrapped",
]
