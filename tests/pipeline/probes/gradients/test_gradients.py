"""Gradients by layer are what numpy says in float64, whatever their shape, and reading them changes nothing."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nissa.pipeline.probes.gradients.gradients import gradients_measured


def by_hand(layer: nn.Module) -> np.ndarray:
    """The gradient of a layer in float64, flat."""
    own = [p.grad.double().flatten() for p in layer.parameters(recurse=False) if p.grad is not None]
    return torch.cat(own).numpy()


def given(*values: float, bias: bool = False) -> nn.Linear:
    """A layer with this gradient."""
    layer = nn.Linear(len(values), 1, bias=bias)
    layer.weight.grad = torch.tensor([values])
    return layer


def test_moments_of_real_gradients_are_those_of_numpy(cnn: nn.Module) -> None:
    found = gradients_measured({"host": cnn}).layers
    expected = {f"host.{n}": by_hand(m) for n, m in cnn.named_modules() if list(m.parameters(recurse=False))}
    assert list(found) == list(expected)
    for name, grad in expected.items():
        row = found[name]
        assert row.elements == grad.size
        assert row.norm == pytest.approx(np.linalg.norm(grad), rel=1e-5)
        assert row.mean == pytest.approx(grad.mean(), rel=1e-4, abs=1e-5 * grad.std())
        assert row.std == pytest.approx(grad.std(ddof=1), rel=1e-5)
        assert row.percentiles["p1"] <= row.percentiles["p50"] <= row.percentiles["p99"]
        assert row.non_finite == 0


def test_norms_are_those_of_host_and_slots() -> None:
    parts = {"host": given(3.0, 4.0), "early": nn.Sequential(given(6.0), given(8.0)), "late": nn.Identity()}
    found = gradients_measured(parts)
    assert (found.host_norm, found.slot_norms) == (5.0, {"early": 10.0})
    assert found.seed_to_host == {"early": 2.0}
    assert list(found.layers) == ["host", "early.0", "early.1"]


def test_a_slot_whose_name_begins_like_anothers_keeps_its_own_norm() -> None:
    assert gradients_measured({"a": given(3.0), "ab": given(4.0)}).slot_norms == {"a": 3.0, "ab": 4.0}


def test_a_host_without_gradient_has_no_ratio() -> None:
    assert gradients_measured({"host": given(0.0), "early": given(1.0)}).seed_to_host == {}
    found = gradients_measured({"host": nn.Linear(1, 1), "early": given(1.0)})
    assert (found.host_norm, found.seed_to_host) == (None, {})


def test_missing_and_frozen_gradients_are_skipped_and_shared_ones_counted_once() -> None:
    frozen, shared, missing = given(100.0), given(3.0, 4.0), nn.Linear(2, 1)
    frozen.weight.requires_grad_(False)
    again = nn.Linear(2, 1, bias=False)
    again.weight = shared.weight
    found = gradients_measured({"host": nn.Sequential(frozen, shared, again, missing)})
    assert list(found.layers) == ["host.1"]
    assert found.host_norm == 5.0


def test_without_any_gradient_nothing_was_measured() -> None:
    found = gradients_measured({"host": nn.Linear(2, 2)})
    assert (found.layers, found.host_norm, found.slot_norms) == ({}, None, {})


def test_a_single_element_has_no_spread() -> None:
    row = gradients_measured({"host": given(-2.0)}).layers["host"]
    assert (row.elements, row.norm, row.mean, row.std) == (1, 2.0, -2.0, None)
    assert row.percentiles["p1"] == pytest.approx(-2.0, rel=0.125)


def test_nan_and_infinity_are_counted_exactly_and_break_the_norm_but_not_the_percentiles() -> None:
    values = [1.0] * 97 + [math.nan, math.inf, -math.inf]
    row = gradients_measured({"host": given(*values)}).layers["host"]
    assert row.non_finite == 3
    assert row.norm is not None
    assert math.isnan(row.norm)
    assert row.std is not None
    assert math.isnan(row.std)
    assert row.percentiles["p50"] == pytest.approx(1.0, rel=0.125)


def test_weight_and_bias_are_one_layer() -> None:
    layer = given(3.0, 0.0, bias=True)
    layer.bias.grad = torch.tensor([4.0])
    row = gradients_measured({"host": layer}).layers["host"]
    assert (row.elements, row.norm) == (3, 5.0)
    assert row.zero == pytest.approx(1 / 3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_float_type_is_read(dtype: torch.dtype, cnn: nn.Module) -> None:
    cnn.to(dtype)
    for p in cnn.parameters():
        assert p.grad is not None
        p.grad = p.grad.to(dtype)
    for name, row in gradients_measured({"host": cnn}).layers.items():
        grad = by_hand(cnn.get_submodule(name.removeprefix("host.")))
        assert row.norm == pytest.approx(np.linalg.norm(grad), rel=1e-5)


def test_channels_last_gives_the_same_figures(cnn: nn.Module) -> None:
    plain = gradients_measured({"host": cnn})
    for p in cnn.parameters():
        if p.dim() == 4 and p.grad is not None:
            p.grad = p.grad.to(memory_format=torch.channels_last)
    again = gradients_measured({"host": cnn})
    for name, row in again.layers.items():
        assert row.norm == pytest.approx(plain.layers[name].norm, rel=1e-6)
        assert row.percentiles == plain.layers[name].percentiles


def test_reading_changes_nothing(cnn: nn.Module, state: Callable[[nn.Module], Any]) -> None:
    before = state(cnn)
    gradients_measured({"host": cnn})
    assert state(cnn) == before


def test_a_long_gradient_loses_no_digits() -> None:
    """Added up one by one in float32, three million equal numbers are off by more than 0.1%."""
    layer = nn.Linear(3_000_000, 1, bias=False)
    layer.weight.grad = torch.full_like(layer.weight, 1e-3)
    assert gradients_measured({"host": layer}).layers["host"].norm == pytest.approx(1e-3 * 3e6**0.5, rel=1e-4)
