"""Ways in which a trainer's process ends: what it acknowledged is in the log, each once, and nothing in it is wrong."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from nissa import Telemetry
from nissa.sinks.run_log import segments
from tests.benchmarks.workload import mix
from tests.faults.books import consistent, whole
from tests.faults.children import Running, running
from tests.waiting import LIMIT

__all__ = ["exits_hung", "interrupts_twice", "kills", "leaves_at_once", "raises", "resumes_ten_times", "terminates"]

_LONGEST = 1.0
"""Seconds up to which a process is let live."""
_FLUSHED = 20
"""Events between two acknowledgements."""


def train(out: Path, say: Callable[[int], None], epochs: int | None = None) -> None:
    """Emit until somebody ends it; `say` is given how many events are flushed."""
    with Telemetry("run", out=out, resume=True, linger=0.0) as telemetry:
        env = telemetry.scope(group="ppo", env=0)
        for cycle in count() if epochs is None else range(epochs):
            for number, (episode, epoch, payload) in enumerate(mix(45)):
                env.move(episode=cycle + episode, epoch=epoch)
                env.emit(payload)
                if not number % _FLUSHED:
                    before = telemetry._hub.following
                    if telemetry.flush(LIMIT):
                        say(before)


def kills(out: Path, chance: random.Random) -> float:
    """`kill -9` at any moment. Returns how many events were acknowledged."""
    with _living(out, chance) as child:
        child.process.kill()
        assert child.ended() == -signal.SIGKILL
    return _kept(out, child.acknowledged())


def terminates(out: Path, chance: random.Random) -> float:
    """SIGTERM at any moment: the end is told, and the signal kills all the same. Returns seconds that it took."""
    with _living(out, chance, first=1) as child:
        begun = time.monotonic()
        child.process.terminate()
        assert child.ended() == -signal.SIGTERM
    assert whole(out, child.acknowledged()).reading.by_kind["run_ended"] == 1
    return time.monotonic() - begun


def leaves_at_once(out: Path, chance: random.Random) -> float:
    """`os._exit` in the middle of training: nothing of ours runs. Returns how many events were acknowledged."""

    def work(say: Callable[[int], None]) -> None:
        last = chance.randrange(1, 2_000)
        train(out, lambda number: os._exit(3) if number > last else say(number))

    with running(work) as child:
        assert child.ended() == 3
    return _kept(out, child.acknowledged())


def raises(out: Path, chance: random.Random) -> float:
    """The trainer dies of an exception: the end says so. Returns how many events were acknowledged."""

    def work(say: Callable[[int], None]) -> None:
        last = chance.randrange(1, 2_000)

        def until_last(number: int) -> None:
            say(number)
            if number > last:
                raise FloatingPointError("on purpose")

        train(out, until_last)

    with running(work) as child:
        assert child.ended() == 1
    whole(out, child.acknowledged())
    (end,) = [line for line in segments(out)[-1].read_bytes().splitlines() if b'"kind":"run_ended"' in line]
    assert b'"outcome":"failed"' in end, end
    assert b"FloatingPointError" in end, end
    return child.acknowledged()


def resumes_ten_times(out: Path, chance: random.Random) -> float:
    """Killed ten times, and finished in the eleventh life. Returns how many events were acknowledged."""
    kept = 0.0
    for _ in range(10):
        with _living(out, chance) as child:
            child.process.kill()
            child.ended()
        kept = max(kept, child.acknowledged())
        _kept(out, child.acknowledged())
    with running(lambda say: train(out, say, 1)) as child:
        assert child.ended() == 0
    assert whole(out, child.acknowledged()).reading.by_kind["run_resumed"] >= bool(kept)
    return child.acknowledged()


def interrupts_twice(out: Path, chance: random.Random) -> float:
    """Ctrl-C, and again while the run is being closed. Returns seconds from the first to the end."""
    with _program(out, "train(out, lambda number: print(number, flush=True))") as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(chance.uniform(0, _LONGEST))
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=LIMIT)
        took = time.monotonic() - begun
    assert process.returncode == -signal.SIGINT
    consistent(out, max(map(int, said.split()), default=0))
    return took


def exits_hung(out: Path, _: random.Random) -> float:
    """The interpreter ends with a sink that hangs, and nobody closed anything. Returns seconds that the end took."""
    code = (
        "telemetry = Telemetry('run', out=out, sinks={'hung': lambda event: time.sleep(1e6)}, linger=0.0)\n"
        "telemetry.log({'x': 1.0})\nprint('.', flush=True)"
    )
    with _program(out, code) as process:
        assert process.stdout
        process.stdout.readline()
        begun = time.monotonic()
        process.communicate(timeout=LIMIT)
        took = time.monotonic() - begun
    assert process.returncode == 0
    whole(out, 1)
    return took


def _program(out: Path, code: str) -> "subprocess.Popen[str]":
    """An interpreter of its own, for ends that a forked process has not."""
    start = (
        "import sys, time; from pathlib import Path; from nissa import Telemetry; from tests.faults.deaths import train"
    )
    command = [sys.executable, "-c", f"{start}\nout = Path(sys.argv[1])\n{code}", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


class _living:
    """A trainer in a process of its own that lives for a random time, and until it acknowledged the number `first`."""

    def __init__(self, out: Path, chance: random.Random, first: int = 0) -> None:
        self._child = running(lambda say: train(out, say))
        self._time, self._first = chance.uniform(0, _LONGEST), first

    def __enter__(self) -> Running:
        child = self._child.__enter__()
        deadline = time.monotonic() + LIMIT
        time.sleep(self._time)
        while child.acknowledged() < self._first and time.monotonic() < deadline:
            time.sleep(0.01)
        return child

    def __exit__(self, *error: object) -> None:
        self._child.__exit__(None, None, None)


def _kept(out: Path, acknowledged: int) -> float:
    if any(segment.stat().st_size for segment in segments(out)):
        consistent(out, acknowledged)
    else:
        assert not acknowledged
    return acknowledged
