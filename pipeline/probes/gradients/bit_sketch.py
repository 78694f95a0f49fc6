"""Distributions of a tensor's elements: counts by the leading bits of each float, one pass, mergeable by addition.

The sign, the exponent and the first three bits of the mantissa of a float32 number it among 4,096 bins, eight to an
octave. bfloat16 has these bits too, and float16 converts exactly, so all three give the same counts. A quantile is
off by at most a bin (12.5%), and by far less where a bin holds many elements, because it is interpolated inside.

>>> counts = sketch(torch.tensor([-2.0, 0.0, 0.0, 4000.0]))
>>> shares(counts[None], vanishing=3.0)[0].tolist()  # of zeros, vanishing
[0.5, 0.75]
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

__all__ = ["BINS", "octaves", "quantiles", "shares", "sketch", "sketches"]

BINS = 4096
_INFINITY = 2040
"""The first bin, but for the sign, that holds no number: exponent 255."""
_LEAST = -129
"""The octave of the smallest magnitudes that are not taken for 0."""


def sketch(values: Tensor) -> Tensor:
    """Elements by bin, of shape (4096,), on the device of `values`, of any shape, strides and float type."""
    return sketches([values.reshape(-1)], [0])[0]


def sketches(values: Sequence[Tensor], rows: Sequence[int]) -> Tensor:
    """Elements by bin of flat tensors on one device: int64 (rows, 4096). Each counts in its row; these go upwards."""
    codes = _codes(torch.cat(list(values)))
    for own, row in zip(torch.split(codes, [len(own) for own in values]), rows, strict=True):
        if row:
            own.add_(row * BINS)
    count = torch.bincount if codes.device.type == "cpu" else _scattered
    return count(codes, minlength=(rows[-1] + 1) * BINS).view(-1, BINS)


def shares(counts: Tensor, *, vanishing: float) -> Tensor:
    """Of each row of counts (layers, 4096), on the CPU: (layers, 2) in float64.

    The shares of elements that are 0, and that are below `vanishing`. Zeros (below 2^-129 in magnitude) are exact; a
    limit inside a bin takes its part of it.
    """
    return counts.double() @ _marks(vanishing) / counts.sum(1, keepdim=True)


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


def octaves(counts: Tensor) -> list[dict[int, int]]:
    """Of each row of counts (layers, 4096), on the CPU: finite elements by the octave of their magnitude, without 0.

    An octave is called by the exponent of its lower end: -3 is from 1/8 to 1/4.
    """
    by_exponent = counts.view(-1, 2, 256, 8).sum(1)
    tiny = by_exponent[:, 0]
    found = torch.cat(
        [tiny[:, 1:2], tiny[:, 2:4].sum(1, True), tiny[:, 4:].sum(1, True), by_exponent[:, 1:-1].sum(2)], 1
    )
    return [{_LEAST + i: int(n) for i, n in enumerate(row) if n} for row in found.tolist()]


def _scattered(codes: Tensor, minlength: int) -> Tensor:
    """What bincount gives, which on a GPU waits to learn how long its output is; this waits for nothing."""
    where = codes.long()
    return where.new_zeros(minlength).scatter_add_(0, where, where.new_ones(1).expand_as(where))


def _codes(values: Tensor) -> Tensor:
    """The bin of each element of a flat tensor: int32."""
    if values.dtype == torch.bfloat16:
        return (values.view(torch.int16).int() >> 4).bitwise_and_(BINS - 1)
    return (values.float().view(torch.int32) >> 20).bitwise_and_(BINS - 1)


def _magnitudes() -> tuple[Tensor, Tensor]:
    """Lower and upper bound of the bins 0 to 2039. The first is taken for 0."""
    edges = (torch.arange(_INFINITY + 1, dtype=torch.int32, device="cpu") << 20).view(torch.float32).double()
    edges[1], edges[-1] = 0.0, torch.finfo(torch.float32).max
    return edges[:-1], edges[1:]


@cache
def _marks(vanishing: float) -> Tensor:
    """What an element of each bin adds to the zeros and the vanishing."""
    low, high = _magnitudes()
    marks = torch.zeros(2, BINS // 2, 2, dtype=torch.float64, device="cpu")
    marks[:, 0, 0] = 1.0
    marks[:, :_INFINITY, 1] = ((vanishing - low) / (high - low)).nan_to_num(1.0).clamp(0, 1)
    return marks.view(BINS, 2)


# The bins of finite numbers from the lowest to the highest.
_LOW = torch.cat([-_magnitudes()[1].flip(0), _magnitudes()[0]])
_HIGH = torch.cat([-_magnitudes()[0].flip(0), _magnitudes()[1]])
