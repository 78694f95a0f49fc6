"""How are decisions carried out? Seeds germinate, pass their gates, fossilize or are culled."""

from nissa.trainer.growth.growth import Growth
from nissa.trainer.growth.lifecycle import PATIENCE

__all__ = ["PATIENCE", "Growth"]
