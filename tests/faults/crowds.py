"""Many threads, and sinks that stand still: emit comes back, and the books balance to the last event."""

import queue
import statistics
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path

from nissa import Telemetry
from nissa.events.kinds import BatchCompleted
from tests.benchmarks.emit import Stuck
from tests.faults.books import balanced
from tests.faults.children import told
from tests.waiting import LIMIT, hanging, until

__all__ = ["bursts", "contention", "held", "stalled"]

_ENVS, _BURST = 64, 1_000
_SLOWEST = 2_000
"""Emissions a second that any machine makes."""


def bursts(each: int, out: Path) -> str:
    """64 environments, a thread each, emit 1,000 events at once, so often: dropped are batches alone, and told."""
    return told(partial(_bursts, each, out), LIMIT + 60 * each)


def _bursts(each: int, out: Path) -> str:
    begin, spent = threading.Barrier(_ENVS), list[float]()
    with Telemetry("run", out=out, linger=0.0) as telemetry:

        def burst(env: int) -> None:
            emitter = telemetry.scope(group="ppo", env=env, episode=0, epoch=1)
            for _ in range(each):
                begin.wait()
                began = time.perf_counter()
                for batch in range(_BURST):
                    emitter.emit(BatchCompleted(batch=batch, loss=1.0))
                spent.append(time.perf_counter() - began)

        threads = [threading.Thread(target=burst, args=(env,)) for env in range(_ENVS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: telemetry.flush(1.0))
    state = telemetry.state()
    balanced(state)
    dropped = sum(state.dropped.values()) + sum(sum(sink.dropped.values()) for sink in state.sinks)
    assert {*state.dropped} <= {"batch_completed"}, state.dropped
    emitted = each * _ENVS * _BURST
    assert state.accepted >= emitted
    return f"{emitted:,} emitted, {dropped:,} dropped; a burst took its thread {1e3 * statistics.median(spent):.0f} ms"


def stalled(events: int, out: Path) -> str:
    """The hub is stalled by a sink of its own thread, and another hangs: what emit takes then."""
    return told(partial(_stalled, events, out), LIMIT + events / _SLOWEST)


def _stalled(events: int, out: Path) -> str:
    stuck, payload, taken, most = Stuck(), BatchCompleted(batch=0, loss=1.0), list[int](), 0
    with hanging() as hang:
        telemetry = Telemetry("run", out=out, sinks={"stuck": stuck, "hung": hang}, linger=0.0)
        emitter = telemetry.scope(env=0)
        emitter.emit(payload)
        for _ in range(events):
            begun, before = time.perf_counter_ns(), time.thread_time_ns()
            emitter.emit(payload)
            most = max(most, time.thread_time_ns() - before)
            taken.append(time.perf_counter_ns() - begun)
        state = telemetry.state()
        balanced(state, queued=True)
        assert state.accepted == events + 1
        assert state.queued <= 65_536 + 64
        stuck.release.set()
        telemetry.close(timeout=1.0)
        balanced(telemetry.state())
    return f"emit: {_percentiles(taken)}, {most / 1e6:.1f} ms of CPU"


def contention(emits: int, out: Path) -> str:
    """64 threads emit without a pause, and put as much into a `queue.Queue`, which has a lock as well."""
    return told(partial(_contention, emits, out), LIMIT + emits / _SLOWEST)


def _contention(emits: int, out: Path) -> str:
    payload, plain = BatchCompleted(batch=0, loss=1.0), queue.Queue[object]()
    with Telemetry("run", out=out, linger=0.0) as telemetry:
        emitter = telemetry.scope(env=0)
        taken = _crowd(emits, lambda: emitter.emit(payload))
        until(lambda: telemetry.flush(1.0))
    balanced(telemetry.state())
    assert telemetry.state().accepted >= emits // _ENVS * _ENVS
    return f"emit: {_percentiles(taken)}; put_nowait: {_percentiles(_crowd(emits, lambda: plain.put_nowait(payload)))}"


def held(emits: int, out: Path) -> str:
    """How long the lock is held that emit takes, in CPU time of its holder, by whoever held it longest."""
    return told(partial(_held, emits, out), LIMIT + emits / _SLOWEST)


class _Timed:
    """A re-entrant lock that knows for how many nanoseconds each function held it."""

    def __init__(self) -> None:
        self.spent: dict[str, list[int]] = {}
        self._lock, self._depth, self._began = threading.RLock(), 0, 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            self._began = time.thread_time_ns()

    def __exit__(self, *_: object) -> None:
        if self._depth == 1:
            name = sys._getframe(1).f_code.co_name
            self.spent.setdefault(name, []).append(time.thread_time_ns() - self._began)
        self._depth -= 1
        self._lock.release()


def _held(emits: int, out: Path) -> str:
    timed = _Timed()
    with Telemetry("run", out=out, linger=0.0, capacity=4096) as telemetry:
        vars(telemetry._hub._worker.buffer)["_lock"] = timed
        emitter = telemetry.scope(env=0)
        for number in range(emits):
            emitter.emit(BatchCompleted(batch=number, loss=1.0))
        until(lambda: telemetry.flush(1.0))
        put, rest = timed.spent.pop("put"), [*chain(*timed.spent.values())]
    balanced(telemetry.state())
    return f"emit: {_percentiles(put)}; the hub: {_percentiles(rest)}"


def _crowd(emits: int, what: Callable[[], object]) -> list[int]:
    taken, begin = list[int](), threading.Barrier(_ENVS)

    def work() -> None:
        mine = []
        begin.wait(LIMIT)
        for _ in range(emits // _ENVS):
            begun = time.perf_counter_ns()
            what()
            mine.append(time.perf_counter_ns() - begun)
        taken.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(_ENVS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def _percentiles(nanoseconds: list[int]) -> str:
    found = sorted(nanoseconds)
    middle, late, last = found[len(found) // 2], found[99 * len(found) // 100], found[-1]
    return f"{middle / 1e3:.1f} us, p99 {late / 1e3:.1f} us, at most {last / 1e6:.1f} ms"
