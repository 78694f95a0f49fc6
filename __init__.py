"""Telemetry for morphogenetic training: neural networks that grow while they train.

A trainer holds one `Telemetry` and emits what happens. `Watch` looks inside its networks, and `TelemetryConfig` says
what is measured. `open` reads recorded runs as data frames, and `open_pack` a data set that was made of runs. Events
are in `nissa.events`, operators in `nissa.operators`, sinks in `nissa.sinks`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nissa.pipeline.config import TelemetryConfig
    from nissa.pipeline.packs import open_pack
    from nissa.pipeline.probes import Watch
    from nissa.pipeline.query import open
    from nissa.pipeline.telemetry import Telemetry

__all__ = ["Telemetry", "TelemetryConfig", "Watch", "open", "open_pack"]

_HOMES = {
    "Telemetry": "nissa.pipeline.telemetry",
    "TelemetryConfig": "nissa.pipeline.config.settings",
    "Watch": "nissa.pipeline.probes",
    "open": "nissa.pipeline.query",
    "open_pack": "nissa.pipeline.packs",
}


def __getattr__(name: str) -> Any:
    """Names are resolved on first use: whoever imports a part of Nissa runs this file, and need not load the rest."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
