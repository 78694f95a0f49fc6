"""How do events get from a trainer to operators and sinks? `Telemetry` is what a trainer holds, live.

`nissa.pipeline.replay` sends a recorded run through the same operators; it loads neither threads nor servers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nissa.pipeline.emitter import Emitter
    from nissa.pipeline.replay import Replay
    from nissa.pipeline.telemetry import Telemetry

__all__ = ["Emitter", "Replay", "Telemetry"]

_HOMES = {
    "Emitter": "nissa.pipeline.emitter",
    "Replay": "nissa.pipeline.replay",
    "Telemetry": "nissa.pipeline.telemetry",
}


def __getattr__(name: str) -> Any:
    """Names are resolved on first use: whoever imports a part below runs this file, and need not load the rest."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
