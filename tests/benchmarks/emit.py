"""What an emission costs the trainer, beside `queue.Queue.put_nowait` of the same object."""

import queue
import threading

from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.measuring import Figure, interleaved, report
from tests.benchmarks.workload import batch, epoch

__all__ = ["Stuck", "run"]

CALLS = 5_000


class Stuck:
    """A sink that stops the hub until it is released."""

    inline = True

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self, _: object) -> None:
        self.release.wait()


def run() -> None:
    """Emit alone, with building a payload of twelve fields, into a full buffer, and the same into a queue."""
    stuck = Stuck()
    telemetry, full = Telemetry("bench"), Telemetry("full", capacity=64, sinks={"stuck": stuck})
    emitter, crowded = telemetry.scope(env=0), full.scope(env=0)
    payload, small, plain = epoch(0), batch(0), queue.Queue()  # type: ignore[var-annotated]

    def emit(calls: int) -> None:
        for _ in range(calls):
            emitter.emit(payload)

    def emit_batch(calls: int) -> None:
        for _ in range(calls):
            emitter.emit(small)

    def build(calls: int) -> None:
        for n in range(calls):
            emitter.emit(epoch(n))

    def shed(calls: int) -> None:
        for _ in range(calls):
            crowded.emit(payload)

    def put(calls: int) -> None:
        for _ in range(calls):
            plain.put_nowait(payload)

    def make(calls: int) -> None:
        for n in range(calls):
            epoch(n)

    spent = interleaved(
        {"emit": emit, "batch": emit_batch, "put": put, "build": build, "make": make, "shed": shed},
        CALLS,
        telemetry.flush,
    )
    report(
        "Emission, CPU of the trainer's thread",
        [
            Figure("emit of an epoch with three slots, its values taken", spent["emit"], "ns", "aim: under 500"),
            Figure("emit of a batch with two norms, its values taken", spent["batch"], "ns", "aim: under 500"),
            Figure("queue.Queue.put_nowait of the same object", spent["put"], "ns"),
            Figure("emit with building a payload of 12 fields", spent["build"], "ns", "aim: under 2,000"),
            Figure("... building it alone", spent["make"], "ns"),
            Figure("emit into a full buffer (sheds one each time)", spent["shed"], "ns"),
            Figure("emit / put_nowait", [a / b for a, b in zip(spent["emit"], spent["put"], strict=True)], "x"),
        ],
    )
    stuck.release.set()
    telemetry.close()
    full.close()
