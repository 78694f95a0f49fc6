"""What does telemetry cost a trainer? Steps of 0.8 and 5 ms that emit 1,000 to 10,000 events a second, in turn.

Without telemetry, with all of it in the trainer's process, and with a collector in a process of its own. A step is work
like a trainer's: small products of torch on one thread, which let go of the interpreter and ask for it again.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import torch

from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.mixes import healthy

__all__ = ["run"]

STEPS_MS = (0.8, 5.0)
RATES = (1_000, 5_000, 10_000)
ROUNDS = 9
_SECONDS = 1.0
"""Of each block."""


class _Block(NamedTuple):
    """Some steps of one way: ms of each by the clock, of CPU for one, and us of other threads' CPU for each event."""

    steps: list[float]
    cpu: float
    behind: float


def run() -> None:
    """Blocks of the three ways in turn, at each rate and length of a step."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for length in STEPS_MS:
        products = _calibrated(length)
        for rate in RATES:
            with ExitStack() as stack:
                _compare(length, rate, products, _ways(stack))
    torch.set_num_threads(threads)


def _ways(stack: ExitStack) -> dict[str, Callable[[int], None]]:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    here = stack.enter_context(Telemetry("here", out=directory / "here", linger=0.0))
    beside = stack.enter_context(Telemetry("beside", out=directory / "beside", collector="process", linger=0.0))
    return {"without": lambda _: None, "one process": _emitter(here), "collector": _emitter(beside)}


def _emitter(telemetry: Telemetry) -> Callable[[int], None]:
    """Emits so many events of a healthy mix with 16 environments."""
    story = cycle([payload for _, payload in healthy(16, 20_000)])
    emitters = cycle([telemetry.scope(group="ppo", env=env, episode=0, epoch=1) for env in range(16)])

    def emit(events: int) -> None:
        for _ in range(events):
            next(emitters).emit(next(story))

    return emit


def _compare(length: float, rate: int, products: int, ways: dict[str, Callable[[int], None]]) -> None:
    blocks: dict[str, list[_Block]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, emit in ways.items():
            blocks[way].append(_block(emit, products, int(_SECONDS * 1e3 / length), rate * length / 1e3))
            time.sleep(0.1)
    figures = list[Figure]()
    for way, rows in blocks.items():
        figures += [
            Figure(f"{way}: mean of a step", [statistics.fmean(row.steps) for row in rows], "ms"),
            Figure("... CPU of the trainer's thread", [row.cpu for row in rows], "ms"),
            Figure("... its p99", [statistics.quantiles(row.steps, n=100)[-1] for row in rows], "ms"),
        ]
        if way != "without":
            figures.append(Figure("... CPU of this process behind emit", [row.behind for row in rows], "us/event"))
    report(f"A step of {length} ms, {rate:,} events/s", figures)


def _block(emit: Callable[[int], None], products: int, steps: int, events: float) -> _Block:
    """Where a step has less than an event, some have one."""
    took, emitted, own, others = list[float](), 0, time.thread_time(), time.process_time() - time.thread_time()
    for n in range(1, steps + 1):
        began = time.perf_counter()
        _work(products)
        emit(int(n * events) - emitted)
        emitted = int(n * events)
        took.append(1e3 * (time.perf_counter() - began))
    own, others = time.thread_time() - own, time.process_time() - time.thread_time() - others
    return _Block(took, 1e3 * own / steps, 1e6 * others / max(1, emitted))


_A, _B, _C = torch.full((48, 48), 0.5), torch.full((48, 48), 0.5), torch.empty(48, 48)


def _work(products: int) -> None:
    for _ in range(products):
        torch.mm(_A, _B, out=_C)


def _calibrated(milliseconds: float) -> int:
    """Products that take so long: the median of several looks, as the first ones are slow."""
    products, looks = 2_000, list[float]()
    for _ in range(15):
        began = time.thread_time()
        _work(products)
        looks.append(time.thread_time() - began)
    return max(1, int(milliseconds / 1e3 / statistics.median(looks) * products))
