"""Distributions of a tensor's elements: counts by the leading bits of each float, one pass, mergeable by addition.

The sign, the exponent and the first three bits of the mantissa of a float32 number it among 4,096 bins, eight to an
octave, which lie in the order of the numbers. bfloat16 has these bits too, and float16 converts exactly, so all three
give the same counts. Elements are taken to lie evenly in their bin, and inside the range of all. So a quantile, which
is numpy's linear one, is off by at most a bin (12.5%), and by far less where a bin holds many elements.

>>> values = torch.tensor([-2.0, 0.0, 0.0, 4000.0])
>>> quantiles(sketch(values)[None], torch.tensor([0.0, 0.5]), values.min()[None], values.max()[None])[0].tolist()
[-2.0, 0.0]
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = [
    "BINS",
    "BOUNDS",
    "BROKEN",
    "EXACT",
    "MIDDLE",
    "SHIFT",
    "named",
    "neighbours",
    "octaves",
    "quantiles",
    "sketch",
    "sketches",
]

BINS = 4096
EXACT = 4096
"""Elements of a layer up to which it is sorted instead: no more than its sketch has bins."""
MIDDLE = 2048
"""The bin of 0; that of -0 is the one below it."""
SHIFT = 20
"""Bits of a float32 that do not count."""
BROKEN = 8
"""Bins at either end that hold no number: exponent 255."""
_LEAST = -129
"""The octave of the smallest magnitudes that are not taken for 0."""


class _Bounds(NamedTuple):
    """Of the bins (4096,), in float64: their lower and upper ends. Those of 0 have no width."""

    low: Tensor
    high: Tensor


def sketch(values: Tensor) -> Tensor:
    """Elements by bin, of shape (4096,), on the device of `values`, of any shape, strides and float type."""
    return sketches([values.reshape(-1)], [0], 1).view(-1)


def sketches(values: Sequence[Tensor], rows: Sequence[int], n: int) -> Tensor:
    """Elements by bin of flat tensors on one device: int64 (n, 4096). Each counts in its row."""
    codes = _codes(torch.cat(list(values)))
    for own, row in zip(torch.split(codes, [len(own) for own in values]), rows, strict=True):
        own.add_(row * BINS + MIDDLE)
    count = torch.bincount if codes.device.type == "cpu" else _scattered
    return count(codes, minlength=n * BINS).view(-1, BINS)


def quantiles(counts: Tensor, at: Tensor, least: Tensor, largest: Tensor) -> Tensor:
    """Of each row of counts (layers, 4096) the quantiles `at` (q,), each 0-1: (layers, q) in float64.

    Of the finite elements, which lie from `least` to `largest` (layers,); NaN where there is none. Nothing waits for
    the device of the counts, on which all happens.
    """
    # Plain functions in place of indices, which fake tensors of a device that is not there do not know.
    numbers = counts.narrow(1, BROKEN, BINS - 2 * BROKEN)
    below = numbers.cumsum(1)
    n = below.narrow(1, -1, 1)
    lower, upper, part = neighbours(n, at)
    low, high = BOUNDS if counts.device.type == "cpu" else _bounds(counts.device)

    def value(of: Tensor) -> Tensor:
        place = torch.searchsorted(below, of, right=True).clamp_(max=BINS - 2 * BROKEN - 1)
        here = numbers.gather(1, place)
        start = low.take(place)
        inside = ((of - (below.gather(1, place) - here)).double() + 0.5) / here
        between = start + (high.take(place) - start) * inside
        return between.clamp(least.double().unsqueeze(1), largest.double().unsqueeze(1))

    return torch.where(n > 0, torch.lerp(value(lower), value(upper), part), torch.nan)


def neighbours(n: Tensor, at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of n (layers, 1) elements, from 0, the two around each quantile, and how far on from the first it lies, 0-1."""
    most = (n - 1).clamp(min=0)
    rank = at.double() * most
    lower = rank.long()
    return lower, torch.minimum(lower + 1, most), rank - lower


def octaves(counts: Tensor) -> Tensor:
    """Of each row of counts (layers, 4096), finite elements by the octave of their magnitude: (layers, 257).

    The first is from 2^-129 to 2^-128; what is smaller counts as 0 and is left out.
    """
    negative, positive = counts.split(MIDDLE, 1)  # type: ignore[no-untyped-call]
    by_magnitude = negative.flip(1) + positive
    _, *tiny, rest = by_magnitude.split([1, 1, 2, 4, MIDDLE - 8], 1)
    whole = rest.narrow(1, 0, MIDDLE - 8 - BROKEN).unflatten(1, (-1, 8))
    return torch.cat([*(own.sum(1, True) for own in tiny), whole.sum(2)], 1)


def named(counts: Sequence[int]) -> dict[str, int]:
    """What `octaves` found in a row, by the exponent of the lower end of each octave: -3 is from 1/8 to 1/4."""
    return {str(_LEAST + i): int(n) for i, n in enumerate(counts) if n}


def _scattered(codes: Tensor, minlength: int) -> Tensor:
    """What bincount gives, which on a GPU waits to learn how long its output is; this waits for nothing."""
    where = codes.long()
    return where.new_zeros(minlength).scatter_add_(0, where, where.new_ones(1).expand_as(where))


def _codes(values: Tensor) -> Tensor:
    """The bin of each element of a flat tensor, less that of 0: int32."""
    if values.dtype == torch.bfloat16:
        bits = values.view(torch.int16).int() >> (SHIFT - 16)
    else:
        bits = values.float().view(torch.int32) >> SHIFT
    # The larger a negative number's other bits, the lower it lies.
    return bits.bitwise_xor_((bits >> 31).bitwise_and_(MIDDLE - 1))


def _bounds(device: torch.device) -> _Bounds:
    n = MIDDLE - BROKEN
    steps = torch.arange(n + 1, dtype=torch.int32, device=device)
    # The first bin is taken for 0, so the second begins there.
    edges = torch.where(steps > 1, steps << SHIFT, 0).view(torch.float32).double().clamp_(max=_LARGEST)
    low, high = edges.narrow(0, 0, n), edges.narrow(0, 1, n)
    return _Bounds(torch.cat([-high.flip(0), low]), torch.cat([-low.flip(0), high]))


_LARGEST = torch.finfo(torch.float32).max
BOUNDS = _bounds(torch.device("cpu"))
