"""How many events a second pass hub, all operators and all sinks into the log; and how many a replay reads."""

import json
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console

from nissa.events.kinds import Payload
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks import Sink
from nissa.sinks.console.console_sink import ConsoleSink
from tests.benchmarks.emit import Stuck
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.workload import mix

__all__ = ["run"]

EPOCHS = 2_000
ROUNDS = 5


def run() -> None:
    """Interleaved: a live run, its replay, and a plain `json.loads` of each line of the same log."""
    story = mix(EPOCHS)
    live, again, parsed, threads = list[float](), list[float](), list[float](), list[dict[str, float]]()
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory) / "run"
            live.append(_live(story, out, threads))
            again.append(_replay(out))
            parsed.append(_json(out))
    report(
        f"Throughput, wall clock, {len(story):,} events, 88% of them batches",
        [
            Figure("hub to log, all operators and sinks on", live, "events/s", "aim: 200,000"),
            *[Figure(f"... CPU of the thread {name}", [t[name] for t in threads], "ns/event") for name in threads[0]],
            Figure("replay of that log", again, "events/s", "aim: 150,000"),
            Figure("json.loads of each line of that log", parsed, "lines/s"),
        ],
    )


def _live(story: list[tuple[int, int, Payload]], out: Path, threads: list[dict[str, float]]) -> float:
    with Path("/dev/null").open("w") as nowhere:
        stuck, console = Stuck(), ConsoleSink(Console(file=nowhere))
        sinks: dict[str, Sink] = {"stuck": stuck, "console": console}
        with Telemetry("bench", out=out, sinks=sinks, capacity=1_000_000) as telemetry:
            emitter = telemetry.scope(group="ppo", env=0)
            for episode, epoch, payload in story:
                emitter.move(episode=episode, epoch=epoch)
                emitter.emit(payload)
            before = _cpu()
            started = time.perf_counter()
            stuck.release.set()
            assert telemetry.flush(120)
            spent = time.perf_counter() - started
            threads.append({name: (cpu - before.get(name, 0.0)) / len(story) for name, cpu in _cpu().items()})
            assert not telemetry.state().dropped
    return len(story) / spent


def _cpu() -> dict[str, float]:
    """CPU nanoseconds that each thread of the pipeline has used."""
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("nissa-") and thread.ident]
    return {t.name: time.clock_gettime_ns(time.pthread_getcpuclockid(t.ident)) for t in ours if t.ident}


def _replay(out: Path) -> float:
    started = time.perf_counter()
    result = replay(out)
    assert result.different == 0
    return (result.reading.read + result.reading.derived) / (time.perf_counter() - started)


def _json(out: Path) -> float:
    (segment,) = out.glob("events-*")
    lines = segment.read_bytes().splitlines()
    started = time.perf_counter()
    for line in lines:
        json.loads(line)
    return len(lines) / (time.perf_counter() - started)
