"""What it costs to read a log of esper-lite, beside `json.loads`, and to stand behind a live one, beside its file."""

import json
import queue
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from nissa.pipeline.replay import replay
from nissa.pipeline.sources.esper.live import NissaBackend
from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.measuring import Figure, interleaved, report

__all__ = ["run"]

ROUNDS, CALLS = 15, 2_000
ROOT = Path(__file__).parents[2]
LOGS = (ROOT.parent / "shared" / "esper" / "events.jsonl", ROOT / "tests/pipeline/sources/esper/esper_excerpt.jsonl")
Type = Enum("Type", ["EPOCH_COMPLETED"])


@dataclass(frozen=True)
class Payload:
    """As large as theirs is with three seeds."""

    env_id: int
    val_accuracy: float
    val_loss: float
    inner_epoch: int
    episode_idx: int
    seeds: dict[str, dict[str, Any]]


@dataclass
class Theirs:
    """An event with the attributes that theirs has."""

    event_id: str
    event_type: Type
    timestamp: datetime
    data: Payload
    seed_id: str | None = None
    slot_id: str | None = None
    epoch: int | None = 1
    group_id: str = "default"
    message: str = ""
    severity: str = "info"


def run() -> None:
    """Replay and `json.loads` interleaved on the same log; then one emission into three places."""
    log = next(path for path in LOGS if path.exists())
    again, parsed = list[float](), list[float]()
    for _ in range(ROUNDS):
        again.append(_replay(log))
        parsed.append(_parse(log))
    report(
        f"A log of esper-lite, wall clock, {log.name}",
        [
            Figure("replay of that log, all operators on", again, "lines/s"),
            Figure("json.loads of each line of that log", parsed, "lines/s"),
        ],
    )
    _emission()


def _replay(log: Path) -> float:
    started = time.perf_counter()
    account = replay(log).reading.foreign
    assert account
    return account.lines / (time.perf_counter() - started)


def _parse(log: Path) -> float:
    started = time.perf_counter()
    read = 0
    with log.open("rb") as lines:
        for line in lines:
            read += 1
            _loads(line)
    return read / (time.perf_counter() - started)


def _loads(line: bytes) -> None:
    try:
        json.loads(line)
    except ValueError:
        return


def _emission() -> None:
    seed = {"stage": "TRAINING", "blueprint_id": "norm", "epochs_in_stage": 3, "alpha": 0.5, "grad_ratio": 0.25}
    payload = Payload(0, 50.0, 1.0, 1, 0, dict.fromkeys(("r0c0", "r0c1", "r0c2"), seed))
    event = Theirs("id", Type.EPOCH_COMPLETED, datetime.fromisoformat("2026-03-01T12:00:00+00:00"), payload)
    backend, plain = NissaBackend(Telemetry("bench")), queue.Queue[Theirs]()
    backend.start()
    with tempfile.TemporaryFile("w") as file:

        def emit(calls: int) -> None:
            for _ in range(calls):
                backend.emit(event)

        def put(calls: int) -> None:
            for _ in range(calls):
                plain.put_nowait(event)

        def write(calls: int) -> None:
            for _ in range(calls):
                row = asdict(event) | {"event_type": event.event_type.name, "timestamp": event.timestamp.isoformat()}
                file.write(json.dumps(row, default=str) + "\n")

        spent = interleaved({"emit": emit, "put": put, "write": write}, CALLS, backend.flush, ROUNDS)
    backend.close()
    report(
        "Behind a running esper-lite, CPU of the thread that emits",
        [
            Figure("NissaBackend.emit", spent["emit"], "ns", "aim: under their file"),
            Figure("queue.Queue.put_nowait of the same object", spent["put"], "ns"),
            Figure("dataclasses.asdict, json.dumps and write, as their file does", spent["write"], "ns"),
        ],
    )
