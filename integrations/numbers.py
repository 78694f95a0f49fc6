"""Which of the values that a trainer logs are numbers? One that is none would lose the others that it came with.

>>> numbers({"loss": 0.5, "note": "text", "nothing": None, "norm": torch.tensor([3.0]), "image": torch.zeros(2, 2)})
{'loss': 0.5, 'norm': tensor([3.])}
"""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import torch

__all__ = ["numbers"]


def numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are numbers, also as a tensor of one element."""
    return {name: value for name, value in values.items() if _is_one(value)}


def _is_one(value: Any) -> bool:
    return value.numel() == 1 if isinstance(value, torch.Tensor) else isinstance(value, Real)
