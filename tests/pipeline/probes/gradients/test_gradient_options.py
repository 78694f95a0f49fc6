"""Each field of the configuration does what it says, and nothing that was not asked for is in a row."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nissa.events.kinds import LayerGradients
from nissa.pipeline.config.settings import GradientConfig
from nissa.pipeline.probes.gradients import device_distributions, reductions, step_gradients
from nissa.pipeline.probes.gradients import device_statistics as gathering
from nissa.pipeline.probes.gradients.gradients import gradients_measured
from nissa.pipeline.probes.gradients.grouped import side_by_side

BARE = {
    "track_norm": False,
    "track_std": False,
    "percentiles": [],
    "detect_vanishing": False,
    "detect_exploding": False,
}


def measured(model: nn.Module, **asked: object) -> LayerGradients:
    """The row of a network of one layer."""
    (row,) = gradients_measured({"host": model}, GradientConfig.model_validate({**BARE, **asked})).layers.values()
    return row


@pytest.fixture
def layer() -> nn.Module:
    one = nn.Linear(300, 100)
    draw = torch.Generator().manual_seed(0)
    one.weight.grad = torch.randn(100, 300, generator=draw) * 10 ** torch.empty(100, 300).uniform_(
        -9, 5, generator=draw
    )
    one.bias.grad = torch.zeros(100)
    return one


def everything(model: nn.Linear) -> np.ndarray:
    assert model.weight.grad is not None
    assert model.bias.grad is not None
    return torch.cat([model.weight.grad.flatten(), model.bias.grad]).double().numpy()


def test_what_is_not_asked_for_is_not_there(layer: nn.Linear) -> None:
    row, grad = measured(layer), everything(layer)
    expected = LayerGradients(elements=30_100, mean=row.mean, percentiles={}, non_finite=0)
    assert row == expected
    assert row.mean == pytest.approx(grad.mean(), rel=1e-4)


def test_what_is_asked_for_is_there_alone(layer: nn.Linear) -> None:
    grad = everything(layer)
    assert measured(layer, track_norm=True).norm == pytest.approx(np.linalg.norm(grad), rel=1e-5)
    assert measured(layer, track_std=True).std == pytest.approx(grad.std(ddof=1), rel=1e-5)
    row = measured(layer, percentiles=[5, 90])
    assert list(row.percentiles) == ["p5", "p90"]
    assert list(row.percentiles.values()) == pytest.approx(np.percentile(grad, [5, 90]), rel=0.05)
    row = measured(layer, detect_vanishing=True, vanishing_threshold=1e-4)
    assert row.vanishing == pytest.approx((abs(grad) < 1e-4).mean(), abs=2e-3)
    assert (row.zero, row.exploding) == (100 / 30_100, None)
    row = measured(layer, detect_exploding=True, exploding_threshold=20.0)
    assert row.exploding == pytest.approx((abs(grad) > 20).mean(), rel=1e-12)
    assert (row.zero, row.vanishing) == (None, None)


@given(
    st.lists(st.sampled_from([0.0, 1e-3, 900.0, 970.0, 1000.0, 1000.1, -5e4, 3e38, math.nan, math.inf, -math.inf])),
    st.floats(1e-3, 1e39),
    st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16]),
)
def test_elements_above_the_threshold_are_counted_exactly(
    values: list[float], limit: float, dtype: torch.dtype
) -> None:
    one = nn.Linear(len(values) + 1, 1, bias=False, dtype=dtype)
    one.weight.grad = torch.tensor([[*values, 1.0]], dtype=torch.float64).to(dtype)
    held = one.weight.grad.double().numpy()
    row = measured(one, detect_exploding=True, exploding_threshold=limit)
    narrow = float(np.float32(limit)) if dtype != torch.float64 and limit < 3.4e38 else limit
    assert row.exploding == (np.isfinite(held) & (abs(held) > narrow)).sum() / held.size


def test_a_single_large_element_among_a_million_is_exploding_and_none_below_the_threshold_is() -> None:
    large = nn.Linear(1_000_000, 1, bias=False)
    grad = torch.full_like(large.weight, 1e-3)
    large.weight.grad = grad
    grad[0, 500_001] = 970.0
    assert measured(large, detect_exploding=True).exploding == 0.0
    grad[0, 500_001] = 5e4
    assert measured(large, detect_exploding=True).exploding == 1e-6


def test_below_the_threshold_no_element_is_looked_at_on_the_cpu(
    layer: nn.Linear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(np, "greater")
    assert measured(layer, detect_exploding=True, exploding_threshold=1e9).exploding == 0.0
    monkeypatch.delattr(reductions, "hardshrink")
    assert measured(layer.double(), detect_exploding=True, exploding_threshold=1e9).exploding == 0.0


def test_a_spread_that_sums_do_not_resolve_is_not_told() -> None:
    one = nn.Linear(100_000, 1, bias=False)
    draw = torch.randn(1, 100_000, generator=torch.Generator().manual_seed(0))
    told = {}
    for spread in (1e-4, 1e-2, 0.1, 1.0):
        one.weight.grad = 1 + spread * draw
        told[spread] = measured(one, track_std=True).std
        if told[spread] is not None:
            assert told[spread] == pytest.approx(one.weight.grad.double().std().item(), rel=0.01)
    assert [std is None for std in told.values()] == [True, True, False, False]
    one.weight.grad = torch.zeros(1, 100_000)
    assert measured(one, track_std=True).std == 0.0


def test_the_histogram_counts_by_octave(layer: nn.Linear) -> None:
    found, grad = measured(layer, full_histogram=True).histogram, everything(layer)
    powers = np.floor(np.log2(abs(grad[grad != 0]))).astype(int)
    assert found == {str(power): int((powers == power).sum()) for power in sorted(set(powers))}


def test_without_need_nothing_is_sketched(layer: nn.Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(side_by_side, "encode")
    monkeypatch.delattr(device_distributions, "sketches")
    for one in (layer, layer.double()):
        assert measured(one, track_norm=True, track_std=True, detect_vanishing=True).norm is not None


def test_what_several_devices_found_is_put_back_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = GradientConfig(enabled=True, full_histogram=True, layers=["early.*", "host.[012]"])
    host = nn.ModuleList(nn.Linear(n, 2) for n in (1, 2, 3, 4))
    parts = {"early": nn.Linear(3, 2), "host": host}
    for n, p in enumerate(p for part in parts.values() for p in part.double().parameters()):  # so none is plain
        p.grad = torch.linspace(-n, 2 * n + 1, p.numel(), dtype=torch.float64).reshape(p.shape)
    broken = next(host[1].parameters()).grad
    assert broken is not None
    broken[0, 1] = torch.nan
    on_one = gradients_measured(parts, everything)
    monkeypatch.setattr(gathering, "by_device", lambda values: [list(range(len(values)))[n::3] for n in (1, 2, 0)])
    assert repr(gradients_measured(parts, everything)) == repr(on_one)
    monkeypatch.setattr(step_gradients, "by_device", lambda values: [list(range(len(values)))[n::2] for n in (1, 0)])
    apart = gradients_measured(parts, everything)
    assert apart.slot_norms == pytest.approx(on_one.slot_norms)
    assert repr(apart.layers) == repr(on_one.layers)


def test_a_large_layer_counts_each_of_its_elements_once() -> None:
    large = nn.Linear(700, 300)
    large.weight.grad, large.bias.grad = torch.ones(300, 700), torch.zeros(300)
    row = measured(large, detect_vanishing=True, full_histogram=True)
    assert row.elements == 210_300
    assert row.zero == pytest.approx(300 / 210_300, rel=1e-4)
    assert row.histogram is not None
    assert list(row.histogram) == ["0"]
    assert row.histogram["0"] == pytest.approx(210_000, rel=1e-4)


def test_broken_elements_are_counted_exactly_wherever_they_are_in_a_large_layer() -> None:
    large = nn.Linear(700, 300)
    for p in large.parameters():
        p.grad = torch.ones_like(p)
    assert large.weight.grad is not None
    for place, value in ((1, np.nan), (12_345, np.inf), (209_998, -np.inf)):
        large.weight.grad.view(-1)[place] = value
    assert measured(large).non_finite == 3


def test_a_norm_that_overflows_breaks_nothing_else() -> None:
    large = nn.Linear(2, 1, bias=False)
    large.weight.grad = torch.tensor([[1e30, -1e30]])
    row = measured(large, track_norm=True)
    assert (row.norm, row.non_finite, row.mean) == (np.inf, 0, 0.0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("all", ["host.conv1", "host.block.fc", "early.fc"]),
        (["fc"], ["host.block.fc", "early.fc"]),
        (["host.block.fc"], ["host.block.fc"]),
        (["block.*", "conv?"], ["host.conv1", "host.block.fc"]),
        (["late.fc"], []),
    ],
)
def test_layers_are_chosen_by_path_last_name_or_pattern_and_norms_are_over_all(
    wanted: object, expected: list[str]
) -> None:
    def one(value: float) -> nn.Linear:
        layer = nn.Linear(1, 1, bias=False)
        layer.weight.grad = torch.tensor([[value]])
        return layer

    host = nn.ModuleDict({"conv1": one(3.0), "block": nn.ModuleDict({"fc": one(4.0)})})
    parts = {"host": host, "early": nn.ModuleDict({"fc": one(10.0)})}
    found = gradients_measured(parts, GradientConfig.model_validate({"layers": wanted}), batch=7)
    assert list(found.layers) == expected
    assert [found.layers[layer].norm for layer in expected] == [
        {"host.conv1": 3.0, "host.block.fc": 4.0, "early.fc": 10.0}[layer] for layer in expected
    ]
    assert (found.batch, found.host_norm, found.slot_norms, found.seed_to_host) == (
        7,
        5.0,
        {"early": 10.0},
        {"early": 2.0},
    )
