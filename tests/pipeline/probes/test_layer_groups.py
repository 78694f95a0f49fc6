"""Layers of a group are told as one: as all of their elements together, with how they differ and which is foremost."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nissa import Telemetry, Watch
from nissa.events.kinds import ActivationsMeasured, GradientsMeasured, ProbesConfigured, WeightsMeasured
from nissa.operators.assessment.layer_health import activation_complaint, gradient_complaint
from nissa.pipeline.config import GradientConfig, load, selected
from nissa.pipeline.config.layer_selection import group_of
from nissa.pipeline.config.measurement_plan import dense
from nissa.pipeline.probes.activations.activations import activations_measured, recorded
from nissa.pipeline.probes.gradients.gradients import gradients_measured
from nissa.pipeline.probes.model import layers_of, together
from nissa.pipeline.probes.model.layer_groups import spread
from nissa.pipeline.probes.weights import copied, weights_measured
from tests.benchmarks.stacked import WIDE, stacked

DEPTH = 6
WHOLE = {"enabled": True, "percentiles": [25, 50], "full_histogram": True, "groups": "depth"}


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.act, self.out = nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = x + self.out(self.act(self.qkv(x)))
        return y


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(3)
    blocks = nn.Sequential(*(Block(5 + n) for n in range(DEPTH)))
    whole = nn.Sequential()
    whole.add_module("blocks", blocks)
    whole.add_module("head", nn.Linear(4, 2))
    whole(torch.randn(9, 4)).square().sum().backward()
    return whole


def grads(model: nn.Module, name: str) -> dict[str, np.ndarray]:
    """By layer, all elements of the gradient of each block's layer of that name."""
    found = {}
    for n in range(DEPTH):
        own = model.get_submodule(f"blocks.{n}.{name}")
        found[f"host.blocks.{n}.{name}"] = np.concatenate(
            [p.grad.double().flatten().numpy() for p in own.parameters() if p.grad is not None]
        )
    return found


def told(model: nn.Module, **more: Any) -> GradientsMeasured:
    return gradients_measured({"host": model}, GradientConfig.model_validate({**WHOLE, **more}))


@pytest.mark.parametrize("wide", [torch.float32, torch.float64])
def test_a_group_is_all_its_elements_together_and_says_which_layers_are_foremost(
    model: nn.Module, wide: torch.dtype
) -> None:
    model.to(wide)  # of float64, each gradient is reduced by itself
    for p in model.parameters():
        p.grad = p.grad.to(wide) if p.grad is not None else None
    found, alone = told(model), told(model, groups=[])
    assert list(found.layers) == ["host.blocks.*.qkv", "host.blocks.*.out", "host.head"]
    assert found.host_norm == alone.host_norm
    for name in ("qkv", "out"):
        row, layers = found.layers[f"host.blocks.*.{name}"], grads(model, name)
        every = np.concatenate([*layers.values()])
        assert row.elements == len(every)
        assert row.norm == pytest.approx(np.linalg.norm(every), rel=1e-5)
        assert (row.mean, row.std) == pytest.approx((every.mean(), every.std(ddof=1)), rel=1e-4)
        assert row.zero == (every == 0).mean()
        assert row.histogram
        assert sum(row.histogram.values()) == np.count_nonzero(every)
        assert row.group
        assert row.group.layers == DEPTH
        norms = {layer: float(np.linalg.norm(own)) for layer, own in layers.items()}
        of = row.group.spread["norm"]
        assert [of.least, of.lower, of.median, of.upper, of.largest] == pytest.approx(
            np.percentile([*norms.values()], [0, 25, 50, 75, 100]), rel=1e-5
        )
        assert (of.least_layer, of.largest_layer) == (min(norms, key=norms.get), max(norms, key=norms.get))  # type: ignore[arg-type]
        medians = [alone.layers[layer].percentiles["p50"] for layer in layers]
        assert row.percentiles == {}
        assert row.group.spread["p50"].median == pytest.approx(np.median(medians))
    assert found.layers["host.head"] == alone.layers["host.head"]


def test_from_samples_a_group_has_percentiles_of_all_its_elements(model: nn.Module) -> None:
    row = told(model, sample=256).layers["host.blocks.*.qkv"]
    every = np.concatenate([*grads(model, "qkv").values()])
    assert [*row.percentiles.values()] == pytest.approx(np.percentile(every, [25, 50]), rel=1e-5)
    assert row.group
    assert row.sample is None
    assert "p50" not in row.group.spread


def test_one_broken_layer_of_a_group_is_named(model: nn.Module) -> None:
    bad = model.get_parameter("blocks.4.qkv.bias").grad
    assert bad is not None
    bad[2] = math.nan
    row = told(model).layers["host.blocks.*.qkv"]
    assert row.group
    assert (row.non_finite, row.group.spread["norm"].largest_layer) == (1, "host.blocks.4.qkv")
    assert math.isnan(row.group.spread["norm"].largest)
    assert math.isfinite(row.group.spread["norm"].upper)
    assert gradient_complaint(row) == "non_finite"


@pytest.mark.parametrize(("scale", "complaint"), [(0.0, "dead"), (1e-12, "vanishing"), (1.0, None)])
def test_one_layer_that_is_dead_or_vanishing_speaks_for_its_group(
    model: nn.Module, scale: float, complaint: str | None
) -> None:
    for p in model.get_submodule("blocks.2.out").parameters():
        assert p.grad is not None
        p.grad *= scale
    assert gradient_complaint(told(model).layers["host.blocks.*.out"]) == complaint


def test_weights_of_a_group_are_told_together(model: nn.Module) -> None:
    parts = {"host": model}
    before = copied(parts)
    olds = {name: p.detach().clone() for name, p in model.named_parameters()}
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    alone = weights_measured(parts, before).layers
    row = weights_measured(parts, before, "depth").layers["host.blocks.*.out"]
    mine = [(p.detach(), olds[name]) for name, p in model.named_parameters() if ".out." in name]
    now, then, moved = (
        np.linalg.norm(np.concatenate([own.double().flatten().numpy() for own in column]))
        for column in ([n for n, _ in mine], [o for _, o in mine], [n - o for n, o in mine])
    )
    assert (row.norm, row.update_ratio) == pytest.approx((now, moved / then), rel=1e-4)
    assert row.group
    ratios = [alone[f"host.blocks.{n}.out"].update_ratio for n in range(DEPTH)]
    assert row.group.spread["update_ratio"].largest == max(ratio for ratio in ratios if ratio is not None)


def test_what_a_group_puts_out_is_told_together(model: nn.Module) -> None:
    with torch.no_grad():
        model.get_parameter("blocks.1.qkv.bias").fill_(-100.0)
        with recorded({"host": model}) as outputs:
            model(torch.randn(9, 4))
    alone = activations_measured(outputs).layers
    rows = [alone[f"host.blocks.{n}.act"] for n in range(DEPTH)]
    row = activations_measured(outputs, groups="depth").layers["host.blocks.*.act"]
    units = np.array([one.units for one in rows])
    assert row.units == units.sum()
    assert row.mean == pytest.approx(np.average([one.mean for one in rows], weights=units))
    assert row.dead == sum(one.dead or 0 for one in rows)
    assert row.effective_rank == np.median([one.effective_rank for one in rows if one.effective_rank is not None])
    assert row.group
    assert (row.group.spread["dormant"].largest, row.group.spread["dormant"].largest_layer) == (1, "host.blocks.1.act")
    assert activation_complaint(row) == "dead"


def test_quartiles_are_of_what_is_finite_and_nothing_is_nothing() -> None:
    assert spread({"a": None}) is None
    one = spread({"a": 2.0, "b": None})
    assert one
    assert (one.least, one.lower, one.upper, one.largest_layer) == (2.0, 2.0, 2.0, "a")
    broken = spread({"a": math.inf})
    assert broken
    assert math.isnan(broken.median)


@pytest.mark.parametrize(
    ("layer", "groups", "name"),
    [
        ("host.blocks.3.experts.12.w1", "depth", "host.blocks.*.experts.*.w1"),
        ("host", "depth", "host"),
        ("early.0", "depth", "early.*"),
        ("host.conv2d", "depth", "host.conv2d"),
        ("host.blocks.3.attn.qkv", ["head", "blocks.*.attn.qkv"], "host.blocks.*.attn.qkv"),
        ("host.blocks.3.attn.qkv", ["qkv"], "host.qkv"),
        ("host.blocks.3.attn.qkv", ["host.blocks.*"], "host.blocks.*"),
        ("early.fc", ["*.fc"], "early.fc"),
        ("host.fc", [], "host.fc"),
    ],
)
def test_a_layer_is_told_under_its_group_which_never_leaves_its_part(layer: str, groups: Any, name: str) -> None:
    assert group_of(layer, groups) == name


def test_groups_and_samples_stay_where_all_is_looked_at_closely() -> None:
    config = load(overrides=["gradients.groups=depth", "gradients.sample=1024"])
    assert (dense(config).gradients.groups, dense(config).gradients.sample) == ("depth", 1024)
    assert (load("research").gradients.groups, load("research").gradients.sample) == ([], None)


def test_a_watch_announces_groups_and_tells_them(model: nn.Module) -> None:
    seen: list[Any] = []
    config = load("research", overrides=["gradients.groups=depth", "gradients.layers=[blocks.*]"])
    with Telemetry("grouped", config=config, sinks={"seen": lambda event: seen.append(event.payload)}) as telemetry:
        watch = Watch(telemetry, model)
        watch.step()
        watch.epoch(torch.randn(9, 4), torch.randint(2, (9,)))
        assert not telemetry.state().faults
    (announced,) = [payload for payload in seen if isinstance(payload, ProbesConfigured)]
    assert announced.layers == ["host.blocks.*.qkv", "host.blocks.*.out"]
    assert "grad_norm_blocks.*.qkv" in announced.features["gradients"]
    for kind in (GradientsMeasured, WeightsMeasured, ActivationsMeasured):
        (measured,) = [payload for payload in seen if isinstance(payload, kind)]
        assert {"host.blocks.*.qkv", "host.blocks.*.out"} <= measured.layers.keys()
        assert not [name for name in measured.layers if any(part.isdecimal() for part in name.split("."))]
    assert selected(["host.a.0", "host.b"], "all") == ["host.a.0", "host.b"]


def test_the_network_of_the_page_of_scale_has_the_size_that_it_says() -> None:
    with torch.device("meta"):
        layers = layers_of({"host": stacked(WIDE)})
    block = 2 * 8192**2 + 2 * 8192 * 1024 + 3 * 8192 * 28_672 + 2 * 8192
    assert sum(p.numel() for own in layers.values() for p in own) == 91 * block + 2 * 128_256 * 8192 + 8192
    assert (len(layers), len(together(layers, "depth"))) == (91 * 9 + 3, 12)
    page = (Path(__file__).parents[3] / "docs/scale.md").read_text()
    assert "| parameters | 79.97 billion |\n| layers | 822 |" in page
