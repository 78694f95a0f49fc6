"""Which alerts open a trace? All, but for those that a configuration's section `traces` switches off by name.

>>> sorted(switched_off({"traces": {"gate_failure": False, "stage_transition": True, "kl_spike": False}}))
['gate_failure']
"""

from collections.abc import Mapping
from typing import Any

from nissa.events.vocabulary import ENTROPY_COLLAPSE, GATE_FAILURE, STAGE_TRANSITION, VALUE_COLLAPSE

__all__ = ["SWITCHES", "switched_off"]

SWITCHES = tuple(alert.name for alert in (STAGE_TRANSITION, GATE_FAILURE, VALUE_COLLAPSE, ENTROPY_COLLAPSE))
"""Those that can be."""


def switched_off(config: Mapping[str, Any]) -> frozenset[str]:
    """The alerts that open no trace; what a log of another's says may be no section."""
    section = config.get("traces")
    return frozenset(name for name in SWITCHES if isinstance(section, Mapping) and section.get(name) is False)
