"""What measuring the gradients costs a training step: pairs of steps with and without, in turn, CPU of this thread."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.pipeline.probes.gradients import gradients_measured
from tests.benchmarks.measuring import Figure, report

__all__ = ["run"]

BATCH = 64
ROUNDS = {"CNN": 120, "MLP": 400}
_IMAGE = (3, 32, 32)


def run() -> None:
    """A step with the probe, and with a hook for each parameter that reads three scalars, by a step without any."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the trainer's thread alone: with more, much of the work would not be counted
    for name, make in {"CNN": _cnn, "MLP": _mlp}.items():
        plain, probed, hooked = (_Training(make(), watch) for watch in (None, _probe, _hooks))
        pairs = [_turn(plain, probed) for _ in range(ROUNDS[name])], [_turn(plain, hooked) for _ in range(ROUNDS[name])]
        measured = [_spent(_probe(probed.model)) for _ in range(ROUNDS[name])]
        size = sum(p.numel() for p in plain.model.parameters())
        report(
            f"Gradients measured in every step of a {name} with {size:,} parameters, batch {BATCH}",
            [
                Figure("a step without telemetry", [before / 1e6 for before, _ in pairs[0]], "ms"),
                Figure("one measurement", [spent / 1e6 for spent in measured], "ms"),
                Figure("... for a million parameters", [spent / size for spent in measured], "ms"),
                Figure("the floor: every gradient read once", _floor(probed.model, ROUNDS[name]), "ms"),
                Figure("step with the probe / without", [b / a for a, b in pairs[0]], "x"),
                Figure("step with norm, mean, std .item() in hooks / without", [b / a for a, b in pairs[1]], "x"),
            ],
        )
    torch.set_num_threads(threads)


class _Training:
    """A model that trains on noise; `watch` makes what is called after each backward pass, or hooks itself in."""

    def __init__(self, model: nn.Module, watch: Callable[[nn.Module], Callable[[], object]] | None) -> None:
        self.model, self.optimizer = model, torch.optim.SGD(model.parameters(), lr=0.01)
        self.images, self.labels = torch.randn(BATCH, *_IMAGE), torch.randint(10, (BATCH,))
        self.look = watch(model) if watch else None
        for _ in range(3):
            self.step()

    def step(self) -> None:
        self.optimizer.zero_grad()
        cross_entropy(self.model(self.images), self.labels).backward()  # type: ignore[no-untyped-call]
        if self.look:
            self.look()
        self.optimizer.step()


def _turn(plain: _Training, watched: _Training) -> tuple[int, int]:
    return _spent(plain.step), _spent(watched.step)


def _spent(what: Callable[[], object]) -> int:
    before = time.thread_time_ns()
    what()
    return time.thread_time_ns() - before


def _floor(model: nn.Module, rounds: int) -> list[float]:
    flat = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    return [_spent(flat.sum) / 1e6 for _ in range(rounds)]


def _probe(model: nn.Module) -> Callable[[], object]:
    return lambda: gradients_measured({"host": model})


def _hooks(model: nn.Module) -> Callable[[], object]:
    seen: dict[str, tuple[float, float, float]] = {}

    def watch(name: str) -> Callable[[Tensor], None]:
        def hook(grad: Tensor) -> None:
            seen[name] = (grad.norm().item(), grad.mean().item(), grad.std().item())

        return hook

    for name, parameter in model.named_parameters():
        parameter.register_hook(watch(name))  # type: ignore[no-untyped-call]
    return seen.copy


def _cnn() -> nn.Module:
    layers: list[Any] = []
    for i, o, stride in ((3, 16, 1), (16, 32, 1), (32, 32, 2), (32, 48, 1), (48, 64, 2), (64, 56, 2)):
        layers += [nn.Conv2d(i, o, 3, padding=1, stride=stride), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(56, 10))


def _mlp() -> nn.Module:
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(3072, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()),
        *(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)),
    )
