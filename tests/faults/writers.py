"""Several processes want what only one may have, or have what belongs to their parent."""

import multiprocessing
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

from nissa import Telemetry
from nissa.events.kinds import BatchCompleted
from tests.faults.books import balanced, whole
from tests.waiting import LIMIT

__all__ = ["forks_and_spawns", "two_writers"]

_WRITERS = 8


def two_writers(out: Path, _: random.Random) -> None:
    """Eight processes want one directory at the same moment: one has it, and the log is its."""
    fork = multiprocessing.get_context("fork")
    ready, answers = fork.Barrier(_WRITERS), fork.SimpleQueue()

    def write(number: int) -> None:
        ready.wait(LIMIT)
        try:
            telemetry = Telemetry(f"run{number}", out=out, linger=0.0)
        except FileExistsError as error:
            answers.put((number, str(error)))
        else:
            with telemetry:
                for batch in range(100):
                    telemetry.emit(BatchCompleted(batch=batch, loss=1.0))
                time.sleep(0.2)
            answers.put((number, ""))

    writers = [fork.Process(target=write, args=(number,)) for number in range(_WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(LIMIT)
        assert writer.exitcode == 0, writer.exitcode
    told = dict(answers.get() for _ in writers)
    (had,) = [number for number, refusal in told.items() if not refusal]
    assert all("holds a run already" in text or "by another run now" in text for text in told.values() if text), told
    again = whole(out, 100)
    assert again.run == f"run{had}"


def forks_and_spawns(out: Path, chance: random.Random) -> float:
    """Children are forked at any moment while a thread emits, and one is spawned. Seconds of the slowest child."""
    telemetry, over, slowest = Telemetry("run", out=out, linger=0.0), threading.Event(), 0.0
    emitter = telemetry.scope(env=0)

    def emit() -> None:
        while not over.is_set():
            for batch in range(20):
                emitter.emit(BatchCompleted(batch=batch, loss=1.0))
            time.sleep(0.001)

    thread = threading.Thread(target=emit)
    thread.start()
    ways: list[Any] = [multiprocessing.get_context("fork")] * 10 + [multiprocessing.get_context("spawn")]
    for way in ways:
        time.sleep(chance.uniform(0, 0.01))
        begun = time.monotonic()
        child = way.Process(target=_child, args=(emitter,))
        child.start()
        child.join(LIMIT)
        slowest = max(slowest, time.monotonic() - begun)
        hung = child.exitcode is None
        child.kill()
        assert not hung, "the child hangs"
        assert child.exitcode == 0, child.exitcode
    over.set()
    thread.join()
    telemetry.close()
    balanced(telemetry.state())
    assert not telemetry.state().dropped
    assert whole(out, 1).reading.by_kind["seed_germinated"] == 0
    return slowest


def _child(emitter: Any) -> None:
    from nissa.events.kinds import SeedGerminated

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for _ in range(100):
        emitter.emit(SeedGerminated(slot="early", seed="s", blueprint="norm", params=1))
