"""What layers put out, against loops in numpy, networks built by hand, and axioms of the effective rank."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.nn.utils.parametrize import register_parametrization

from nissa.events.kinds import ActivationsMeasured
from nissa.pipeline.probes.activations.activations import activations_measured, recordable, recorded
from nissa.pipeline.probes.activations.layer_outputs import effective_rank
from nissa.pipeline.probes.model.restored import untouched


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def measured(model: nn.Module, inputs: Any, threshold: float = 0.025) -> ActivationsMeasured:
    with recorded({"host": model}) as outputs:
        model(inputs)
    return activations_measured(outputs, threshold)


def rank_of(matrix: np.ndarray) -> float:
    sigma = np.linalg.svd(matrix, compute_uv=False)
    p = sigma[sigma > 0] / sigma.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def given_out(values: Tensor, function: nn.Module | None = None) -> nn.Module:
    """A layer that puts out `values`, whatever comes in, and what follows it."""

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.values = nn.Parameter(values)

        def forward(self, _: Tensor) -> Tensor:
            return self.values

    return nn.Sequential(Fixed(), function) if function else nn.Sequential(Fixed())


def test_figures_of_every_layer_are_those_of_a_loop_over_its_units(cnn: nn.Module) -> None:
    cnn.eval()
    inputs, x = noise(32, 3, 16, 16), noise(32, 3, 16, 16)
    found = measured(cnn, inputs).layers
    assert list(found) == [f"host.{i}" for i in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10)]
    for i, layer in enumerate(cnn.children()):
        x = layer(x)
        if f"host.{i}" not in found:
            continue
        row, h = found[f"host.{i}"], x.detach().double().numpy()
        units = [h[:, unit].ravel() for unit in range(h.shape[1])]
        assert row.units == len(units)
        assert row.mean == pytest.approx(h.mean(), rel=1e-5, abs=1e-6)
        assert row.std == pytest.approx(h.std(ddof=1), rel=1e-5)
        assert row.zero == pytest.approx((h == 0).mean())
        assert row.non_finite == 0
        assert row.effective_rank == pytest.approx(rank_of(h.reshape(*h.shape[:2], -1).mean(2)), rel=1e-4)
        if isinstance(layer, nn.ReLU):
            magnitudes = np.array([abs(unit).mean() for unit in units])
            assert row.dead == sum(not unit.any() for unit in units)
            assert row.dormant == pytest.approx((magnitudes <= 0.025 * magnitudes.mean()).mean())
        else:
            assert (row.dead, row.dormant) == (None, None)


def test_dead_and_dormant_units_are_counted_as_they_were_built() -> None:
    layer = nn.Linear(4, 10)
    nn.init.zeros_(layer.weight)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([-1e9, -1e9, -1e9, 1e-3, 1e-3, 1.0, 1.0, 1.0, 1.0, 1.0]))
    row = measured(nn.Sequential(layer, nn.ReLU()), noise(8, 4)).layers["host.1"]
    assert (row.units, row.dead, row.dormant) == (10, 3, 0.5)
    assert row.zero == pytest.approx(0.3)


def test_a_unit_at_the_threshold_is_dormant_and_one_above_it_is_not() -> None:
    values = torch.tensor([[0.25, 1.75], [0.25, 1.75]])  # the mean over both is 1
    net = given_out(values, nn.ReLU())
    shares = [measured(net, values, threshold).layers["host.1"].dormant for threshold in (0.2499, 0.25, 0.2501)]
    assert shares == [0.0, 0.5, 0.5]


def test_a_unit_whose_values_cancel_is_awake() -> None:
    values = torch.tensor([[5.0, 1.0], [-5.0, 1.0]])
    assert measured(given_out(values, nn.Tanh()), values, 0.5).layers["host.1"].dormant == 0.0


def test_where_all_is_zero_every_unit_is_dead_and_dormant_and_there_is_no_rank() -> None:
    row = measured(given_out(torch.zeros(4, 3), nn.ReLU()), None).layers["host.1"]
    assert (row.dead, row.dormant, row.zero, row.effective_rank, row.std) == (3, 1.0, 1.0, None, 0.0)


def test_a_unit_that_fires_once_is_not_dead() -> None:
    values = -torch.ones(64, 2, 5, 5)
    values[63, 1, 4, 4] = 1.0
    row = measured(nn.Sequential(given_out(values), nn.BatchNorm2d(2).eval(), nn.ReLU()), None).layers["host.2"]
    assert (row.units, row.dead, row.dormant) == (2, 1, 0.5)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_broken_values_are_counted_and_show_in_every_figure(broken: float) -> None:
    values = noise(8, 4).abs()
    values[3, 1] = values[5, 2] = values[5, 1] = broken
    row = measured(given_out(values, nn.Softplus()), None).layers["host.0"]
    assert row.non_finite == 3
    assert row.mean == pytest.approx(broken, nan_ok=True)
    assert math.isnan(row.std)
    assert row.effective_rank is None
    if not broken < 0:  # softplus turns -inf into 0
        after = measured(given_out(values, nn.Softplus()), None).layers["host.1"]
        assert after.dormant is not None
        assert math.isnan(after.dormant)
        assert after.dead == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_float_type_is_read_as_it_is(dtype: torch.dtype) -> None:
    values = (noise(64, 6) + 3).to(dtype)
    row, h = measured(given_out(values), None).layers["host.0"], values.double().numpy()
    assert row.mean == pytest.approx(h.mean(), rel=1e-6)
    assert row.std == pytest.approx(h.std(ddof=1), rel=1e-5)
    assert row.effective_rank == pytest.approx(rank_of(h), rel=1e-4)


def test_the_spread_of_millions_of_values_far_from_zero_is_exact_to_five_digits() -> None:
    values = noise(4, 8, 500, 500) + 30
    row, h = measured(given_out(values), None).layers["host.0"], values.double().numpy()
    assert row.std == pytest.approx(h.std(ddof=1), rel=1e-5)
    assert row.mean == pytest.approx(h.mean(), rel=1e-6)


def test_channels_last_gives_the_same_figures(cnn: nn.Module) -> None:
    inputs = noise(16, 3, 16, 16)
    plain = measured(cnn.eval(), inputs).layers
    cnn.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    again = measured(cnn, inputs.to(memory_format=torch.channels_last)).layers
    for layer, row in plain.items():
        assert again[layer].mean == pytest.approx(row.mean, rel=1e-4, abs=1e-6)
        assert again[layer].effective_rank == pytest.approx(row.effective_rank, rel=1e-4)
        assert (again[layer].units, again[layer].dead) == (row.units, row.dead)


def test_units_are_channels_after_convolutions_and_norms_and_features_after_anything_else() -> None:
    blocks = {
        (2, 3, 8): nn.Sequential(nn.Conv1d(3, 6, 3), nn.GELU()),
        (2, 3, 8, 8): nn.Sequential(nn.ConvTranspose2d(3, 5, 3), nn.GroupNorm(1, 5), nn.Tanh()),
        (2, 7, 4): nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.SiLU()),
        (2, 4): nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3).eval(), nn.PReLU()),
    }
    units = [{row.units for row in measured(net, noise(*shape)).layers.values()} for shape, net in blocks.items()]
    assert units == [{6}, {5}, {5}, {3}]


def test_softmax_whole_numbers_and_containers_are_left_out_and_of_tuples_the_first_is_looked_at() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.attend, self.softmax = nn.Embedding(9, 4), nn.MultiheadAttention(4, 2), nn.Softmax(-1)
            self.recur, self.count = nn.GRU(4, 5), given_out(torch.ones(3, 2))
            self.count.get_submodule("0").values = nn.Parameter(
                torch.ones(3, 2, dtype=torch.int64), requires_grad=False
            )
            self.scale = nn.Parameter(torch.ones(4))

        def forward(self, tokens: Tensor) -> Any:
            x = self.embed(tokens) * self.scale
            return self.softmax(self.recur(self.attend(x, x, x)[0])[0]) * self.count(tokens)[..., None]

    found = measured(Odd(), torch.arange(6).view(3, 2)).layers
    assert [(layer, row.units) for layer, row in found.items()] == [
        *(("host.embed", 4), ("host.attend", 4), ("host.recur", 5))
    ]


def test_a_model_of_one_layer_has_the_name_of_its_part_and_a_single_value_has_no_spread() -> None:
    assert list(measured(nn.Linear(1, 1), noise(2, 1)).layers) == ["host"]
    assert measured(nn.Linear(1, 1), noise(1, 1)).layers == {}


def test_a_module_that_runs_twice_shows_its_last_run_under_its_first_name() -> None:
    relu = nn.ReLU()
    net = nn.Sequential(given_out(torch.ones(2, 3)), relu, given_out(torch.zeros(2, 5)), relu)
    found = measured(net, None).layers
    assert list(found) == ["host.0.0", "host.2.0", "host.1"]
    assert (found["host.1"].units, found["host.1"].dead) == (5, 5)
    with recorded({"host": net, "early": relu}) as outputs:
        net(None)
    assert list(outputs) == ["host.0.0", "host.2.0", "early"]


def test_layers_of_parts_come_in_the_order_in_which_they_ran() -> None:
    host, seed = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), nn.Sequential(nn.ReLU(), nn.Linear(2, 2))
    with recorded({"host": host, "early": seed, "late": nn.Linear(2, 2)}) as outputs, torch.no_grad():
        host[1](seed(host[0](noise(4, 2))))
    found = activations_measured(outputs)
    assert (found.samples, list(found.layers)) == (4, ["host.0", "early.0", "early.1", "host.1"])


def test_the_first_256_samples_and_every_kth_unit_stand_for_all() -> None:
    values = noise(300, 1100)
    values[256:] = math.nan
    found = measured(given_out(values), None)
    row, h = found.layers["host.0"], values[:256].double().numpy()
    assert (found.samples, row.units, row.non_finite) == (256, 1100, 0)
    assert row.mean == pytest.approx(h.mean(), abs=1e-6)
    assert row.effective_rank == pytest.approx(rank_of(h[:, ::3]), rel=1e-4)
    values[0, 1] = math.nan  # in a unit that the rank is not taken over
    assert measured(given_out(values), None).layers["host.0"].effective_rank is None


def test_nothing_that_ran_is_nothing_measured() -> None:
    with recorded({"host": nn.Linear(2, 2)}) as outputs:
        pass
    assert activations_measured(outputs) == ActivationsMeasured(samples=0, layers={})


def test_what_is_computed_is_bit_for_bit_the_same_and_nothing_is_left_behind(
    cnn: nn.Module, state: Callable[[nn.Module], Any]
) -> None:
    inputs = noise(8, 3, 16, 16)
    cnn[2] = nn.ReLU(inplace=True)  # type: ignore[operator]
    plain, before = cnn.eval()(inputs), state(cnn)
    with recorded({"host": cnn}) as outputs:
        looked_at = cnn(inputs)
    activations_measured(outputs)
    assert torch.equal(plain, looked_at)
    assert looked_at.requires_grad
    assert state(cnn) == before
    assert not any(module._forward_hooks for module in cnn.modules())


def test_the_hooks_are_gone_after_an_exception(cnn: nn.Module) -> None:
    with pytest.raises(RuntimeError), recorded({"host": cnn}):
        cnn(noise(1, 1, 1, 1))
    assert not any(module._forward_hooks for module in cnn.modules())


@pytest.mark.parametrize("inside", ["whole", "in place", "a part"])
def test_a_compiled_model_is_seen_under_the_names_of_the_original(cnn: nn.Module, inside: str) -> None:
    inputs = noise(4, 3, 16, 16)
    plain = measured(cnn.eval(), inputs)
    compiled: Any = torch.compile(cnn, backend="eager") if inside == "whole" else cnn
    if inside == "in place":
        cnn.compile(backend="eager")
    elif inside == "a part":
        cnn[3] = torch.compile(cnn[3], backend="eager")  # type: ignore[index,operator]
    with torch.no_grad():
        compiled(inputs)
        with untouched(compiled), recorded({"host": compiled}) as outputs:
            compiled(inputs)
    assert activations_measured(outputs) == plain


@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 20), st.floats(1e-300, 1e300), st.integers(0, 2**31))
def test_k_equal_singular_values_are_a_rank_of_k(k: int, rows: int, columns: int, size: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    left, _ = np.linalg.qr(draw.normal(size=(k + rows, k)))
    right, _ = np.linalg.qr(draw.normal(size=(k + columns, k)))
    assert effective_rank(torch.tensor(size * left @ right.T)) == pytest.approx(k, rel=1e-6)


def test_rounding_adds_no_rank() -> None:
    draw = np.random.default_rng(0)
    matrix = np.outer(draw.normal(size=256), draw.normal(size=512))
    assert effective_rank(torch.tensor(matrix)) == pytest.approx(1, abs=1e-9)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**31))
def test_the_rank_is_that_of_numpy_the_same_when_scaled_or_turned_and_at_most_the_smaller_side(
    rows: int, columns: int, seed: int
) -> None:
    matrix = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    found = effective_rank(torch.tensor(matrix))
    assert found == pytest.approx(rank_of(matrix.astype(np.float64)), rel=1e-5)
    assert found is not None
    assert 1 - 1e-9 <= found <= min(rows, columns) + 1e-6
    assert effective_rank(torch.tensor(-7 * matrix.T)) == pytest.approx(found, rel=1e-5)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_matrix_with_a_broken_element_has_no_rank(broken: float) -> None:
    assert effective_rank(torch.tensor([[1.0, broken], [0.0, 1.0]])) is None


def test_what_computes_a_layers_parameters_is_no_layer_and_hides_none() -> None:
    host = nn.Sequential(
        weight_norm(nn.Linear(4, 6)),
        nn.ReLU(),
        spectral_norm(nn.Linear(6, 5, bias=False)),
        weight_norm(nn.Conv1d(1, 2, 1)),
    )
    register_parametrization(host[0], "bias", nn.PReLU(), unsafe=True)
    found = measured(nn.Sequential(host[:3], nn.Unflatten(1, (1, 5)), host[3]), noise(8, 4)).layers
    assert [(layer, row.units) for layer, row in found.items()] == [
        *(("host.0.0", 6), ("host.0.1", 6), ("host.0.2", 5), ("host.2", 2))
    ]
    assert found["host.0.1"].dead is not None


def test_the_layers_of_a_transformer_are_seen() -> None:
    block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert "host.self_attn.out_proj" not in recordable({"host": block}).values()
    found = measured(block.eval(), noise(4, 3, 8)).layers
    assert {layer: row.units for layer, row in found.items()} == {
        **{f"host.{layer}": 8 for layer in ("self_attn", "norm1", "linear2", "norm2")},
        "host.linear1": 16,
    }
