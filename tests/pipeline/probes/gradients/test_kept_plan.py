"""Between two looks a network may be rebuilt, frozen and taken apart: what is found is that of a plan made anew."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.probes.gradients import kept_plan
from nissa.pipeline.probes.gradients.gradients import gradients_measured
from nissa.pipeline.probes.gradients.kept_plan import KeptPlan
from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry
from tests.waiting import LIMIT

CONFIG = TelemetryConfig.model_validate({"gradients": {"enabled": True, "every": 1, "layers": ["*"]}})
Parts = dict[str, Any]


def backward(parts: Parts) -> None:
    """Gradients for all that can be trained."""
    for part in parts.values():
        for p in [] if part is None else part.parameters():
            p.grad = torch.randn_like(p) if p.requires_grad else p.grad


def make() -> Parts:
    frozen = nn.Linear(2, 2).requires_grad_(False)
    return {"host": nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5), frozen, nn.Sequential(nn.Linear(1, 1)))}


def _deleted(parts: Parts) -> None:
    del parts["host"][2]


def _replaced(parts: Parts) -> None:
    parts["host"][2] = nn.Linear(6, 7)


def _past_its_door(parts: Parts) -> None:
    parts["host"][4]._modules["0"] = nn.Linear(2, 1)


def _another_parameter(parts: Parts) -> None:
    parts["host"][0].weight = nn.Parameter(torch.ones(2, 2))


def _without_a_bias(parts: Parts) -> None:
    parts["host"][0].register_parameter("bias", None)


def _frozen(parts: Parts) -> None:
    parts["host"][0].requires_grad_(False)


def _unfrozen(parts: Parts) -> None:
    parts["host"][3].requires_grad_(True)


def _grown(parts: Parts) -> None:
    parts["host"].append(nn.Linear(2, 2))


def _a_seed(parts: Parts) -> None:
    parts["early"] = nn.Linear(2, 2)


def _another_host(parts: Parts) -> None:
    parts["host"] = nn.Linear(2, 3)


def _another_type(parts: Parts) -> None:
    parts["host"].double()


def _tied(parts: Parts) -> None:
    parts["host"][2].weight = parts["host"][0].weight


CHANGES = [_deleted, _replaced, _past_its_door, _another_parameter, _without_a_bias, _frozen, _unfrozen, _grown]
CHANGES += [_a_seed, _another_host, _another_type, _tied]


class Looks:
    """A watch over parts that change, and what it found."""

    def __init__(self, parts: Parts) -> None:
        self.events: list[Any] = []
        self.telemetry = Telemetry("test", config=CONFIG, sinks={"kept": self.events.append})
        self._watch = Watch(self.telemetry, nn.Identity(), parts=lambda: parts)

    def look(self) -> GradientsMeasured:
        self._watch.step()
        assert self.telemetry.flush(LIMIT)
        assert not self.telemetry.state().faults
        *_, last = [e.payload for e in self.events if isinstance(e.payload, GradientsMeasured)]
        return last


@pytest.fixture
def looks() -> Iterator[Callable[[Parts], Looks]]:
    made: list[Looks] = []

    def start(parts: Parts) -> Looks:
        made.append(Looks(parts))
        return made[-1]

    yield start
    for one in made:
        one.telemetry.close()


@pytest.mark.parametrize("change", CHANGES)
def test_a_network_that_changes_in_mid_epoch_is_seen_as_it_is(
    change: Callable[[Parts], None], looks: Callable[[Parts], Looks]
) -> None:
    parts = make()
    one = looks(parts)
    for n in range(4):
        if n == 2:
            change(parts)
        backward(parts)
        assert one.look() == gradients_measured(parts, CONFIG.gradients, batch=n)


@pytest.mark.parametrize("shape", [(9, 2), (3, 4), (1, 1)])
def test_a_parameter_that_gets_another_shape_is_reduced_by_itself(
    shape: tuple[int, int], looks: Callable[[Parts], Looks]
) -> None:
    parts = make()
    one = looks(parts)
    for _ in range(3):
        backward(parts)
        found = one.look().layers["host.0"]
        layer = parts["host"][0]
        assert found.elements == layer.weight.numel() + 4
        assert found.norm == pytest.approx(math.hypot(layer.weight.grad.norm(), layer.bias.grad.norm()), rel=1e-6)
        layer.weight.data, layer.weight.grad = torch.ones(shape), None


def test_a_gradient_that_is_missing_now_and_then_is_absent_then_alone(looks: Callable[[Parts], Looks]) -> None:
    parts = make()
    one = looks(parts)
    for n, missing in enumerate([(), (0,), (0, 1), (2,), (0, 1, 2, 3), ()]):
        backward(parts)
        for place in missing:
            list(parts["host"].parameters())[place].grad = None
        assert one.look() == gradients_measured(parts, CONFIG.gradients, batch=n)


def test_what_stays_as_it_is_is_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parts, kept = make(), KeptPlan()
    first = kept.of(parts, "all")
    monkeypatch.delattr(kept_plan, "layers_of")
    assert kept.of(dict(parts), "all") is first
    parts["host"][0].requires_grad_(False)
    assert kept.of(parts, "all") is first


def test_a_new_epoch_walks_anew_and_keeps_a_plan_that_fits() -> None:
    parts, kept = make(), KeptPlan()
    first = kept.of(parts, "all")
    assert kept.of(parts, "all", anew=True) is first
    assert kept.of(parts, ["0"], anew=True) is not first


def test_what_was_taken_out_is_let_go_of_at_the_next_look() -> None:
    import gc
    import weakref

    parts, kept = make(), KeptPlan()
    kept.of(parts, "all")
    gone = weakref.ref(parts["host"][2])
    _deleted(parts)
    kept.of(parts, "all")
    gc.collect()
    assert gone() is None
