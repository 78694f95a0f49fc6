"""How often a GPU is waited for: counted on fake CUDA tensors, for which no GPU is needed."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from nissa.pipeline.probes import bit_sketch
from nissa.pipeline.probes.gradients import gathered

SHAPES = ((16, 3, 3, 3), (16,), (32, 16, 3, 3), (32,), (10, 32), (10,))


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what makes the host wait: scalars read, copies from device to host, sizes that depend on data."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        given = [a for a in args if isinstance(a, Tensor) and a.device.type == "cuda"]
        if name in {"_local_scalar_dense", "bincount", "nonzero", "equal"}:
            self.found[name] += 1
        out = func(*args, **(kwargs or {}))
        if given and isinstance(out, Tensor) and out.device.type == "cpu":
            self.found["copy"] += 1
        return out


def waits(measure: Callable[[list[list[Tensor]]], Any]) -> Counter[str]:
    seen = Waits()
    with FakeTensorMode(), seen:
        grads = [[torch.empty(shape, device="cuda")] for shape in SHAPES]
        measure(grads)
    return seen.found


def test_all_gradients_leave_the_device_in_one_transfer_and_nothing_else_waits() -> None:
    assert waits(gathered) == {"copy": 1}


def test_the_count_sees_what_it_should() -> None:
    def naive(grads: list[list[Tensor]]) -> None:
        for own in grads:
            own[0].norm().cpu()
            with pytest.raises(Exception, match="_local_scalar_dense"):
                own[0].sum().item()

    assert waits(naive) == {"copy": 6, "_local_scalar_dense": 6}


def test_a_gpu_counts_the_bins_as_the_cpu_does() -> None:
    values = torch.randn(1_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(bit_sketch._scattered(bit_sketch._codes(values)), bit_sketch.sketch(values))
