"""What watching a network costs its training: by network and way of watching, in pairs of steps with and without."""

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from tests.benchmarks.alternatives import ALTERNATIVES, rivals
from tests.benchmarks.looks import looks
from tests.benchmarks.measuring import Figure, interleaved, report
from tests.benchmarks.networks import NETWORKS, Network
from tests.benchmarks.overhead import HEAD, measured
from tests.benchmarks.pairing import Training, spent
from tests.benchmarks.watching import PROFILES, profile

__all__ = ["run"]

IDLE_CALLS = 20_000
_LEGEND = """
Watching a training: CPU of the trainer's thread, of which torch has one. Other threads and processes are not in it.
  one look             between backward pass and optimizer, at a step where something is due; directly timed
  ms/M, floors         the same for a million parameters, and in times that it takes to read every gradient once
  of steps             the same by all steps, those with nothing due among them
  step with / without  pairs of steps in turn, median and quartiles; the noise of the machine is in it
  an epoch             what it takes beyond its steps, a mean over those with sharpness and those without
  in all               all that an epoch takes longer"""


def run() -> None:
    """The price of a call when nothing is due, and a table for each network."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # with more, much of the work would not be counted
    print(_LEGEND)
    print(f"Beside it: {rivals()}.")
    _idle()
    looks()
    for network in NETWORKS:
        _table(network)
    torch.set_num_threads(threads)


def _idle() -> None:
    """`Watch.step()` where gradients are not measured at all, and between two measurements."""
    model = NETWORKS[-1].make()
    with profile(model, "minimal") as off, profile(model, "standard", "gradients.every=1000000000") as waiting:
        waiting.step()
        calls = {"off": partial(_repeat, off.step), "waiting": partial(_repeat, waiting.step)}
        nanoseconds = interleaved(calls, IDLE_CALLS, tuple)
    report(
        "Watch.step() when nothing is due",
        [
            Figure("minimal, which measures no gradients", nanoseconds["off"], "ns", "aim: 0% of any step"),
            Figure("between two measurements", nanoseconds["waiting"], "ns"),
        ],
    )


def _repeat(call: Callable[[], object], times: int) -> None:
    for _ in range(times):
        call()


def _table(network: Network) -> None:
    started = time.monotonic()
    plain = Training(network)
    plain.steps(3)
    steps = [spent(partial(plain.steps, 1)) / 1e6 for _ in range(network.pairs)]
    tensors = len(list(plain.model.parameters()))
    floor = [nanoseconds / 1e6 for nanoseconds in _floor(plain, network.pairs)]
    report(
        f"{network.name}, {plain.size:,} parameters in {tensors} tensors, {network.epoch} steps an epoch",
        [
            Figure("a step without telemetry", steps, "ms"),
            Figure("the floor: every gradient read once, flat.sum()", floor, "ms"),
        ],
    )
    print(HEAD)
    for way in (*PROFILES, *ALTERNATIVES):
        overhead = measured(network, plain, 1e6 * statistics.median(floor), way)
        print(overhead.row(aimed=network.convolutional), flush=True)
    print(f"  ({time.monotonic() - started:.0f} s)")


def _floor(training: Training, rounds: int) -> list[int]:
    """Nanoseconds to sum all gradients, side by side in memory."""
    flat = torch.cat([p.grad.flatten() for p in training.model.parameters() if p.grad is not None])
    return [spent(flat.sum) for _ in range(5 * rounds)]
