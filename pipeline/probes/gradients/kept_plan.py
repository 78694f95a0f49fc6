"""The plan of the last look, and whether it still holds: a network is walked only when it may have changed.

>>> from torch import nn
>>> model, kept = nn.Sequential(nn.Linear(1, 1)), KeptPlan()
>>> first = kept.of({"host": model}, "all")
>>> kept.of({"host": model}, "all") is first
True
>>> _ = model.append(nn.Linear(1, 1))
>>> kept.of({"host": model}, "all").layers
['host.0', 'host.1']
"""

from collections.abc import Sequence
from typing import Literal

from nissa.pipeline.config import matches
from nissa.pipeline.probes.gradients.grouped import Layers, Plan
from nissa.pipeline.probes.model import Parts, Structure, layers_of, unflattened

__all__ = ["KeptPlan"]

_Wanted = Literal["all"] | Sequence[str]


class KeptPlan:
    """At most one plan. While it is kept, it holds on to the parameters of the network."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._wanted: _Wanted = "all"
        self._structure: Structure | None = None

    def of(self, parts: Parts, wanted: _Wanted, *, anew: bool = False) -> Plan:
        """The plan of a network as it is now, with the layers `wanted` shown; walked anew if asked for, or if need be.

        Raises TypeError for parameters of FullyShardedDataParallel.
        """
        if not anew and self._plan and self._structure and self._wanted == wanted and self._structure.holds(parts):
            return self._plan
        layers = layers_of(parts)
        unflattened(p for own in layers.values() for p in own)
        plan = self.of_layers(layers, wanted)
        self._structure = Structure(parts)
        return plan

    def of_layers(self, layers: Layers, wanted: _Wanted) -> Plan:
        """The plan of layers that were found just now."""
        self._structure = None
        if self._plan is None or self._wanted != wanted or not self._plan.fits(layers):
            self._plan, self._wanted = Plan(layers, lambda layer: _shown(layer, wanted)), wanted
        return self._plan

    def drop(self) -> None:
        """Walk the network anew at the next look."""
        self._plan = self._structure = None


def _shown(layer: str, wanted: _Wanted) -> bool:
    return wanted == "all" or any(matches(layer, name) for name in wanted)
