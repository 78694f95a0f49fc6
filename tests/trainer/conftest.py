"""Stand-ins for telemetry, and two short real runs that several tests look at."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from nissa.events.event import Event
from nissa.events.kinds import Payload
from nissa.pipeline.config.profiles import load
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.network.seed import Seed
from nissa.trainer.run import Settings, train
from nissa.trainer.training.history import History


class Silent:
    """What a trainer needs of a telemetry and of an emitter, and nothing behind it."""

    config, fidelity = load("minimal"), "normal"

    def __init__(self) -> None:
        self.told: list[Payload] = []

    def emit(self, payload: Payload) -> None:
        self.told.append(payload)

    def measure(self, name: str, probe: Any, *arguments: Any) -> None:
        self.emit(probe(*arguments))

    def move(self, **where: Any) -> None:
        pass

    def scope(self, **where: Any) -> "Silent":
        return self

    bind = scope


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def silent() -> Any:
    return Silent()


@pytest.fixture
def make_seed() -> Any:
    def make(blueprint: str = "conv_enhance", channels: int = 8, accuracy: float = 50.0) -> Seed:
        seed = Seed("s", blueprint, "linear", channels, torch_seed=5, accuracy=accuracy)
        with torch.no_grad():  # as if it had learned something: fresh, its correction is zero
            for number, parameter in enumerate(seed.parameters()):
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
        return seed

    return make


class Recorded(SimpleNamespace):
    events: list[Event[Any]]
    history: History
    out: Any


def _record(out: Any, **settings: Any) -> Recorded:
    events: list[Event[Any]] = []
    with Telemetry("recorded", sinks={"seen": events.append}, config="research") as telemetry:
        history = train(Settings(**settings), telemetry, out)
        assert telemetry.flush(20)
    return Recorded(events=events, history=history, out=out)


@pytest.fixture(scope="session")
def by_ppo(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Two rounds of two short episodes under PPO."""
    return _record(tmp_path_factory.mktemp("ppo"), policy="ppo", envs=2, episodes=2, epochs=24, seed=3)


@pytest.fixture(scope="session")
def by_rule() -> Recorded:
    """One whole episode under the heuristic."""
    return _record(None, policy="heuristic", envs=1, episodes=1, epochs=45, seed=0)
