"""Quantiles from the sketches of a group of layers, all at once, and of the bins in use alone.

>>> from nissa.pipeline.probes.gradients.bit_sketch import MIDDLE
>>> counts = np.zeros((2, BINS), np.int64)
>>> counts[0, MIDDLE] = 3
>>> percentiles(counts, (0.5,), np.zeros(2), np.zeros(2))
[[0.0], [nan]]
"""

import numpy as np
import numpy.typing as npt

from nissa.pipeline.probes.gradients.bit_sketch import BINS, BOUNDS, BROKEN
from nissa.pipeline.probes.gradients.grouped.order_statistics import neighbours

__all__ = ["percentiles"]

_LOW, _WIDTH = BOUNDS.low.numpy(), (BOUNDS.high - BOUNDS.low).numpy()


def percentiles(
    counts: npt.NDArray[np.int64],
    points: tuple[float, ...],
    least: npt.NDArray[np.float64],
    largest: npt.NDArray[np.float64],
) -> list[list[float]]:
    """What `bit_sketch.quantiles` finds in counts (layers, 4096), which afterwards are without broken elements."""
    counts[:, :BROKEN] = counts[:, -BROKEN:] = 0
    flat = counts.reshape(-1)
    # To find what is not 0 takes many times longer in numbers than in marks.
    used = np.flatnonzero(flat != 0)
    if not len(used):
        return [[np.nan] * len(points) for _ in counts]
    here = flat[used]
    below = np.cumsum(here)
    # In all up to each layer; of the layer itself it is what lies between.
    ends = np.concatenate([[0], below])[np.searchsorted(used, np.arange(len(counts) + 1) * BINS)]
    n, base = np.diff(ends)[:, None], ends[:-1, None]
    lower, upper, part = neighbours(n, points)

    def value(of: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        place = np.minimum(np.searchsorted(below, base + of, side="right"), len(used) - 1)
        own, bins = here[place], used[place] % BINS - BROKEN
        inside = (of - (below[place] - own - base) + 0.5) / own
        between: npt.NDArray[np.float64] = _LOW[bins] + _WIDTH[bins] * inside
        return np.clip(between, least[:, None], largest[:, None])

    first = value(lower)
    found: list[list[float]] = np.where(n > 0, first + (value(upper) - first) * part, np.nan).tolist()
    return found
