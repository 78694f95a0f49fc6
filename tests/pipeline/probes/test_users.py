"""What users do with a watch: slots inside the host, several inputs, another default device, a call too late."""

import logging
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa import Telemetry, Watch
from nissa.events.event import Event
from nissa.events.kinds import ClassesMeasured, GradientsMeasured, ProbesConfigured, SharpnessMeasured, WeightsMeasured


class Host(nn.Module):
    """A host that holds its slots, as most do."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(4, 8), nn.Linear(8, 3)
        self.slots = nn.ModuleDict({"early": nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))})

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.body(x))
        return torch.as_tensor(self.head(h + self.slots["early"](h)))


class Pair(nn.Module):
    """Two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.out = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return torch.as_tensor(self.out(torch.relu(self.left(x) * self.right(mask))))


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def telemetry(seen: list[Any]) -> Iterator[Telemetry]:
    def see(event: Event[Any]) -> None:
        seen.append(event.payload)

    with Telemetry("users", config="research", sinks={"seen": see}) as made:
        yield made


def of(kind: type[Any], seen: list[Any]) -> list[Any]:
    return [payload for payload in seen if isinstance(payload, kind)]


def norm(module: nn.Module) -> float:
    squares = [p.grad.square().sum().item() for p in module.parameters() if p.grad is not None]
    return math.sqrt(sum(squares))


@pytest.mark.parametrize("order", [("host", "early", "late"), ("late", "early", "host")])
def test_a_slot_inside_the_host_is_its_own_whatever_the_order(
    telemetry: Telemetry, seen: list[Any], order: tuple[str, ...]
) -> None:
    host = Host()
    parts = {"host": host, "early": host.slots["early"], "late": None}
    watch = Watch(telemetry, host, parts=lambda: {name: parts[name] for name in order}, slots=["early", "late"])
    host(torch.randn(16, 4)).square().sum().backward()
    watch.step()
    assert telemetry.flush()
    (look,) = of(GradientsMeasured, seen)
    assert look.slot_norms["early"] == pytest.approx(norm(host.slots["early"]), rel=1e-5)
    own = norm(host.body) ** 2 + norm(host.head) ** 2
    assert look.host_norm == pytest.approx(own**0.5, rel=1e-5)
    assert {*look.layers} == {"host.body", "host.head", "early.0", "early.2"}
    assert of(ProbesConfigured, seen)[0].layers == ["host.body", "host.head"]
    assert not telemetry.state().faults


def test_a_network_with_several_inputs_is_called_as_it_wants(telemetry: Telemetry, seen: list[Any]) -> None:
    network, batch, labels = Pair(), (torch.randn(16, 4), torch.ones(16, 4)), torch.randint(3, (16,))
    watch = Watch(telemetry, network, forward=lambda model, inputs: model(*inputs))
    cross_entropy(network(*batch), labels).backward()  # type: ignore[no-untyped-call]
    watch.step()
    for _ in range(5):
        watch.epoch(batch, labels)
    assert telemetry.flush()
    right = 100 * (network(*batch).argmax(1) == labels).double().mean().item()
    figures = of(ClassesMeasured, seen)[0].classes.values()
    assert sum(row.accuracy * row.n for row in figures if row.n) / 16 == pytest.approx(right)
    assert of(SharpnessMeasured, seen)
    assert not telemetry.state().faults


def test_without_a_batch_an_epoch_measures_what_needs_none(telemetry: Telemetry, seen: list[Any]) -> None:
    network = nn.Linear(4, 3)
    watch = Watch(telemetry, network)
    for _ in range(2):
        network(torch.randn(16, 4)).square().sum().backward()
        watch.step()
        watch.epoch()
    assert telemetry.flush()
    assert [look.batch for look in of(GradientsMeasured, seen)] == [0, 0]
    assert len(of(WeightsMeasured, seen)) == 2
    assert not of(ClassesMeasured, seen) + of(SharpnessMeasured, seen)
    assert not telemetry.state().faults


def test_another_default_device_ends_no_look(telemetry: Telemetry, seen: list[Any]) -> None:
    network, inputs, labels = nn.Sequential(nn.Linear(4, 2)), torch.randn(16, 4), torch.randint(2, (16,))
    watch = Watch(telemetry, network)
    torch.set_default_device("meta")
    try:
        cross_entropy(network(inputs), labels).backward()  # type: ignore[no-untyped-call]
        watch.step()
        for _ in range(5):
            watch.epoch(inputs, labels)
    finally:
        torch.set_default_device(None)
    assert telemetry.flush()
    assert all(of(kind, seen) for kind in (GradientsMeasured, ClassesMeasured, SharpnessMeasured))
    assert not telemetry.state().faults


def test_steps_after_zero_grad_are_told_once(
    telemetry: Telemetry, seen: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    network = nn.Linear(4, 2)
    watch = Watch(telemetry, network)
    with caplog.at_level(logging.WARNING, "nissa"):
        for late in (False, True, True):
            watch.step()  # before any backward pass there is none, and that is no fault
            for _ in range(3):
                network(torch.randn(2, 4)).sum().backward()
                if late:
                    network.zero_grad()
                watch.step()
                network.zero_grad()
            watch.epoch(torch.randn(2, 4), torch.tensor([0, 1]))
    assert telemetry.flush()
    assert telemetry.state().faults == {"probe watch": 2}
    assert len(caplog.records) == 1
    assert "before zero_grad()" in str(caplog.records[0].exc_info)
    assert [bool(look.layers) for look in of(GradientsMeasured, seen)] == [False, True, True, True, *[False] * 8]
