"""How often a GPU is waited for: counted on fake CUDA tensors, for which no GPU is needed."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from nissa.pipeline.config.settings import GradientConfig
from nissa.pipeline.probes.activations.activations import activations_measured, recorded
from nissa.pipeline.probes.counterfactual import counterfactual_measured
from nissa.pipeline.probes.gradients import bit_sketch
from nissa.pipeline.probes.gradients.gradients import gradients_begun, gradients_measured
from nissa.pipeline.probes.gradients.kept_plan import KeptPlan
from nissa.pipeline.probes.gradients.reductions import broken
from nissa.pipeline.probes.landscape import perturbations
from nissa.pipeline.probes.landscape.sharpness import sharpness_measured
from nissa.pipeline.probes.model import transfer
from nissa.pipeline.probes.validation.per_class import classes_measured
from nissa.pipeline.probes.weights import copied, weights_measured

EVERYTHING = GradientConfig(enabled=True, full_histogram=True)
WAITING = {"_local_scalar_dense", "bincount", "nonzero", "equal", "masked_select", "repeat_interleave"}


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts copies from device to host, and what makes the host wait: scalars read, sizes that depend on data."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        given = [a for a in args if isinstance(a, Tensor) and a.device.type == "cuda"]
        if name in WAITING:
            self.found[name] += 1
        out = func(*args, **(kwargs or {}))
        if given and isinstance(out, Tensor) and out.device.type == "cpu":
            self.found["copy" if (kwargs or {}).get("non_blocking") else "waiting copy"] += 1
        return out


class Arrived(Exception):
    """The figures are on the CPU: what follows has nothing to do with a device."""


class Event:
    """Stands for a CUDA event."""

    def synchronize(self) -> None:
        raise Arrived


@pytest.fixture(autouse=True)
def without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be had without a GPU, even of fake tensors: events, random states, and random numbers."""
    monkeypatch.setattr(transfer, "_recorded", lambda device: Event())
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: nullcontext())
    for layer in (nn.Conv2d, nn.Linear):
        monkeypatch.setattr(layer, "reset_parameters", lambda self: None)
    monkeypatch.setattr(perturbations, "_generator", lambda device, seed: None)
    monkeypatch.setattr(perturbations, "_normal", lambda like, generator: torch.empty_like(like))


def net(device: str = "cuda") -> nn.Module:
    """Two convolutions and a large linear layer with gradients, on a GPU that is not there."""
    on: dict[str, Any] = {"device": device}
    convolutions = nn.Conv2d(3, 16, 3, **on), nn.ReLU(), nn.Conv2d(16, 8, 3, **on)
    model = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(32, 3000, **on))
    for p in model.parameters():
        p.grad = torch.empty_like(p)
    return model


def waits(measure: Callable[[nn.Module], Any]) -> Counter[str]:
    """What is waited for until the figures have arrived."""
    seen = Waits()
    with FakeTensorMode(), seen, suppress(Arrived):
        measure(net())
    return seen.found


def test_all_gradients_leave_the_device_in_one_transfer_and_nothing_else_waits() -> None:
    assert waits(lambda model: gradients_measured({"host": model}, EVERYTHING)) == {"copy": 1}


def test_a_step_does_not_wait_even_for_that_one() -> None:
    def begun(model: nn.Module) -> None:
        # Arrived would be raised by waiting.
        parts = {"host": model}
        assert gradients_begun(KeptPlan().of(parts, "all"), parts, EVERYTHING).waiting

    assert waits(begun) == {"copy": 1}


def test_from_two_devices_there_are_two_transfers() -> None:
    def both(model: nn.Module) -> None:
        gradients_measured({"host": model, "early": net("cuda:1")}, EVERYTHING)

    assert waits(both) == {"copy": 2}


def test_the_weights_leave_in_one_transfer() -> None:
    assert waits(lambda model: weights_measured({"host": model}, copied({"host": model}))) == {"copy": 1}


def test_the_classes_leave_in_one_transfer() -> None:
    def classes(model: nn.Module) -> None:
        classes_measured(torch.empty(64, 10, device="cuda"), torch.empty(64, dtype=torch.int64, device="cuda"))

    assert waits(classes) == {"copy": 1}


def test_all_configurations_leave_in_one_transfer() -> None:
    def configurations(model: nn.Module) -> None:
        batch = torch.empty(64, 10, device="cuda"), torch.empty(64, dtype=torch.int64, device="cuda")
        counterfactual_measured({"a": 1.0, "b": 1.0}, lambda alphas: None, lambda: [batch, batch], model=model)

    assert waits(configurations) == {"copy": 1}


def test_sharpness_leaves_in_one_transfer_after_all_of_its_evaluations() -> None:
    def sharp(model: nn.Module) -> None:
        images, labels = torch.empty(4, 3, 6, 6, device="cuda"), torch.empty(4, dtype=torch.int64, device="cuda")
        slope = [p.grad for p in model.parameters()]
        sharpness_measured(model, lambda: cross_entropy(model(images), labels), slope)

    assert waits(sharp) == {"copy": 1}


def test_the_activations_leave_in_one_transfer() -> None:
    def active(model: nn.Module) -> None:
        with torch.no_grad(), recorded({"host": model}) as outputs:
            model(torch.empty(4, 3, 6, 6, device="cuda"))
        assert len(outputs) == 4
        activations_measured(outputs)

    assert waits(active) == {"copy": 1}


def test_the_count_sees_what_it_should() -> None:
    def naive(model: nn.Module) -> None:
        for p in model.parameters():
            assert p.grad is not None
            p.grad.norm().cpu()
            with pytest.raises(Exception, match="_local_scalar_dense"):
                p.grad.sum().item()

    assert waits(naive) == {"waiting copy": 6, "_local_scalar_dense": 6}


def test_what_was_packed_for_the_way_is_unpacked_in_its_order_and_shape() -> None:
    found = [torch.tensor([1.0, 2.0]), torch.tensor([[3, 4]]), torch.tensor(5.0, dtype=torch.float64)]
    sent = transfer.Transfer(found)
    sent._copies = [([0, 2], torch.tensor([1.0, 2.0, 5.0])), ([1], torch.tensor([3.0, 4.0]))]
    arrived = sent.arrived()
    assert [t.tolist() for t in arrived] == [[1.0, 2.0], [[3.0, 4.0]], 5.0]
    assert {t.dtype for t in arrived} == {torch.float64}


def test_a_gpu_counts_bins_and_broken_elements_as_the_cpu_does() -> None:
    values = torch.tensor([1.0, float("nan"), -2.0, float("inf"), 0.0, 7.0] * 100)
    codes = bit_sketch._codes(values) + bit_sketch.MIDDLE
    assert torch.equal(bit_sketch._scattered(codes, bit_sketch.BINS), bit_sketch.sketch(values))
    assert [int(n) for n in broken([values, values[:1]], torch.tensor([float("nan"), 1.0]))] == [200, 0]
