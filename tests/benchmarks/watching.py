"""Nissa's own ways of watching a training: the four profiles, as they are and with gradients at every step."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from nissa.pipeline.config.profiles import load
from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry

__all__ = ["PROFILES", "Look", "Way", "profile"]


class Look(NamedTuple):
    """What a way of watching does with a model, once it has it."""

    step: Callable[[], object] = tuple
    """After each backward pass."""
    epoch: Callable[[Tensor, Tensor], object] | None = None
    """After each epoch, with a batch to validate on."""
    cycle: int = 1
    """Epochs after which all begins anew."""


class Way(NamedTuple):
    """A way of watching, by the name it has in the table."""

    name: str
    start: Callable[[nn.Module], AbstractContextManager[Look]]
    every: int = 1
    """Steps from one measurement to the next."""
    aim: str = ""
    hooked: bool = False
    """Whether it works inside the backward pass, too."""


@contextmanager
def profile(model: nn.Module, name: str, *overrides: str) -> Iterator[Look]:
    """The probes as a profile configures them, in the hub that a trainer would have, without sinks that write."""
    config = load(name, overrides=list(overrides))
    with Telemetry("bench", config=config) as telemetry:
        watch = Watch(telemetry, model)
        landscape = config.loss_landscape
        yield Look(watch.step, watch.epoch, landscape.every if landscape.enabled else 1)


def _way(name: str, aim: str) -> Way:
    gradients = load(name).gradients
    every = gradients.every if gradients.enabled else 1
    label = f"{name}, every {every}th step" if every > 1 else name
    return Way(label, partial(profile, name=name), every, aim)


def _densely(name: str) -> Way:
    return Way(f"{name}, every step", lambda model: profile(model, name, "gradients.every=1"))


PROFILES = (
    _way("minimal", "0"),
    _way("standard", "1%"),
    _way("diagnostic", "5%"),
    _way("research", "15%"),
    _densely("standard"),
    _densely("diagnostic"),
)
