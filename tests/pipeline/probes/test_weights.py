"""Weights and how far they moved, by layer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nissa.pipeline.probes.model import Draw
from nissa.pipeline.probes.weights import Drawn, copied, weights_measured


def flat(layer: nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().double().flatten().numpy() for p in layer.parameters(recurse=False)])


def test_norms_and_update_ratios_are_those_of_numpy(cnn: nn.Module) -> None:
    parts = {"host": cnn}
    layers = {f"host.{n}": m for n, m in cnn.named_modules() if list(m.parameters(recurse=False))}
    before, old = copied(parts), {name: flat(layer) for name, layer in layers.items()}
    torch.optim.SGD(cnn.parameters(), lr=0.1).step()
    found = weights_measured(parts, before).layers
    assert list(found) == list(layers)
    for name, layer in layers.items():
        now = flat(layer)
        assert found[name].norm == pytest.approx(np.linalg.norm(now), rel=1e-5)
        moved = np.linalg.norm(now - old[name]) / np.linalg.norm(old[name])
        assert found[name].update_ratio == pytest.approx(moved, rel=1e-4)


def test_what_was_new_or_zero_has_no_ratio() -> None:
    kept, zero, new = (nn.Linear(1, 1) for _ in range(3))
    for p in zero.parameters():
        nn.init.zeros_(p)
    before = copied({"host": nn.ModuleList([kept, zero])})
    found = weights_measured({"host": nn.ModuleList([kept, zero, new])}, before).layers
    assert found["host.0"].update_ratio == 0.0
    assert (found["host.1"].update_ratio, found["host.2"].update_ratio) == (None, None)


def test_a_network_without_weights_has_no_layers() -> None:
    assert weights_measured({"host": nn.ReLU()}, {}).layers == {}


def test_measuring_changes_nothing(cnn: nn.Module, state: Callable[[nn.Module], Any]) -> None:
    before = state(cnn)
    weights_measured({"host": cnn}, copied({"host": cnn}))
    assert state(cnn) == before


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.complex64])
def test_every_type_is_read(dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    layer = nn.Linear(40, 30, bias=False, dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(30, 40, generator=draw))
        before = copied({"host": layer})
        layer.weight.mul_(1.5)
    (copy,) = before.values()
    assert isinstance(copy, torch.Tensor)
    old, new = copy.to(torch.complex128), layer.weight.detach().to(torch.complex128)
    (row,) = weights_measured({"host": layer}, before).layers.values()
    assert row.norm == pytest.approx(torch.linalg.vector_norm(new).item(), rel=1e-5)
    assert row.update_ratio == pytest.approx((torch.linalg.vector_norm(new - old) / old.norm()).item(), rel=1e-2)


def test_sharded_weights_are_refused() -> None:
    layer = nn.Linear(1, 1)
    layer.weight._fsdp_flattened = True  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="sharded parameters"):
        weights_measured({"host": layer}, {})


def test_of_large_parameters_a_sample_says_how_far_they_moved() -> None:
    draw = torch.Generator().manual_seed(0)
    layer, held, told = nn.Linear(300, 300), 0, []
    truth = 0.0
    for seed in range(200):
        with torch.no_grad():
            layer.weight.copy_(torch.randn(300, 300, generator=torch.Generator().manual_seed(1)))
            layer.bias.fill_(1.0)
            before = copied({"host": layer}, Draw(1024, np.random.default_rng(seed)))
            old = flat(layer)
            layer.weight.add_(0.01 * torch.randn(300, 300, generator=draw.manual_seed(2)))
        row = weights_measured({"host": layer}, before).layers["host"]
        truth = float(np.linalg.norm(flat(layer) - old) / np.linalg.norm(old))
        assert row.norm == pytest.approx(np.linalg.norm(flat(layer)), rel=1e-5)
        assert row.update_ratio
        assert row.update_ratio_se
        held += abs(row.update_ratio - truth) <= 1.96 * row.update_ratio_se
        told.append(row.update_ratio)
    assert held >= 180
    assert sum(kept.values.numel() if isinstance(kept, Drawn) else kept.numel() for kept in before.values()) == 1324
    assert np.mean(told) == pytest.approx(truth, rel=0.01)


def test_what_a_sample_says_too_little_of_has_no_ratio_and_what_is_broken_a_broken_one() -> None:
    layer = nn.Linear(300, 300, bias=False)
    before = copied({"host": layer}, Draw(256, np.random.default_rng(0)))
    with torch.no_grad():
        layer.weight[7, 7] += 1.0
    assert weights_measured({"host": layer}, before).layers["host"].update_ratio is None
    with torch.no_grad():
        layer.weight[7, 7] = torch.nan
    row = weights_measured({"host": layer}, before).layers["host"]
    assert row.update_ratio is not None
    assert np.isnan([row.norm, row.update_ratio]).all()
