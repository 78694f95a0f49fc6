"""The growth of a network, and the cost of a forward pass.

>>> growth_ratio(1000, 50), growth_ratio(0, 50), growth_ratio(1000, None)
(1.05, 1.0, None)
>>> round(compute_cost({"depthwise": 3, "conv_enhance": 2}), 2)
1.54
"""

from collections.abc import Mapping

__all__ = ["COMPUTE_MULTIPLIERS", "DEFAULT_MULTIPLIER", "compute_cost", "growth_ratio"]

COMPUTE_MULTIPLIERS: Mapping[str, float] = {"norm": 1.02, "depthwise": 1.08, "conv_enhance": 1.15, "attention": 1.35}
"""Estimated cost of a forward pass with one seed of a blueprint, relative to the host alone."""
DEFAULT_MULTIPLIER = 1.1
"""The same of a blueprint that is not listed."""


def growth_ratio(host_params: int | None, seed_params: int | None) -> float | None:
    """(host + seeds) / host; 1.0 of a host without parameters, None where a size was not told."""
    if host_params is None or seed_params is None:
        return None
    return (host_params + seed_params) / host_params if host_params else 1.0


def compute_cost(seeds: Mapping[str, int], multipliers: Mapping[str, float] = COMPUTE_MULTIPLIERS) -> float:
    """1 + sum((multiplier - 1) x count) over the seeds by blueprint. An estimate from constants."""
    return 1.0 + sum((multipliers.get(name, DEFAULT_MULTIPLIER) - 1.0) * count for name, count in seeds.items())
