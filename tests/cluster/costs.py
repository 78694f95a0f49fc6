"""What the job in Flink's MiniCluster costs and keeps: each a function of a folder and a demo's log."""

import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from nissa.pipeline.cluster.place import Place
from nissa.pipeline.cluster.visit import Visitor
from tests.cluster.mini import Mini
from tests.cluster.writers import Spec, write

__all__ = ["bounded", "throughput"]


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


def throughput(folder: Path, log: Path, runs: int = 8) -> str:
    mini, names = Mini(folder, tasks=2), [f"run-{n}" for n in range(runs)]
    for name in names:
        write(log, folder / "aside" / name, Spec(name, first=1 << 30))
    lines = runs * sum(1 for _ in log.open("rb"))
    # What starts, and is compiled, is not counted: two runs come first.
    for name in ("one", "other"):
        write(log, mini.logs / name, Spec(name, first=1 << 30))
    mini.start()
    mini.wait(2)
    time.sleep(2.0)
    idle, begun = mini.cpu(), time.monotonic()
    for name in names:
        (folder / "aside" / name).rename(mini.logs / name)
    mini.wait(runs + 2, 900.0)
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
    per, looks = 1e6 / lines, _looks(mini.logs, names)
    return (
        f"{lines:,} lines: the job {cpu * per:.1f} us of CPU a line, {lines / took:,.0f} lines/s; "
        f"its looks without Flink {looks * per:.1f} us; a collector {own * per:.1f} us, {lines / alone:,.0f} lines/s"
    )


def _looks(logs: Path, runs: list[str]) -> float:
    """Seconds of CPU in which one process looks at all runs to their ends, as the job's tasks do."""
    visitor, kept, begun = Visitor(logs), dict[str, bytes | None](), time.process_time()
    for run in runs:
        place = Place()
        while looked := visitor.look(run, place, partial(kept.get, run)):
            place = Place.load(looked.place.dump())
            kept[run] = looked.state or kept.get(run)
    return time.process_time() - begun
