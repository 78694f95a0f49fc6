"""What does a step cost with something watching, and without? Two trainings in turn, CPU of this thread.

Only the ratio inside a pair counts, because other work on the machine slows both alike. Who goes first alternates.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy

from tests.benchmarks.networks import Network

__all__ = ["Pair", "Training", "paired", "spent"]

_WARM_UP = 3


class Pair(NamedTuple):
    """The same number of steps without and with; nanoseconds of this thread for one, all told."""

    plain: float
    watched: float
    looking: float
    """Of `watched`, what was spent between the backward pass and the optimizer's step; noise takes it below 0."""


class Training:
    """A network that trains on one batch; `look` is called after each backward pass."""

    def __init__(self, network: Network) -> None:
        torch.manual_seed(0)
        self.model = network.make()
        self.inputs, self.labels = network.batch()
        self.size = sum(p.numel() for p in self.model.parameters())
        self.look: Callable[[], object] = tuple
        self.looking = 0
        """Nanoseconds in `look` so far."""
        self._optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)

    def steps(self, n: int) -> None:
        """Train for `n` steps."""
        for _ in range(n):
            self._optimizer.zero_grad()
            cross_entropy(self.model(self.inputs), self.labels).backward()  # type: ignore[no-untyped-call]
            self.looking += spent(self.look)
            self._optimizer.step()


def paired(plain: Training, watched: Training, pairs: int, unit: int, turn: int) -> list[Pair]:
    """At least one pair of `unit` steps each, of `pairs` steps or more in all, `turn` steps at a stretch."""
    plain.steps(_WARM_UP)
    watched.steps(max(_WARM_UP, unit))
    return [_pair(plain, watched, unit, turn, odd=bool(n % 2)) for n in range(max(1, pairs // unit))]


def _pair(plain: Training, watched: Training, unit: int, turn: int, *, odd: bool) -> Pair:
    took, looked = {plain: 0, watched: 0}, watched.looking - plain.looking
    for _ in range(0, unit, turn):
        for training in (watched, plain) if odd else (plain, watched):
            took[training] += spent(lambda training=training: training.steps(turn))  # type: ignore[misc]
    # Reading the clock takes its time, which the other training shows: it looks at nothing.
    return Pair(took[plain] / unit, took[watched] / unit, (watched.looking - plain.looking - looked) / unit)


def spent(what: Callable[[], object]) -> int:
    """Nanoseconds of CPU that this thread takes for a call."""
    before = time.thread_time_ns()
    what()
    return time.thread_time_ns() - before
