"""Stand-ins for telemetry, and seeds."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from nissa.events.event import Scope
from nissa.events.kinds import Payload, ScalarsLogged
from nissa.pipeline.config.profiles import load
from nissa.pipeline.dispatch import FaultLog
from nissa.trainer.network.seed import Seed


class Silent:
    """What a trainer needs of an emitter, and nothing behind it."""

    scope = Scope("silent", None, None, None, None)

    def __init__(self) -> None:
        self.told: list[Payload] = []
        self.faults = FaultLog()

    def emit(self, payload: Payload) -> None:
        self.told.append(payload)

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        self.told.append(ScalarsLogged(values=dict(values), step=step))

    def measure(self, name: str, probe: Any, *arguments: Any) -> None:
        self.emit(probe(*arguments))

    def attempt(self, name: str, what: Any, *arguments: Any) -> Any:
        return what(*arguments)

    def move(self, **where: Any) -> None:
        pass

    def stepped(self) -> None:
        pass

    def bind(self, **where: Any) -> "Silent":
        return self


class Deaf:
    """What it needs of a telemetry, likewise."""

    config, fidelity, one_in, job = load("minimal"), "normal", 1, None

    def emit(self, payload: Payload) -> None:
        pass

    def scope(self, **where: Any) -> Silent:
        return Silent()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def silent() -> Any:
    return Silent()


@pytest.fixture
def deaf() -> Any:
    return Deaf()


@pytest.fixture
def make_seed() -> Any:
    def make(blueprint: str = "conv_enhance", channels: int = 8, accuracy: float = 50.0) -> Seed:
        seed = Seed("s", blueprint, "linear", channels, torch_seed=5, accuracy=accuracy)
        with torch.no_grad():  # as if it had learned something: fresh, its correction is zero
            for number, parameter in enumerate(seed.parameters()):
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
        return seed

    return make
