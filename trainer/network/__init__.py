"""What is trained? A small host with slots, seeds built from blueprints, and gates that say when a seed may go on."""

from nissa.trainer.network.blending import BLENDS
from nissa.trainer.network.blueprints import BLUEPRINTS
from nissa.trainer.network.flops import host_flops
from nissa.trainer.network.gates import GATES, checks, reason
from nissa.trainer.network.host import ARCHITECTURE, CHANNELS, SLOT_CHANNELS, Channels, n_params, new_host
from nissa.trainer.network.model import Model
from nissa.trainer.network.optimizer import LEARNING_RATE
from nissa.trainer.network.seed import Seed
from nissa.trainer.network.slot import LIVE, STAGES, Slot

__all__ = [
    "ARCHITECTURE",
    "BLENDS",
    "BLUEPRINTS",
    "CHANNELS",
    "GATES",
    "LEARNING_RATE",
    "LIVE",
    "SLOT_CHANNELS",
    "STAGES",
    "Channels",
    "Model",
    "Seed",
    "Slot",
    "checks",
    "host_flops",
    "n_params",
    "new_host",
    "reason",
]
