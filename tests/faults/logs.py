"""What a log says of what is not in it, and what is read of one that another version wrote, or somebody damaged."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from nissa import Telemetry
from nissa.events.kinds import KINDS, EventsDropped, RunStarted
from nissa.pipeline.sources import Reading, read_log
from nissa.sinks.run_log import MANIFEST, segments
from tests.benchmarks.emit import Stuck
from tests.benchmarks.workload import mix
from tests.faults.books import balanced

__all__ = ["losses_are_told", "other_versions_are_read"]


def losses_are_told(out: Path, chance: random.Random) -> float:
    """A buffer too small while the hub stands still: counters, events, gaps and manifest tell the same loss."""
    stuck, capacity = Stuck(), chance.randrange(8, 300)
    with Telemetry("run", out=out, sinks={"stuck": stuck}, capacity=capacity, linger=0.0) as telemetry:
        env = telemetry.scope(group="ppo", env=0)
        for _, _, payload in mix(20):
            env.emit(payload)
        stuck.release.set()
    balanced(telemetry.state())
    reading, told = Reading(), Counter[str]()
    for event in read_log(out, reading):
        if isinstance(event.payload, EventsDropped) and event.payload.place in ("hub", "log"):
            told.update({kind: n for kind, n in event.payload.dropped.items() if not KINDS[kind].derived})
    manifest = json.loads((out / MANIFEST).read_text())
    assert reading.dropped == told.total() == manifest["lost"] > 0, (reading.dropped, told, manifest["lost"])
    assert (reading.missing, manifest["whole"]) == (0, False)
    return reading.dropped


def other_versions_are_read(out: Path, chance: random.Random) -> float:
    """Lines of newer kinds, with newer fields, twice there, or cut: each is read or counted, and none costs another."""
    with Telemetry("run", out=out, linger=0.0) as telemetry:
        telemetry.emit(RunStarted(hyperparameters={"broken": float("nan")}))
        for _, _, payload in mix(4):
            telemetry.emit(payload)
    (log,) = segments(out)
    lines = [line for line in log.read_bytes().splitlines() if b'"cause":' not in line[:80]]
    harmed, written = Counter[str](), list[bytes]()
    for line in lines:
        how = chance.choice(("kept", "kept", "kind", "field", "newer", "twice", "cut"))
        harmed[how] += 1
        written += _harmed(line, how)
    log.write_bytes(b"\n".join(written) + b'\n{"v":1,"kind":"batch_com')
    reading = Reading()
    read = list(read_log(out, reading))
    assert len(read) == reading.read == len(lines) - harmed["cut"], (reading, harmed)
    assert (reading.malformed, reading.torn) == (harmed["cut"] + 1, True), (reading, harmed)
    assert reading.duplicates == harmed["twice"], (reading, harmed)
    assert reading.unknown["new_kind"] == harmed["kind"], (reading, harmed)
    assert sum(n for name, n in reading.unknown.items() if name.endswith(".new_field")) == harmed["field"]
    assert sum(reading.odd.values()) >= harmed["newer"], (reading, harmed)
    return len(lines)


def _harmed(line: bytes, how: str) -> list[bytes]:
    said: dict[str, Any] = json.loads(line)
    if how == "kind":
        said["kind"] = "new_kind"
    elif how == "field":
        said["data"]["new_field"] = 1
    elif how == "newer":
        said["v"] = 99
    elif how == "cut":
        return [line[: len(line) // 2]]
    elif how == "twice":
        return [line, line]
    return [json.dumps(said).encode()]
