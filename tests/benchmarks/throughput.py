"""How many events a second pass hub, operators and sinks, live, through a collector, and in a replay? On all mixes."""

import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from nissa.pipeline.collector import Collecting
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.console.console_sink import ConsoleSink
from tests.benchmarks.emit import Stuck
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.mixes import MIXES, Mix, emit_all

__all__ = ["run"]

ROUNDS = 5


class _Rates(NamedTuple):
    """Events a second by wall clock, and by the CPU of the whole process: on one core, if it had it for itself."""

    wall: float
    cpu: float


def run() -> None:
    """Interleaved: a live run in one process, then its log collected, replayed and parsed."""
    for name, make in MIXES.items():
        _mix(name, make())


def _mix(name: str, story: Mix) -> None:
    threads = list[dict[str, float]]()
    rates: dict[str, list[_Rates]] = {way: [] for way in ("live", "collected", "replayed", "parsed")}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory) / "run"
            rates["live"].append(_live(story, out, threads))
            rates["replayed"].append(_timed(len(story), lambda out=out: _replay(out)))  # type: ignore[misc]
            rates["parsed"].append(_timed(len(story), lambda out=out: _parse(out)))  # type: ignore[misc]
            bare = _as_emitted(out)
            rates["collected"].append(_timed(len(story), lambda bare=bare: _collect(bare)))  # type: ignore[misc]
    cpu = {way: [rate.cpu for rate in rows] for way, rows in rates.items()}
    report(
        f"Throughput, {name}, {len(story):,} events emitted",
        [
            Figure("live in one process, all sinks, wall clock", [rate.wall for rate in rates["live"]], "events/s"),
            Figure("... by the CPU of the process", cpu["live"], "events/s"),
            *[Figure(f"... CPU of the thread {name}", [t[name] for t in threads], "ns/event") for name in threads[0]],
            Figure("collector with all sinks, by CPU", cpu["collected"], "events/s", "aim: 90,000; demo 45,000"),
            Figure("replay of that log, by CPU", cpu["replayed"], "events/s", "aim: 90,000; demo 45,000"),
            Figure("json.loads of each line of that log, by CPU", cpu["parsed"], "events/s"),
        ],
    )


def _live(story: Mix, out: Path, threads: list[dict[str, float]]) -> _Rates:
    with Path("/dev/null").open("w") as nowhere:
        stuck, console = Stuck(), ConsoleSink(Console(file=nowhere))
        with Telemetry("bench", out=out, sinks={"stuck": stuck, "console": console}, capacity=1_000_000) as telemetry:
            emit_all(telemetry, story)
            before = _cpu()

            def work() -> None:
                stuck.release.set()
                assert telemetry.flush(120)

            rate = _timed(len(story), work)
            threads.append({name: (cpu - before.get(name, 0.0)) / len(story) for name, cpu in _cpu().items()})
            assert not telemetry.state().dropped
    return rate


def _timed(events: int, work: Callable[[], None]) -> _Rates:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return _Rates(events / (time.perf_counter() - wall), events / (time.process_time() - cpu))


def _cpu() -> dict[str, float]:
    """CPU nanoseconds that each thread of the pipeline has used."""
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("nissa-") and thread.ident]
    return {t.name: time.clock_gettime_ns(time.pthread_getcpuclockid(t.ident)) for t in ours if t.ident}


def _replay(out: Path) -> None:
    assert not replay(out).different


def _as_emitted(out: Path) -> Path:
    """The log as a trainer's process writes it that has a collector: without what was derived."""
    bare = out.with_name("emitted")
    bare.mkdir()
    (segment,) = out.glob("events-*")
    lines = segment.read_bytes().splitlines(keepends=True)
    (bare / segment.name).write_bytes(b"".join(line for line in lines if not json.loads(line).get("ordinal")))
    return bare


def _collect(bare: Path) -> None:
    """What the collector's process does, in this one."""
    with Path("/dev/null").open("w") as nowhere:
        collecting = Collecting([bare], {"console": ConsoleSink(Console(file=nowhere))}, FaultLog())
        collecting.follow()
        collecting.close()


def _parse(out: Path) -> None:
    (segment,) = out.glob("events-*")
    for line in segment.read_bytes().splitlines():
        json.loads(line)
