"""What does a run of esper-lite say, in Nissa's events? Translated from its log, or live behind its hub.

`NissaBackend` is resolved on first use: it brings the live pipeline, which a reader of logs does not need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nissa.pipeline.sources.esper.log import read_esper, refusal

if TYPE_CHECKING:
    from nissa.pipeline.sources.esper.live import NissaBackend

__all__ = ["NissaBackend", "read_esper", "refusal"]


def __getattr__(name: str) -> Any:
    if name != "NissaBackend":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("nissa.pipeline.sources.esper.live").NissaBackend
