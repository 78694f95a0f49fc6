"""Whatever a training loop makes of gradients, the figures are those of a plain array with the same elements."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from nissa.events.kinds import LayerGradients
from nissa.pipeline.probes.gradients.gradients import gradients_measured
from nissa.pipeline.probes.model.layers import layers_of
from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry


def rows(model: nn.Module) -> dict[str, LayerGradients]:
    return gradients_measured({"host": model}).layers


def agrees(row: LayerGradients, grads: list[np.ndarray], rel: float = 1e-5) -> None:
    """A row against float64."""
    grad = np.concatenate([g.ravel() for g in grads]).astype(np.float64)
    assert row.elements == grad.size
    assert row.norm == pytest.approx(np.linalg.norm(grad), rel=rel)
    assert row.mean == pytest.approx(grad.mean(), rel=rel, abs=rel * grad.std())
    assert row.std == pytest.approx(grad.std(ddof=1), rel=rel)


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))


def batches(n: int) -> Iterator[tuple[Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(3)
    for _ in range(n):
        yield torch.randn(5, 8, generator=draw), torch.randint(4, (5,), generator=draw)


def test_an_accumulated_gradient_is_the_sum_of_its_parts() -> None:
    model, parts = mlp(), []
    for x, y in batches(3):
        own = torch.autograd.grad(cross_entropy(model(x), y) / 3, list(model.parameters()))
        parts.append([grad.double().numpy() for grad in own])
        (cross_entropy(model(x), y) / 3).backward()  # type: ignore[no-untyped-call]
    weight, bias, *_ = (sum(grads) for grads in zip(*parts, strict=True))
    agrees(rows(model)["host.0"], [np.asarray(weight), np.asarray(bias)])


def test_a_scaled_gradient_is_read_as_it_is_once_unscaled() -> None:
    model, other = mlp(), mlp()
    scaler, optimizer = torch.amp.GradScaler("cpu", init_scale=1024.0), torch.optim.SGD(model.parameters())
    ((x, y),) = batches(1)
    scaler.scale(cross_entropy(model(x), y)).backward()  # type: ignore[no-untyped-call]
    scaler.unscale_(optimizer)
    cross_entropy(other(x), y).backward()  # type: ignore[no-untyped-call]
    for name, row in rows(model).items():
        assert row.norm == pytest.approx(rows(other)[name].norm, rel=1e-6)


def test_autocast_to_bfloat16_leaves_gradients_that_are_read() -> None:
    model = mlp()
    ((x, y),) = batches(1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = cross_entropy(model(x), y)
    loss.backward()  # type: ignore[no-untyped-call]
    agrees(rows(model)["host.2"], [p.grad.double().numpy() for p in model[2].parameters() if p.grad is not None])


def test_of_a_sparse_gradient_what_is_not_there_is_zero_and_what_is_there_twice_is_added() -> None:
    table = nn.Embedding(50, 4, sparse=True)
    table(torch.tensor([3, 3, 7])).sum().backward()
    assert table.weight.grad is not None
    assert table.weight.grad.is_sparse
    dense = table.weight.grad.to_dense().numpy()
    row = rows(table)["host"]
    agrees(row, [dense])
    assert row.zero == 1 - 8 / 200
    assert row.percentiles["p50"] == 0.0


def test_a_complex_gradient_counts_as_two_real_ones() -> None:
    layer = nn.Linear(3, 2, bias=False, dtype=torch.complex64)
    layer(torch.randn(4, 3, dtype=torch.complex64)).abs().sum().backward()
    grad = layer.weight.grad
    assert grad is not None
    agrees(rows(layer)["host"], [grad.real.numpy(), grad.imag.numpy()])
    assert rows(layer)["host"].elements == 12


def test_empty_parameters_are_left_out() -> None:
    model = nn.Module()
    model.empty, model.full = nn.Parameter(torch.zeros(0, 3)), nn.Parameter(torch.ones(2))
    empty, full = torch.zeros(0, 3), torch.ones(2)
    model.empty.grad, model.full.grad = empty, full
    assert rows(model)["host"].elements == 2
    del model.full
    assert rows(model) == {}


def test_gradients_of_several_types_go_together() -> None:
    model = mlp()
    for p, dtype in zip(model.parameters(), (torch.float64, torch.float16, torch.bfloat16, torch.float32), strict=True):
        p.data = p.data.to(dtype)
        p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    for name, row in rows(model).items():
        own = model.get_submodule(name.removeprefix("host.")).parameters()
        agrees(row, [p.grad.double().numpy() for p in own if p.grad is not None])


def test_float64_is_read_as_float64() -> None:
    layer = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    layer.weight.grad = torch.tensor([[3e200, 4e200]], dtype=torch.float64)
    row = rows(layer)["host"]
    assert row.norm == np.inf  # the squares are too large even so
    assert row.non_finite == 0
    layer.weight.grad *= 1e-100
    assert rows(layer)["host"].norm == pytest.approx(5e100)


def test_seeds_appear_and_vanish_between_measurements() -> None:
    host, seed = mlp(), nn.Linear(2, 2)
    for p in [*host.parameters(), *seed.parameters()]:
        p.grad = torch.ones_like(p)
    assert gradients_measured({"host": host}).slot_norms == {}
    assert list(gradients_measured({"host": host, "early": seed}).slot_norms) == ["early"]
    assert gradients_measured({"host": host}).slot_norms == {}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch.compile, on import
def test_a_compiled_model_and_a_compiled_block_keep_their_names() -> None:
    model = mlp()
    plain = list(layers_of({"host": model}))
    assert list(layers_of({"host": cast("nn.Module", torch.compile(model))})) == plain
    model[0] = torch.compile(model[0])  # type: ignore[assignment]
    assert list(layers_of({"host": model})) == plain


def test_a_child_that_is_called_module_keeps_its_name() -> None:
    model = nn.ModuleDict({"module": nn.Linear(1, 1)})
    assert list(layers_of({"host": model})) == ["host.module"]


@pytest.fixture
def process_group() -> Iterator[None]:
    """A group of this process alone."""
    store = torch.distributed.HashStore()  # type: ignore[attr-defined]
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process_group")
def test_distributed_data_parallel_has_the_names_and_figures_of_its_module() -> None:
    model, wrapped = mlp(), nn.parallel.DistributedDataParallel(mlp())
    for net in (model, wrapped):
        ((x, _),) = batches(1)
        mse_loss(net(x), torch.zeros(5, 4)).backward()  # type: ignore[no-untyped-call]
    assert rows(wrapped) == rows(model)


def dtensors() -> nn.Module:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import distribute_module

    return distribute_module(nn.Linear(2, 2), init_device_mesh("cpu", (1,)))


def flattened(*, original: bool) -> nn.Module:
    from torch.distributed.fsdp import FullyShardedDataParallel

    cpu = torch.device("cpu")
    return FullyShardedDataParallel(nn.Linear(2, 2), device_id=cpu, use_orig_params=original)


@pytest.mark.filterwarnings("ignore")  # what FSDP has to say of a single process
@pytest.mark.usefixtures("process_group")
@pytest.mark.parametrize("make", [partial(flattened, original=True), partial(flattened, original=False)])
def test_flattened_parameters_are_a_clear_fault_and_no_more(make: Callable[[], nn.Module]) -> None:
    model = make()
    with pytest.raises(TypeError, match="sharded parameters"):
        gradients_measured({"host": model})
    with Telemetry("test") as telemetry:
        Watch(telemetry, model).step()
        assert telemetry.state().faults == {"probe gradients_measured": 1}


@pytest.mark.usefixtures("process_group")
def test_of_a_shard_that_is_the_whole_the_figures_are_those_of_the_whole() -> None:
    from torch.distributed.tensor import distribute_tensor

    sharded, plain = dtensors(), nn.Linear(2, 2)
    mse_loss(plain(torch.ones(3, 2)), torch.zeros(3, 2)).backward()  # type: ignore[no-untyped-call]
    for own, p in zip(sharded.parameters(), plain.parameters(), strict=True):
        assert p.grad is not None
        own.grad = distribute_tensor(p.grad, own.device_mesh, own.placements)  # type: ignore[attr-defined]
    whole, shards = gradients_measured({"host": plain}), gradients_measured({"host": sharded})
    assert shards.host_norm == pytest.approx(whole.host_norm, rel=1e-6)
    assert shards.norm_share == pytest.approx(whole.host_norm, rel=1e-6)
    assert whole.norm_share is None
    assert shards.layers["host"].mean == pytest.approx(whole.layers["host"].mean, rel=1e-6)
