"""The sketch counts every float in its bin, adds up, and answers quantiles as numpy does, within its bins."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nissa.pipeline.probes.gradients.bit_sketch import BINS, MIDDLE, named, octaves, quantiles, sketch, sketches

AT = (0.01, 0.25, 0.5, 0.75, 0.99)
POINTS = torch.tensor(AT, dtype=torch.float64)


def read(values: torch.Tensor) -> np.ndarray:
    """The quantiles of a sketch, inside the range of the finite values."""
    own = values[values.isfinite()] if values.isfinite().any() else torch.zeros(1)
    return quantiles(sketch(values)[None], POINTS, own.min()[None], own.max()[None])[0].numpy()


floats = arrays(np.float32, array_shapes(max_dims=2, max_side=50), elements=st.floats(width=32))


@given(floats, floats)
def test_sketches_merge_by_addition(one: np.ndarray, other: np.ndarray) -> None:
    both = torch.tensor(np.concatenate([one.ravel(), other.ravel()]))
    assert torch.equal(sketch(torch.tensor(one)) + sketch(torch.tensor(other)), sketch(both))


@given(floats)
def test_bins_lie_in_the_order_of_the_numbers(values: np.ndarray) -> None:
    numbers = np.unique(values[~np.isnan(values)])
    bins = [int(sketch(torch.tensor(number)).argmax()) for number in numbers[:20]]
    assert bins == sorted(bins)
    assert all(n < MIDDLE for n, number in zip(bins, numbers, strict=False) if number < 0)


@given(floats)
def test_a_quantile_lies_within_a_bin_of_the_order_statistics_around_it(values: np.ndarray) -> None:
    finite = values[np.isfinite(values)].astype(np.float64)
    found = read(torch.tensor(values))
    if not finite.size:
        assert np.isnan(found).all()
        return
    low, high = (np.quantile(finite, AT, method=m) for m in ("lower", "higher"))
    assert (found >= np.maximum(low - np.abs(low) / 8 - 2.0**-126, finite.min())).all()
    assert (found <= np.minimum(high + np.abs(high) / 8 + 2.0**-126, finite.max())).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_gives_the_counts_of_the_same_numbers_in_float32(dtype: torch.dtype) -> None:
    values = (torch.randn(5_000, generator=torch.Generator().manual_seed(0)) * 3).to(dtype)
    values[:3] = torch.tensor([float("nan"), float("inf"), float("-inf")])
    assert torch.equal(sketch(values), sketch(values.float()))


def test_strides_do_not_matter() -> None:
    values = torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    expected = sketch(values)
    for odd in (values.to(memory_format=torch.channels_last), values.transpose(0, 3), values[:1].expand(4, 8, 6, 6)):
        assert sketch(odd).sum() == values.numel()
    assert torch.equal(sketch(values.to(memory_format=torch.channels_last)), expected)
    assert torch.equal(sketch(values.transpose(0, 3)), expected)


@given(floats)
def test_octaves_are_those_of_the_binary_logarithm(values: np.ndarray) -> None:
    finite = np.abs(values[np.isfinite(values)].astype(np.float64))
    powers = np.frexp(finite[finite >= 2.0**-129])[1] - 1  # |x| = m 2^e with m from 1/2 to 1
    expected = {str(power): int(n) for power, n in zip(*np.unique(powers, return_counts=True), strict=True)}
    assert named(octaves(sketch(torch.tensor(values))[None])[0].tolist()) == expected


def test_the_smallest_octaves_are_those_of_subnormal_numbers() -> None:
    values = torch.tensor([2.0**-130, *(1.9 * 2.0**power for power in range(-129, -124))])
    assert named(octaves(sketch(values)[None])[0].tolist()) == {str(power): 1 for power in range(-129, -124)}


def test_several_tensors_are_counted_row_by_row() -> None:
    one, two, three = torch.randn(50), torch.randn(7), torch.randn(1)
    found = sketches([one, two, three], [0, 0, 1], 2)
    assert torch.equal(found, torch.stack([sketch(one) + sketch(two), sketch(three)]))


def test_rows_are_read_independently() -> None:
    counts = torch.stack([sketch(torch.full((9,), -3.0)), torch.zeros(BINS, dtype=torch.int64)])
    ends = torch.tensor([[-3.125, 0.0], [-3.0625, 0.0]])
    found = quantiles(counts, POINTS, *ends)
    assert (found[0] >= -3.125).all()
    assert (found[0] <= -3.0625).all()
    assert found[1].isnan().all()
