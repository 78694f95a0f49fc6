"""Does Nissa work with the trainer that I have? One line each for Lightning, Hugging Face and Stable-Baselines3.

A library is imported when its name is taken from here, and not before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nissa.sinks.packages import needed

if TYPE_CHECKING:
    from nissa.integrations.lightning import LightningCallback
    from nissa.integrations.lightning_logger import LightningLogger
    from nissa.integrations.stable_baselines3 import StableBaselines3Callback
    from nissa.integrations.transformers import TransformersCallback

__all__ = ["LightningCallback", "LightningLogger", "StableBaselines3Callback", "TransformersCallback"]

_HOMES = {
    "LightningCallback": ("lightning", "lightning"),
    "LightningLogger": ("lightning_logger", "lightning"),
    "StableBaselines3Callback": ("stable_baselines3", "stable_baselines3"),
    "TransformersCallback": ("transformers", "transformers"),
}
"""The file of each name, and the package that it needs."""


def __getattr__(name: str) -> Any:
    """Names are resolved on first use. Raises MissingPackageError, which says what to install."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    file, package = _HOMES[name]
    needed(package, f"nissa[{package.replace('_', '-')}]")
    return getattr(import_module(f"{__name__}.{file}"), name)
