"""What sorting tells of gradients: percentiles of small ones, as numpy has them, and the range of any.

>>> values = np.array([1.0, np.nan, 2.0, 4.0], np.float32)
>>> sorted_percentiles(values, (0.0, 0.25, 0.5)), finite_range(values)
([1.0, 1.5, 2.0], (1.0, 4.0))
"""

import numpy as np
import numpy.typing as npt

from nissa.pipeline.probes.gradients.grouped.workspace import Magnitudes

__all__ = ["finite_range", "neighbours", "sorted_percentiles"]


def sorted_percentiles(values: Magnitudes, points: tuple[float, ...]) -> list[float]:
    """Of the finite ones, interpolated linearly between the two around (n - 1) q; NaN where there is none."""
    ordered = np.sort(_finite(values)).astype(np.float64)
    if not len(ordered):
        return [np.nan] * len(points)
    below, above, part = neighbours(np.array(len(ordered)), points)
    found: list[float] = (ordered[below] + (ordered[above] - ordered[below]) * part).tolist()
    return found


def neighbours(
    n: npt.NDArray[np.int64], points: tuple[float, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Of n elements, from 0, the two around each quantile, and how far on from the first it lies, 0-1."""
    most = np.maximum(n - 1, 0)
    rank = most * np.array(points)
    below = rank.astype(np.int64)
    return below, np.minimum(below + 1, most), rank - below


def finite_range(values: Magnitudes) -> tuple[float, float]:
    """The least and the largest finite one; infinite, the wrong way round, where there is none."""
    least, largest = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if not (np.isfinite(least) and np.isfinite(largest)):
        own = _finite(values)
        return float(own.min(initial=np.inf)), float(own.max(initial=-np.inf))
    return least, largest


def _finite(values: Magnitudes) -> Magnitudes:
    """Those that are finite: the same memory where all are."""
    whole = np.isfinite(values)
    return values if whole.all() else values[whole]
