"""What others do to watch gradients: hooks that read scalars, wandb.watch offline, and TensorBoard's histograms.

The last two come with the extra `bench`; one that is not installed is left out, and said to be.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import count
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from tests.benchmarks.watching import Look, Way

__all__ = ["ALTERNATIVES", "rivals"]

_QUANTILES = torch.tensor([0.01, 0.25, 0.5, 0.75, 0.99])


def rivals() -> str:
    """Those that are compared with, by version."""
    found = {name: version(name) if find_spec(name) else "is not installed" for name in ("wandb", "tensorboard")}
    return ", ".join(f"{name} {which}" for name, which in found.items())


def _moments(grad: Tensor) -> list[float]:
    return [grad.norm().item(), grad.mean().item(), grad.std().item()]


def _distribution(grad: Tensor) -> list[float]:
    size = grad.abs()
    fractions = [(size < 1e-7).float().mean().item(), (size > 1e3).float().mean().item()]
    return [*_moments(grad), *fractions, *(value.item() for value in torch.quantile(grad.flatten(), _QUANTILES))]


@contextmanager
def _hooks(model: nn.Module, read: Callable[[Tensor], list[float]]) -> Iterator[Look]:
    """A hook for each parameter, which reads figures of its gradient one by one."""
    seen: dict[str, list[float]] = {}

    def watch(name: str) -> Callable[[Tensor], None]:
        def hook(grad: Tensor) -> None:
            seen[name] = read(grad)

        return hook

    for name, parameter in model.named_parameters():
        parameter.register_hook(watch(name))  # type: ignore[no-untyped-call]
    yield Look()


@contextmanager
def _wandb(model: nn.Module) -> Iterator[Look]:
    """wandb.watch at every step, and wandb.log, which sends what it has seen to a process of its own."""
    os.environ["WANDB_ERROR_REPORTING"] = "false"
    wandb = import_module("wandb")
    quiet = wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_code=True, disable_git=True)
    with TemporaryDirectory() as directory:
        run = wandb.init(project="bench", mode="offline", dir=directory, settings=quiet)
        run.watch(model, log="gradients", log_freq=1)
        yield Look(lambda: run.log({"loss": 0.5}))
        run.unwatch(model)
        run.finish()


@contextmanager
def _tensorboard(model: nn.Module) -> Iterator[Look]:
    """SummaryWriter.add_histogram of every gradient, which a thread writes to a file."""
    steps = count()
    with TemporaryDirectory() as directory, import_module("torch.utils.tensorboard").SummaryWriter(directory) as writer:

        def look() -> None:
            step = next(steps)
            for name, parameter in model.named_parameters():
                writer.add_histogram(name, parameter.grad, step)

        yield Look(look)


ALTERNATIVES = (
    Way("hooks: norm, mean, std .item()", lambda model: _hooks(model, _moments), hooked=True),
    Way("... and fractions and torch.quantile", lambda model: _hooks(model, _distribution), hooked=True),
    *((Way("wandb.watch, log_freq=1, offline", _wandb, hooked=True),) if find_spec("wandb") else ()),
    *((Way("TensorBoard add_histogram", _tensorboard),) if find_spec("tensorboard") else ()),
)
