"""Gradients reduced by groups are what a plain loop in float64 over each tensor says, however the layers lie."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config.settings import GradientConfig
from nissa.pipeline.probes.gradients.gradients import gradients_begun, gradients_measured
from nissa.pipeline.probes.gradients.grouped.groups import grouped
from nissa.pipeline.probes.gradients.grouped.plan import Plan
from nissa.pipeline.probes.gradients.kept_plan import KeptPlan
from nissa.pipeline.probes.gradients.step_gradients import StepGradients

LIMIT = 2.0**-13
EVERYTHING = GradientConfig(
    enabled=True, full_histogram=True, percentiles=[1, 50, 99], vanishing_threshold=LIMIT, exploding_threshold=30.0
)
ODD = [0.0, -0.0, LIMIT, -LIMIT, -0.999 * LIMIT, 30.0, 31.0, -1e30, 1e-42, math.nan, math.inf, -math.inf]
shapes = st.lists(st.lists(st.sampled_from([0, 1, 7, 300, 40_000]), min_size=1, max_size=3), min_size=1, max_size=70)


def network(sizes: Sequence[Sequence[int]], seed: int, *, odd: bool = False) -> nn.ModuleList:
    """Layers with a parameter of each size, some of which have no gradient."""
    draw, layers = np.random.default_rng(seed), nn.ModuleList()
    for layer in sizes:
        params = nn.ParameterList(nn.Parameter(torch.zeros(n)) for n in layer)
        for p in params:
            values = draw.standard_normal(p.numel()) * 10.0 ** draw.uniform(-6, 1)
            if odd and draw.random() < 0.3:
                values[: len(ODD)] = draw.permutation(ODD)[: p.numel()]
            p.grad = torch.tensor(values, dtype=torch.float32) if draw.random() < 0.9 else None
        layers.append(params)
    return layers


@np.errstate(all="ignore")
def by_hand(own: Sequence[np.ndarray]) -> dict[str, float]:
    """The figures of a layer, by a loop in float64 over its tensors."""
    n = sum(g.size for g in own)
    finite = [g[np.isfinite(g)] for g in own]
    squares, total = sum(float((g * g).sum()) for g in own), sum(float(g.sum()) for g in own)
    return {
        "elements": n,
        "norm": math.sqrt(squares),
        "mean": total / n,
        "zero": sum(int((g == 0).sum()) for g in own) / n,
        "vanishing": sum(int((abs(g) < LIMIT).sum()) for g in own) / n,
        "exploding": sum(int((abs(g) > 30.0).sum()) for g in finite) / n,
        "non_finite": sum(int((~np.isfinite(g)).sum()) for g in own),
    }


@settings(max_examples=30, deadline=None)
@given(shapes, st.integers(0, 99), st.booleans())
def test_all_figures_are_those_of_a_plain_loop(sizes: list[list[int]], seed: int, odd: bool) -> None:
    model = network(sizes, seed, odd=odd)
    found = gradients_measured({"host": model}, EVERYTHING).layers
    grads = {
        f"host.{n}": [p.grad.double().numpy() for p in own.parameters() if p.grad is not None]
        for n, own in enumerate(model.children())
    }
    expected = {name: by_hand(found) for name, found in grads.items() if sum(g.size for g in found)}
    assert list(found) == list(expected)
    for name, row in found.items():
        truth = expected[name]
        size = truth["norm"] / math.sqrt(truth["elements"])
        for figure in ("elements", "zero", "vanishing", "exploding", "non_finite"):
            assert getattr(row, figure) == truth[figure], (name, figure)
        if math.isfinite(size) and size < 1e18:
            assert row.norm == pytest.approx(truth["norm"], rel=1e-6)
            assert row.mean == pytest.approx(truth["mean"], abs=3e-7 * size)
            if row.std is not None:
                assert row.std == pytest.approx(np.concatenate(grads[name]).std(ddof=1), rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(shapes, st.integers(0, 99))
def test_by_groups_and_one_by_one_find_the_same(sizes: list[list[int]], seed: int) -> None:
    """What is not float32 is reduced tensor by tensor, and the elements are the same."""
    model = network(sizes, seed, odd=True)
    plain = gradients_measured({"host": model}, EVERYTHING).layers
    single = gradients_measured({"host": model.double()}, EVERYTHING).layers
    assert list(plain) == list(single)
    for name, row in plain.items():
        other = single[name]
        assert (row.zero, row.vanishing, row.exploding, row.non_finite, row.histogram) == (
            *(other.zero, other.vanishing, other.exploding, other.non_finite, other.histogram),
        )
        assert row.percentiles == pytest.approx(other.percentiles, rel=1e-12, nan_ok=True)


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), max_size=20), st.integers(0, 20), st.integers(1, 30)
)
def test_groups_are_bounded_and_each_gradient_is_in_one(sizes: list[list[int]], apart: int, most: int) -> None:
    groups = grouped(sizes, apart, most_layers=3, most=most, small=8)
    assert [layer for group in groups for layer in group.layers] == list(range(len(sizes)))
    flat, layer_of = [n for own in sizes for n in own], [i for i, own in enumerate(sizes) for _ in own]
    placed = {place: (group, row) for group in groups for place, row in zip(group.small, group.rows, strict=True)}
    alone = {place: (group, row) for group in groups for place, row in group.large}
    assert sorted([*placed, *alone]) == [place for place, n in enumerate(flat) if n]
    assert all(group.layers[row] == layer_of[place] for place, (group, row) in (placed | alone).items())
    assert all(flat[place] <= 8 for place in placed)
    for group in groups:
        assert group.places.total == sum(flat[place] for place in group.small) <= max(most, 0)
        assert len(group.layers) <= 3
        assert not group.layers.start < apart < group.layers.stop


def test_the_memory_of_a_look_does_not_grow_with_the_number_of_layers() -> None:
    layers = {f"host.{n}": [nn.Parameter(torch.zeros(1000))] for n in range(1000)}
    assert Plan(layers, lambda layer: True).space.values.size <= 32_000
    layers["host.wide"] = [nn.Parameter(torch.zeros(3_000_000))]
    assert Plan(layers, lambda layer: True).space.values.size <= 1 << 18


def test_gradients_that_are_handed_in_are_not_squared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"host": network([[7, 300], [40_000]], 1), "early": nn.Linear(2, 2)}
    alone = gradients_measured(parts, EVERYTHING)
    step = StepGradients(parts)
    monkeypatch.delattr(np, "multiply")
    for p in parts["host"].parameters():
        p.grad = None  # a trainer may have moved on
    handed = gradients_begun(KeptPlan().of_layers(step.layers, "all"), parts, EVERYTHING, 0, step).take()
    assert same(handed, alone)


def same(one: GradientsMeasured, other: GradientsMeasured) -> bool:
    """But for the last digits of norms."""
    norms = [{name: row.norm for name, row in found.layers.items()} for found in (one, other)]
    return norms[0] == pytest.approx(norms[1], rel=1e-6) and list(one.slot_norms) == list(other.slot_norms)


def test_a_look_in_inference_mode_does_not_spoil_those_that_follow() -> None:
    model, kept = nn.Linear(3, 2), KeptPlan()
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    with torch.inference_mode():
        first = gradients_begun(kept.of({"host": model}, "all"), ["host"]).take()
    assert gradients_begun(kept.of({"host": model}, "all"), ["host"]).take() == first
