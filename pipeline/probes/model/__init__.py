"""What do all probes need of a model? Its layers by name, its state back as it was, and tensors off the device."""

from nissa.pipeline.probes.model.layers import layers_of, modules, unsharded, unwrapped
from nissa.pipeline.probes.model.restored import untouched
from nissa.pipeline.probes.model.transfer import Late, here, sent

__all__ = ["Late", "here", "layers_of", "modules", "sent", "unsharded", "untouched", "unwrapped"]
