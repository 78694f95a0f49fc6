"""Quantiles from the sketches of a group of layers, all at once, and of the bins in use alone.

>>> from nissa.pipeline.probes.gradients.bit_sketch import MIDDLE
>>> counts = np.zeros((2, BINS), np.int64)
>>> counts[0, MIDDLE] = 3
>>> percentiles(counts, (0.5,))
[[0.0], [nan]]
"""

import numpy as np
import numpy.typing as npt

from nissa.pipeline.probes.gradients.bit_sketch import BINS, BOUNDS, BROKEN

__all__ = ["percentiles"]

_LOW, _WIDTH = BOUNDS.low.numpy(), (BOUNDS.high - BOUNDS.low).numpy()


def percentiles(counts: npt.NDArray[np.int64], points: tuple[float, ...]) -> list[list[float]]:
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
    rank = np.maximum(n - 1, 0) * np.array(points)
    place = np.minimum(np.searchsorted(below, base + np.floor(rank), side="right"), len(used) - 1)
    own, bins = here[place], used[place] % BINS - BROKEN
    inside = np.minimum((rank - (below[place] - own - base) + 0.5) / own, 1.0)
    found: list[list[float]] = np.where(n > 0, _LOW[bins] + _WIDTH[bins] * inside, np.nan).tolist()
    return found
