"""How are a tensor's elements distributed? A count by the leading bits of each float: one pass, mergeable by addition.

The sign, the exponent and the first three bits of the mantissa of a float32 number it among 4,096 bins, eight to an
octave. bfloat16 has these bits too, and float16 converts exactly, so all three give the same counts. A quantile is
off by at most a bin (12.5%), and by far less where a bin holds many elements, because it is interpolated inside.

>>> counts = sketch(torch.tensor([-2.0, 0.0, 0.0, 4000.0]))
>>> shares(counts[None])[0].tolist()  # of zeros, vanishing, exploding; and the number of NaNs and infinities
[0.5, 0.5, 0.25, 0.0]
"""

import torch
from torch import Tensor

__all__ = ["BINS", "EXPLODING", "VANISHING", "quantiles", "shares", "sketch"]

BINS = 4096
VANISHING = 1e-7
"""Magnitudes below are vanishing."""
EXPLODING = 1e3
"""Magnitudes above are exploding."""
_INFINITY = 2040
"""The first bin, but for the sign, that holds no number: exponent 255."""


def sketch(values: Tensor) -> Tensor:
    """Elements by bin, int64 of shape (4096,), on the device of `values`, of any shape, strides and float type."""
    codes = _codes(values).reshape(-1)
    return torch.bincount(codes, minlength=BINS) if codes.device.type == "cpu" else _scattered(codes)


def shares(counts: Tensor) -> Tensor:
    """Of each row of counts (layers, 4096), on the CPU: (layers, 4) in float64.

    The shares of elements that are 0, that are below `VANISHING` and that are above `EXPLODING` but finite, and the
    number of those that are not finite. Zeros (below 2^-129 in magnitude) and the last are exact; a limit inside a bin
    takes its part of it.
    """
    found = counts.double() @ _MARKS
    found[:, :3] /= counts.sum(1, keepdim=True)
    return found


def quantiles(counts: Tensor, at: Tensor) -> Tensor:
    """Of each row of counts (layers, 4096), on the CPU, the quantiles `at` (q,), each 0-1: (layers, q) in float64.

    Of the finite elements; NaN where there is none.
    """
    half = BINS // 2
    ordered = torch.cat([counts[:, half : half + _INFINITY].flip(1), counts[:, :_INFINITY]], 1).double()
    below = ordered.cumsum(1)
    n = below[:, -1:]
    rank = at.double() * (n - 1).clamp(min=0)
    place = torch.searchsorted(below, rank, right=True).clamp(max=2 * _INFINITY - 1)
    here = ordered.gather(1, place)
    inside = ((rank - below.gather(1, place) + here + 0.5) / here).clamp(max=1)
    found = _LOW[place] + (_HIGH - _LOW)[place] * inside
    return torch.where(n > 0, found, torch.nan)


def _scattered(codes: Tensor) -> Tensor:
    """What bincount gives, which on a GPU waits to learn how long its output is; this waits for nothing."""
    where = codes.long()
    return where.new_zeros(BINS).scatter_add_(0, where, where.new_ones(1).expand_as(where))


def _codes(values: Tensor) -> Tensor:
    if values.dtype == torch.bfloat16:
        return (values.view(torch.int16) >> 4).bitwise_and_(BINS - 1)
    return (values.float().view(torch.int32) >> 20).bitwise_and_(BINS - 1)


def _magnitudes() -> tuple[Tensor, Tensor]:
    """Lower and upper bound of the bins 0 to 2039. The first is taken for 0."""
    edges = (torch.arange(_INFINITY + 1, dtype=torch.int32) << 20).view(torch.float32).double()
    edges[1], edges[-1] = 0.0, torch.finfo(torch.float32).max
    return edges[:-1], edges[1:]


def _marks() -> Tensor:
    """What an element of each bin adds to the zeros, the vanishing, the exploding, and those that are not finite."""
    low, high = _magnitudes()
    marks = torch.zeros(2, BINS // 2, 4, dtype=torch.float64)
    marks[:, 0, 0] = 1.0
    for column, limit in ((1, VANISHING), (2, EXPLODING)):
        marks[:, :_INFINITY, column] = ((limit - low) / (high - low)).nan_to_num(1.0).clamp(0, 1)
    marks[:, :_INFINITY, 2] = 1 - marks[:, :_INFINITY, 2]
    marks[:, _INFINITY:, 3] = 1.0
    return marks.view(BINS, 4)


# The bins of finite numbers from the lowest to the highest.
_LOW = torch.cat([-_magnitudes()[1].flip(0), _magnitudes()[0]])
_HIGH = torch.cat([-_magnitudes()[0].flip(0), _magnitudes()[1]])
_MARKS = _marks()
