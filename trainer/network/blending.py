"""How a seed's share of the output rises from 0 to 1 while it is blended in."""

from collections.abc import Callable
from math import cos, exp, pi

__all__ = ["BLENDS", "alpha_at"]

_STEEPNESS = 12.0


def alpha_at(blend: str, progress: float) -> float:
    """The share, 0 to 1, at a `progress` of 0 to 1. Raises KeyError for a curve that there is not."""
    return BLENDS[blend](min(max(progress, 0.0), 1.0))


def _linear(progress: float) -> float:
    return progress


def _cosine(progress: float) -> float:
    return (1 - cos(pi * progress)) / 2


def _sigmoid(progress: float) -> float:
    # A logistic curve never reaches its ends, so it is stretched to start at 0 and end at 1.
    low, high = _logistic(-0.5), _logistic(0.5)
    return (_logistic(progress - 0.5) - low) / (high - low)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-_STEEPNESS * x))


BLENDS: dict[str, Callable[[float], float]] = {"linear": _linear, "cosine": _cosine, "sigmoid": _sigmoid}
"""Curves by name, each from progress to share."""
