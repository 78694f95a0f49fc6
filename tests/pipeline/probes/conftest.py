"""Networks with real gradients, and what a probe must leave as it was."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy


def _train(model: nn.Module, shape: tuple[int, ...], steps: int = 3) -> nn.Module:
    """A few steps on noise, so that weights and gradients are no longer those of an initialization."""
    draw = torch.Generator().manual_seed(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        images, labels = torch.randn(shape, generator=draw), torch.randint(10, shape[:1], generator=draw)
        cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model


@pytest.fixture
def cnn() -> nn.Module:
    """Convolutions with batch norm, 30,000 parameters, and the gradients of a step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        widths, layers = (3, 16, 32, 64), list[nn.Module]()
        for i, o in pairwise(widths):
            layers += [nn.Conv2d(i, o, 3, padding=1, stride=2), nn.BatchNorm2d(o), nn.ReLU()]
        return _train(nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4, 10)), (32, 3, 16, 16))


@pytest.fixture
def state() -> Callable[[nn.Module], Any]:
    """Everything that a probe must not touch: bits of weights, buffers and gradients, modes, random states."""

    def of(model: nn.Module) -> Any:
        tensors = {**model.state_dict(), **{f"{n}.grad": p.grad for n, p in model.named_parameters()}}
        bits = {n: None if t is None else t.numpy().tobytes() for n, t in tensors.items()}
        return bits, [module.training for module in model.modules()], torch.get_rng_state().tolist()

    return of
