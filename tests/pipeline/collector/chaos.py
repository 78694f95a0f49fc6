"""Kill collectors, trainers, and both, at random points: `python -m tests.pipeline.collector.chaos [ROUNDS [SEED]]`.

A round is two kills of a collector under a trainer that goes on, two of a trainer under its collector, and one of both.
After each, the job is finished as a user would, and what must hold is checked; AssertionError says what did not.
"""

import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from nissa.cli.main import main as nissa
from nissa.pipeline.replay import replay
from nissa.sinks.run_log import segments
from tests.pipeline.collector.processes import Trainer, alive, is_free, send, training
from tests.pipeline.collector.runs import DERIVED, following
from tests.waiting import until

__all__ = ["Kill", "both", "collector", "trainer"]

Kill = Callable[[Path, random.Random], None]
_LONGEST = 1.5
"""Seconds up to which a process is let live, so that kills fall into imports, catching up and collecting."""


def collector(out: Path, chance: random.Random) -> None:
    """The collector is killed, once or again; the trainer starts another one, and ends its run."""
    with training(out, 40, 0) as running:
        time.sleep(chance.uniform(0, _LONGEST))
        send(running.collector, signal.SIGKILL)
        until(lambda: not alive(running.collector))
        _, said = running.process.communicate()
        assert running.process.returncode == 0, said
        _check(running, out, 0)


def trainer(out: Path, chance: random.Random) -> None:
    """The trainer is killed; its collector works the rest off, and ends."""
    with training(out, 1_000_000, 0) as running:
        time.sleep(chance.uniform(0, _LONGEST))
        flushed = running.kill()
        until(lambda: not alive(running.collector))
        _check(running, out, flushed)


def both(out: Path, chance: random.Random) -> None:
    """Both are killed; `nissa collect` finishes the job."""
    with training(out, 1_000_000, 0) as running:
        time.sleep(chance.uniform(0, _LONGEST))
        if chance.random() < 0.5:
            send(running.collector, signal.SIGKILL)
        flushed = running.kill()
        send(running.collector, signal.SIGKILL)
        until(lambda: not alive(running.collector))
        assert nissa(["collect", str(out)]) == 0
        _check(running, out, flushed)


def _check(running: Trainer, out: Path, flushed: int) -> None:
    """Logs whole up to the last flush, what follows exact and there once, no process and no port left."""
    result = replay(out)
    lost = result.reading.malformed - result.reading.torn, result.reading.duplicates, result.reading.dropped
    assert lost == (0, 0, 0), (lost, result.reading.problems)
    assert result.reading.read >= flushed
    wrong = result.different, result.only_recorded, result.only_computed
    assert wrong == (0, 0, 0), wrong
    lines = (out / DERIVED).read_bytes().splitlines()
    assert len(lines) == len(set(lines)) == result.compared
    assert not any(following(log.read_bytes()) for log in segments(out))
    assert not alive(running.process.pid)
    assert not alive(running.collector)
    assert is_free(running.url)


def main(rounds: int = 20, seed: int = 0) -> None:
    """Some rounds, and what came of them."""
    chance, kinds = random.Random(seed), [collector, collector, trainer, trainer, both]
    done, failed = Counter[str](), Counter[str]()
    for number, kill in enumerate(kinds * rounds):
        done[kill.__name__] += 1
        with TemporaryDirectory() as directory:
            failed[kill.__name__] += not _held(kill, Path(directory) / "run", chance, number)
    sys.stdout.write(f"kills {dict(done)}, of which not right {dict(+failed)}\n")
    sys.exit(bool(failed.total()))


def _held(kill: Kill, out: Path, chance: random.Random, number: int) -> bool:
    try:
        kill(out, chance)
    except AssertionError:
        sys.stdout.write(f"{number} {kill.__name__}: {traceback.format_exc()}\n")
        return False
    return True


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
