"""What does it cost a training that all operators look at every batch, while nothing is wrong?

Stretches of steps in turn: without telemetry, with a hub that has no operators, and with all of them. Emission is timed
in its place, and what the hub takes is the CPU of all other threads, of which there is none besides: differences of
whole steps would be lost in their noise. A batch that comes after 10 ms of quiet wakes the hub.
"""

import statistics
import time
from itertools import cycle
from typing import NamedTuple
from unittest.mock import patch

import torch

from nissa.pipeline.telemetry import Telemetry
from nissa.pipeline.wiring import one_process
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.networks import NETWORKS, Network
from tests.benchmarks.operators import noisy_batch
from tests.benchmarks.pairing import Training, spent

__all__ = ["run"]

_STRETCHES = 15


class _Cost(NamedTuple):
    """CPU nanoseconds of a step, by stretch."""

    plain: list[float]
    """A whole step without telemetry."""
    emitting: list[float]
    """The emission, by the trainer's own thread."""
    bare: list[float]
    """The hub's thread, without operators."""
    noticing: list[float]
    """The hub's thread, with all of them."""


def run() -> None:
    """The CNN of 89k parameters, where the aim is a share of the step, and the demo's host, where it is a time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for network, aims in ((NETWORKS[0], ("", "aim: under 1%")), (NETWORKS[-1], ("aim: under 60", ""))):
        _report(network, _measured(network), aims)
    torch.set_num_threads(threads)


def _measured(network: Network) -> _Cost:
    plain, told, cost = Training(network), Training(network), _Cost([], [], [], [])
    batches, steps = cycle([noisy_batch(n) for n in range(1_000)]), max(5, network.turn)
    with _without_operators() as bare, Telemetry("bench", config="minimal") as full:
        for _ in range(1 + max(_STRETCHES, network.pairs // steps)):
            cost.plain.append(spent(lambda: plain.steps(steps)) / steps)
            for telemetry, figures in ((bare, cost.bare), (full, cost.noticing)):
                emitter = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
                told.look = lambda emitter=emitter: emitter.emit(next(batches))  # type: ignore[misc]
                told.looking = 0
                figures.append(_elsewhere(told, steps, telemetry) / steps)
            cost.emitting.append(told.looking / steps)
    # The first stretches warm up.
    return _Cost(*(figures[1:] for figures in cost))


def _without_operators() -> Telemetry:
    with patch.object(one_process, "default_operators", dict):
        return Telemetry("bare", config="minimal")


def _elsewhere(training: Training, steps: int, telemetry: Telemetry) -> int:
    """Nanoseconds of CPU that other threads take, until the hub has caught up."""
    before = time.process_time_ns()
    own = spent(lambda: training.steps(steps)) + spent(telemetry.flush)
    return time.process_time_ns() - before - own


def _report(network: Network, cost: _Cost, aims: tuple[str, str]) -> None:
    step = statistics.median(cost.plain)
    more = [all_ - bare for all_, bare in zip(cost.noticing, cost.bare, strict=True)]
    report(
        f"Noticing, {network.name} (a step without: {step / 1e6:.3f} ms)",
        [
            Figure("emission, by the trainer's thread", [n / 1e3 for n in cost.emitting], "us"),
            Figure("the hub's thread without operators", [n / 1e3 for n in cost.bare], "us"),
            Figure("the hub's thread with all of them", [n / 1e3 for n in cost.noticing], "us"),
            Figure("noticing: the difference", [n / 1e3 for n in more], "us", aims[0]),
            Figure("... of the step", [100 * n / step for n in more], "%", aims[1]),
        ],
    )
