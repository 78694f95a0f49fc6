"""What is tried and measured in Flink's MiniCluster: `python -m tests.cluster.measures RUN`, where RUN is a demo.

ranks         what follows for a job of four ranks is what one process derives
dead          so it is where one of them died, and nobody has anything more to tell
conformance   all that operators derive, and the summary, equal those of a replay
again         the command, killed and given again, goes on from its last checkpoint
mutation      with the place left out of the state, a killed worker doubles lines; with it, none
bounded       of 10,000 runs of which 9,900 ended, how large is a checkpoint?
throughput    CPU of the engine beside that of a collector, on the same logs
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nissa.events.codec import decode, written
from tests.cluster.judging import judge, lines_of
from tests.cluster.mini import Mini
from tests.cluster.processes import ROOT, until
from tests.cluster.writers import Spec, write
from tests.operators.ranks.jobs import by_time, derived, job

__all__ = ["main"]


def conformance(folder: Path, log: Path) -> str:
    mini = Mini(folder)
    write(log, mini.logs / "job" / "whole", Spec("whole", first=1 << 30))
    mini.start()
    mini.wait(1)
    time.sleep(1.5)
    mini.kill()
    judged = judge(mini.logs, mini.out, ["job/whole"])
    assert judged.holds, judged
    return f"{judged.expected:,} derived lines and the summary equal those of a replay"


def again(folder: Path, log: Path) -> str:
    mini, names = Mini(folder), ["first", "second", "third"]
    for times, name in enumerate(names, start=1):
        mini.start()
        write(log, mini.logs / name, Spec(name, first=1 << 30, most=8000))
        until(partial(_told, mini, name))
        mini.kill()
        write(log, mini.logs / name, Spec(name, first=1 << 30, begin=8000))
        assert len(list(mini.checkpoints.glob("*/chk-*/_metadata"))) <= 2 * times
    mini.start()
    mini.wait(len(names))
    time.sleep(1.5)
    mini.kill()
    judged = judge(mini.logs, mini.out, names)
    assert judged.holds, judged
    return f"killed three times with all of it, and begun again: {judged.expected:,} derived lines, each once"


def _told(mini: Mini, run: str) -> bool:
    return any(f'"run":"{run}"'.encode() in line for line in lines_of(mini.out, "derived"))


def ranks(folder: Path, log: Path) -> str:
    mini, told = Mini(folder, tasks=2), job(world_size=4, work=lambda rank, step: 0.5 if rank == 2 else None)
    for rank, events in told.items():
        (run := mini.logs / "x" / f"rank-{rank}").mkdir(parents=True)
        (run / "events-000001.jsonl").write_bytes(b"".join(map(written, events)))
    mini.start()
    mini.wait(len(told))
    until(lambda: lines_of(mini.out, "jobs") and b"run_ended" in lines_of(mini.out, "jobs")[-1], 60.0)
    mini.kill()
    found = [decode(line).payload for line in lines_of(mini.out, "jobs")]
    assert found == derived(by_time(told)), found
    return f"{len(found)} lines of a job of four ranks are those of one process over all of their events"


def dead(folder: Path, log: Path) -> str:
    mini, told = Mini(folder, tasks=2), job(world_size=3, steps=500)
    told[1] = told[1][:50]
    for rank, events in told.items():
        (run := mini.logs / "x" / f"rank-{rank}").mkdir(parents=True)
        (run / "events-000001.jsonl").write_bytes(b"".join(map(written, events)))
    mini.start()
    mini.wait(2)
    begun, expected = time.monotonic(), derived(by_time(told))
    until(lambda: len(lines_of(mini.out, "jobs")) >= len(expected), 120.0)
    waited = time.monotonic() - begun
    mini.kill()
    found = [decode(line).payload for line in lines_of(mini.out, "jobs")]
    assert found == expected, found
    return f"{len(found)} lines of a job of which a rank died are those of one process, after {waited:.0f} s"


def mutation(folder: Path, log: Path) -> str:
    told = []
    for command in (None, Path(__file__).with_name("mutant.py")):
        mini = Mini(folder / str(bool(command)), command=command)
        write(log, mini.logs / "first", Spec("first", first=1 << 30, most=8000))
        mini.start()
        until(partial(lines_of, mini.out, "derived"))
        time.sleep(3.0)
        mini.kill_worker()
        write(log, mini.logs / "second", Spec("second", first=1 << 30))
        mini.wait(1)
        time.sleep(1.5)
        mini.kill()
        judged = judge(mini.logs, mini.out, ["first", "second"])
        told.append(judged.doubled)
    assert told[0] == 0 < told[1], told
    return (
        f"a killed worker doubles {told[1]:,} lines where the place is left out of the state, and {told[0]} otherwise"
    )


def bounded(folder: Path, log: Path, runs: int = 10_000, live: int = 100) -> str:
    mini = Mini(folder)
    lines = log.read_bytes().splitlines(keepends=True)
    end = next(line for line in lines if b'"kind":"run_ended"' in line)
    (short := folder / "short.jsonl").write_bytes(b"".join([*lines[:20], end]))
    for number in range(runs):
        most = 20 if number < live else 21
        write(short, mini.logs / f"run-{number}", Spec(f"run-{number}", first=1 << 30, most=most))
    mini.start()
    begun = time.monotonic()
    mini.wait(runs - live, 900.0)
    ended, took = len(mini.ended()), time.monotonic() - begun
    time.sleep(5.0)
    size = mini.checkpoint_bytes()
    mini.kill()
    assert ended == runs - live, ended
    return f"{runs:,} runs, {ended:,} of them ended after {took:.0f} s: a checkpoint has {size:,} bytes"


def throughput(folder: Path, log: Path, runs: int = 4) -> str:
    mini, names = Mini(folder, tasks=2), [f"run-{n}" for n in range(runs)]
    for name in names:
        write(log, mini.logs / name, Spec(name, first=1 << 30))
    lines = runs * sum(1 for _ in log.open("rb"))
    mini.start()
    until((mini.out / "derived").exists)
    idle, begun = mini.cpu(), time.monotonic()
    mini.wait(runs, 900.0)
    took, cpu = time.monotonic() - begun, mini.cpu() - idle
    mini.kill()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "nissa.cli.main", "collect", "--no-color", *(str(mini.logs / name) for name in names)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after, alone = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begun
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    per = 1e6 / lines
    return (
        f"{lines:,} lines: the job {cpu * per:.1f} us of CPU a line, {lines / took:,.0f} lines/s; "
        f"a collector {own * per:.1f} us, {lines / alone:,.0f} lines/s"
    )


MEASURES: dict[str, Callable[[Path, Path], str]] = {
    "conformance": conformance,
    "again": again,
    "ranks": ranks,
    "dead": dead,
    "mutation": mutation,
    "bounded": bounded,
    "throughput": throughput,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.measures", description=__doc__)
    parser.add_argument("run", type=Path, help="a recorded demo")
    parser.add_argument("names", nargs="*", help="all, if none is given")
    asked = parser.parse_args()
    # Whoever ends it ends all that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in asked.names or MEASURES:
        folder = Path(tempfile.mkdtemp(prefix="nissa-cluster-"))
        try:
            told = MEASURES[name](folder, asked.run / "events-000001.jsonl")
            sys.stdout.write(f"{name}: {told} (load {os.getloadavg()[0]:.0f})\n")
            sys.stdout.flush()
        finally:
            (ROOT / "build" / "cluster").mkdir(parents=True, exist_ok=True)
            if (folder / "mini.log").exists():
                shutil.copy(folder / "mini.log", ROOT / "build" / "cluster" / f"{name}.log")
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
