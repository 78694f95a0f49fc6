"""What comes out of Flink's MiniCluster is what comes out without it: each a function of a folder and a demo's log."""

import time
from collections import Counter
from functools import partial
from pathlib import Path

from nissa.events.codec import decode, written
from tests.cluster.judging import judge, lines_of
from tests.cluster.mini import Mini
from tests.cluster.processes import ROOT, until
from tests.cluster.writers import Spec, write
from tests.operators.contract.engines import by_loop
from tests.operators.contract.logs import foreign, hostile, recorded
from tests.operators.ranks.jobs import by_time, derived, job

__all__ = ["again", "conformance", "contract", "dead", "mutation", "ranks"]


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


def contract(folder: Path, log: Path) -> str:
    excerpt = ROOT / "tests" / "pipeline" / "sources" / "esper" / "esper_excerpt.jsonl"
    mini, logs = Mini(folder, tasks=2), {"recorded": recorded(), "hostile": hostile(), "foreign": foreign(excerpt)}
    expected = Counter(line.strip() for lines in logs.values() for line in by_loop(lines, folder))
    for name, lines in logs.items():
        (mini.logs / name).mkdir()
        (mini.logs / name / "events-000001.jsonl").write_bytes(b"".join(lines))
    mini.start()
    until(lambda: len(lines_of(mini.out, "derived")) >= expected.total())
    time.sleep(3.0)
    mini.kill()
    found = Counter(lines_of(mini.out, "derived"))
    assert found == expected, (found - expected, expected - found)
    return f"{expected.total():,} derived lines of the logs that each engine is tried on are those of a plain loop"


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
