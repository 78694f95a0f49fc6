"""A sample of a large tensor is small, sees every row and column alike, and gives the percentiles of the whole."""

from math import gcd

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nissa.pipeline.probes.gradients.bit_sketch import quantiles, sketch
from nissa.pipeline.probes.gradients.reductions import MOST, sampled

shapes = st.lists(st.integers(1, 24), min_size=1, max_size=4)


@given(shapes, st.integers(1, 200))
def test_a_sample_is_every_kth_element_with_k_coprime_to_every_dimension(shape: list[int], most: int) -> None:
    values = torch.arange(float(np.prod(shape))).view(shape)
    found, k = sampled(values, most)
    assert found.tolist() == values.flatten().tolist()[::k]
    assert len(found) <= most or values.numel() == 1
    if k > 1:
        assert all(gcd(k, side) == 1 for side in shape)
        assert values.numel() > most


@given(st.lists(st.integers(1, 16), min_size=1, max_size=4))
def test_a_small_tensor_is_looked_at_whole(shape: list[int]) -> None:
    found, k = sampled(torch.zeros(shape))
    assert (found.numel(), k) == (int(np.prod(shape)), 1)


@pytest.mark.parametrize("rows", [256, 512, 1024])
def test_every_column_and_row_is_seen_about_as_often_as_any_other(rows: int) -> None:
    place = torch.arange(rows * 3072.0, dtype=torch.float64)
    found, _ = sampled(place.view(rows, 3072))
    for seen, n in ((found % 3072, 3072), (found // 3072, rows)):
        counts = torch.bincount(seen.long(), minlength=n)
        assert counts.max() - counts.min() <= 2


@pytest.mark.parametrize("columns", [8, 12, 13])
def test_a_layer_with_one_wild_column_keeps_its_percentiles(columns: int) -> None:
    draw = torch.Generator().manual_seed(0)
    grad = torch.randn(1 << 16, columns, generator=draw) * torch.logspace(-3, 3, columns)
    values, _ = sampled(grad)
    assert len(values) <= MOST < grad.numel()
    at = torch.tensor([0.01, 0.05, 0.25, 0.75, 0.95, 0.99])
    found = quantiles(sketch(values)[None], at, values.min()[None], values.max()[None])[0].numpy()
    truth = np.quantile(grad.double().numpy(), at.numpy())
    assert np.median(np.abs(found / truth - 1)) < 0.05


def test_percentiles_of_a_large_layer_are_within_one_percent_in_the_median() -> None:
    draw = torch.Generator().manual_seed(0)
    at, errors = torch.tensor([0.01, 0.05, 0.25, 0.75, 0.95, 0.99]), []
    for scale in (1e-6, 1e-3, 1.0):
        images, slopes = torch.randn(64, 3072, generator=draw), torch.randn(64, 256, generator=draw) * scale
        grad = slopes.T @ images.relu() / 64  # as of a linear layer: rows and columns are alike among themselves
        some = sampled(grad)[0]
        found = quantiles(sketch(some)[None], at, some.min()[None], some.max()[None])[0].numpy()
        errors += list(np.abs(found / np.quantile(grad.double().numpy(), at.numpy()) - 1))
    assert np.median(errors) < 0.01
    assert max(errors) < 0.05


@pytest.mark.parametrize("odd", [lambda x: x.to(memory_format=torch.channels_last), lambda x: x.transpose(0, 3)])
def test_other_layouts_hold_the_same_elements_and_are_not_copied(odd: object) -> None:
    values = torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    other = odd(values)  # type: ignore[operator]
    found, _ = sampled(other)
    assert found.sort().values.tolist() == values.flatten().sort().values.tolist()
    assert found.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
