"""Much, for long: what the process holds does not grow with what has passed through it."""

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

from nissa import Telemetry
from nissa.cli.main import main as nissa
from nissa.events.event import Scope
from nissa.events.kinds import Payload
from nissa.sinks.run_log import segments
from tests.benchmarks.workload import batch, decision, epoch, mix
from tests.faults.books import balanced, whole
from tests.faults.children import told
from tests.pipeline.collector.runs import emitted_only
from tests.samples import episode_ended, episode_started
from tests.waiting import LIMIT, until

__all__ = ["day", "flat", "many_collected", "many_runs"]

_GROWTH, _WARM = 1.05, 50_000
"""How much memory may grow, from so many events on."""
_TABLE = 10_000
"""Keys that a table of an operator holds at most."""
_SLOWEST = 500
"""Events a second that any machine works off."""


def flat(events: int, out: Path) -> str:
    """So many events, with old segments removed as they fill: memory after a fifth, and at the end."""
    return told(partial(_flat, events, out), LIMIT + events / _SLOWEST)


def _flat(events: int, out: Path) -> str:
    held: list[float] = []
    with Telemetry("run", out=out, linger=0.0) as telemetry:
        if events >= 5 * _WARM:
            _fill(telemetry)
        for sent, (episode, epoch, payload) in zip(range(1, events + 1), _endless(), strict=False):
            telemetry.scope(group="ppo", env=0, episode=episode, epoch=epoch).emit(payload)
            if not sent % 10_000:
                until(lambda: telemetry.flush(1.0))
                for segment in segments(out)[:-1]:
                    segment.unlink()
            if not sent % (events // 5):
                held.append(_resident())
    balanced(telemetry.state())
    assert not telemetry.state().dropped, telemetry.state().dropped
    return _level(held, events)


def many_runs(runs: int, out: Path) -> str:
    """So many runs in one process, one after another: threads, open files and memory stay as they are."""
    return told(partial(_many_runs, runs, out), LIMIT + 10 * runs)


def _many_runs(runs: int, out: Path) -> str:
    _one_run(out / "0")
    until(lambda: threading.active_count() == 1)
    held, files = list[float](), len(os.listdir("/proc/self/fd"))
    for number in range(1, runs + 1):
        _one_run(out / str(number))
        if not number % max(1, runs // 5):
            held.append(_resident())
    until(lambda: (threading.active_count(), len(os.listdir("/proc/self/fd"))) == (1, files))
    return f"{_level(held, 500 * runs)}; 1 thread, {files} files"


def _one_run(out: Path) -> None:
    with Telemetry(out.name, out=out, metrics=0, linger=0.0) as telemetry:
        for episode, epoch, payload in mix(2):
            telemetry.scope(group="ppo", env=0, episode=episode, epoch=epoch).emit(payload)
    balanced(telemetry.state())


def day(events: int, out: Path) -> str:
    """24 hours by the time of the events: what is concluded from time, a replay concludes too."""
    return told(partial(_day, events, out), LIMIT + events / _SLOWEST)


def _day(events: int, out: Path) -> str:
    held: list[float] = []
    with Telemetry("run", out=out, linger=0.0) as telemetry:
        step = 86_400 / events
        for sent, (episode, epoch, payload) in zip(range(1, events + 1), _endless(), strict=False):
            scope = Scope("run", "ppo", 0, episode, epoch)
            telemetry._emitter.relay(payload, scope, 1e9 + sent * step, None)
            if not sent % 10_000:
                until(lambda: telemetry.flush(1.0))
            if not sent % (events // 5):
                held.append(_resident())
    balanced(telemetry.state())
    assert whole(out, events).tables.snapshot() == telemetry.snapshot()
    return _level(held, events)


def many_collected(runs: int, out: Path) -> str:
    """So many runs that nobody worked off, under one `nissa collect`: each is, exactly."""
    for number in range(runs):
        with Telemetry(f"run{number}", out=out / str(number), linger=0.0) as telemetry:
            for episode, epoch, payload in mix(20):
                telemetry.scope(group="ppo", env=0, episode=episode, epoch=epoch).emit(payload)
        (log,) = segments(out / str(number))
        log.write_bytes(emitted_only(log.read_bytes()))
    begun = time.monotonic()
    assert told(lambda: nissa(["collect", *(str(out / str(number)) for number in range(runs))]), LIMIT + runs) == 0
    took = time.monotonic() - begun
    assert all(whole(out / str(number), 500).reading.derived for number in range(runs))
    return f"{took:.1f} s"


def _endless() -> Iterator[tuple[int, int, Payload]]:
    story = mix(450)
    for cycle in count():
        for episode, number, payload in story:
            yield cycle * 10 + episode, number, payload


def _fill(telemetry: Telemetry) -> None:
    """As many small episodes as the tables of operators hold, so that what they keep of episodes is at its bound."""
    for number in range(_TABLE):
        env = telemetry.scope(group="ppo", env=0, episode=number, epoch=1)
        env.emit(episode_started())
        for payload in (batch(0), epoch(0), decision(), episode_ended()):
            env.emit(payload)
        if not number % 100:
            until(lambda: telemetry.flush(1.0))


def _level(held: list[float], events: int) -> str:
    """What was held after each fifth. Raises AssertionError if it grew, once caches and rings had filled."""
    assert events < 5 * _WARM or held[-1] <= _GROWTH * held[0], held
    return f"{held[0]:.0f} MiB after a fifth, {held[-1]:.0f} at the end"


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
