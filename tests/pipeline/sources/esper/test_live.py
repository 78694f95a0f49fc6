"""Nissa behind a running esper-lite: what comes live equals what its log would give, and no fault gets out."""

import json
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field, make_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nissa.events.event import Event
from nissa.events.kinds import DecisionMade, EpochCompleted, EventsDropped
from nissa.pipeline.sources.esper.live import NissaBackend
from nissa.pipeline.sources.esper.rules_table import RULES
from nissa.pipeline.telemetry import Telemetry
from tests.pipeline.sources.reading import read
from tests.waiting import LIMIT, until

Kind = Enum("Kind", sorted({name.split()[0] for name in RULES} | {"SEEDS_SANG"}))  # type: ignore[misc]
OUR_OWN = {"heartbeat", "run_ended"}


@dataclass
class Theirs:
    """An event with the attributes that theirs has."""

    event_id: str
    event_type: Any
    timestamp: datetime
    seed_id: str | None
    slot_id: str | None
    epoch: int | None
    group_id: str
    message: str
    data: Any
    severity: str


def theirs(row: dict[str, Any]) -> Theirs:
    """The object that their trainer would emit for a row of their log: an enumeration, a datetime, a frozen payload."""
    payload = make_dataclass("TheirPayload", row["data"], slots=True, frozen=True)(**row["data"])
    told = row | {"event_type": Kind[row["event_type"]], "timestamp": datetime.fromisoformat(row["timestamp"])}
    return Theirs(**told | {"data": payload})


@dataclass
class Collected:
    """A sink that keeps what came."""

    inline = True
    events: list[Event[Any]] = field(default_factory=list)

    def __call__(self, event: Event[Any]) -> None:
        if not event.ordinal and event.payload.kind not in OUR_OWN:
            self.events.append(event)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith('{"event_id": "0')]


def live(rows: list[dict[str, Any]]) -> tuple[list[Event[Any]], NissaBackend]:
    collected = Collected()
    backend = NissaBackend(Telemetry("live", sinks={"collected": collected}))
    backend.start()
    for row in rows:
        backend.emit(theirs(row))
    backend.close()
    return collected.events, backend


def outcome(events: list[Event[Any]]) -> str:
    """How the run says that it ended."""
    (ended,) = [event.payload for event in events if event.payload.kind == "run_ended"]
    return str(ended.outcome)


def comparable(event: Event[Any]) -> tuple[Any, ...]:
    # NaN is not equal to itself, but its text is.
    return event.time, event.scope[1:], repr(event.payload), repr(event.extra)


def test_live_and_recorded_say_the_same(excerpt: Path, tmp_path: Path) -> None:
    rows = rows_of(excerpt)
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, rows)))
    recorded, reading = read(tmp_path)
    events, backend = live(rows)
    assert [comparable(event) for event in events] == [comparable(event) for event in recorded]
    assert {event.scope.run for event in events} == {"live"}
    assert reading.foreign
    told = reading.foreign.odd - Counter({"NaN or Infinity as a bare word": 1})
    assert (backend.account.lines, backend.account.translated) == (reading.foreign.lines, reading.foreign.translated)
    assert backend.account.odd == told


def test_a_real_log_live_is_the_same_log_recorded(esper_log: Path, esper_rows: list[dict[str, Any]]) -> None:
    recorded, _ = read(esper_log)
    events, backend = live(esper_rows)
    assert [comparable(event) for event in events] == [comparable(event) for event in recorded]
    assert backend.account.lines == len(esper_rows)


def test_a_hub_of_theirs_needs_nothing_else(excerpt: Path, tmp_path: Path) -> None:
    """Added, fed and closed as their hub does it: the run directory is whole, and says that the run was completed."""
    backend = NissaBackend(Telemetry("live", out=tmp_path / "run"))
    backend.start()
    for row in rows_of(excerpt):
        backend.emit(theirs(row))
    assert backend.flush(LIMIT)
    backend.close()
    backend.close()
    events, reading = read(tmp_path / "run")
    assert not reading.unknown
    assert outcome(events) == "completed"
    (germinated,) = [e for e in events if e.payload.kind == "seed_germinated" and e.scope.env == 0]
    assert germinated.extra
    assert germinated.extra["foreign"]["id"] == "00000000-0000-4000-8000-000000000005"


def test_a_training_that_failed_ends_as_failed(tmp_path: Path) -> None:
    backend = NissaBackend(Telemetry("live", out=tmp_path / "run"))
    backend.start()
    with pytest.raises(ZeroDivisionError):
        try:
            raise ZeroDivisionError
        finally:
            backend.close()
    events, _ = read(tmp_path / "run")
    assert outcome(events) == "failed"


UNCLOSED = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from nissa.events.kinds import SeedCulled
from nissa.pipeline.sources.esper.live import NissaBackend
from nissa.pipeline.telemetry import Telemetry
telemetry = Telemetry("live", out=Path(sys.argv[1]))
backend = NissaBackend(telemetry)
backend.start()
for n in range(500):
    backend.emit(SimpleNamespace(event_id=str(n), event_type="TAMIYO_INITIATED", timestamp="2026-03-01", data={}))
if os.fork() == 0:
    backend.emit(SimpleNamespace(event_id="child", event_type="TAMIYO_INITIATED", timestamp="2026-03-01", data={}))
    backend.close()
    telemetry.emit(SeedCulled(slot="early", reason="", initiator="policy", epochs_total=1))
    os._exit(telemetry.state().refused)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 1
"""


def test_a_process_that_ends_without_closing_loses_nothing_and_its_children_add_nothing(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", UNCLOSED, str(tmp_path / "run")], check=True, timeout=LIMIT)
    events, _ = read(tmp_path / "run")
    ids = [event.payload.id for event in events if event.payload.kind == "foreign_event_carried"]
    assert ids == [str(n) for n in range(500)]
    assert outcome(events) == "interrupted"


def test_numbers_of_numpy_and_nested_payloads_are_read(excerpt: Path) -> None:
    head = make_dataclass("Head", ["op_confidence"], frozen=True)(np.float32(0.5))
    decision = next(row for row in rows_of(excerpt) if row["data"].get("kind") == "last_action")
    changed = {"decision_entropy": np.float32(0.25), "head_telemetry": head, "slot_id": None}
    events, _ = live([decision | {"data": decision["data"] | changed}])
    (event,) = [event for event in events if isinstance(event.payload, DecisionMade)]
    assert event.extra
    assert event.extra["foreign"]["data"]["decision_entropy"] == 0.25
    assert event.extra["foreign"]["data"]["head_telemetry"] == {"op_confidence": 0.5}


class Exploding:
    """An object that raises however one looks at it."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemError("do not touch")


def test_a_fault_is_counted_and_never_raised(excerpt: Path) -> None:
    collected = Collected()
    telemetry = Telemetry("live", sinks={"collected": collected})
    backend = NissaBackend(telemetry)
    backend.start()
    good = next(row for row in rows_of(excerpt) if row["event_type"] == "EPOCH_COMPLETED")
    for event in (None, object(), Exploding(), 7, theirs(good)):
        backend.emit(event)
    assert backend.flush(LIMIT)
    faults = telemetry.state().faults
    backend.close()
    account = backend.account
    assert (account.lines, account.translated, account.malformed) == (5, 1, 4)
    assert faults["esper"] == 4
    assert account.odd["SystemError"] == 1
    assert [type(event.payload) for event in collected.events] == [EpochCompleted]
    backend.emit(theirs(good))
    assert (backend.account.lines, backend.account.late) == (5, 1)


class Held:
    """Keeps the backend's thread from looking on until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    @property
    def data(self) -> None:
        self.go.wait(LIMIT)


def test_what_has_no_room_is_counted_and_told_in_the_stream(excerpt: Path) -> None:
    collected, held = Collected(), Held()
    backend = NissaBackend(Telemetry("live", sinks={"collected": collected}), capacity=2)
    backend.start()
    backend.emit(held)
    until(lambda: backend.account.lines)
    for row in rows_of(excerpt)[1:8]:
        backend.emit(theirs(row))
    held.go.set()
    backend.close()
    told = [event.payload for event in collected.events if isinstance(event.payload, EventsDropped)]
    assert [(gap.place, gap.dropped) for gap in told] == [("esper", {"esper_event": 5})]
    assert backend.account.lines == 3


def test_a_capacity_below_one_is_refused() -> None:
    with Telemetry("live") as telemetry, pytest.raises(ValueError, match="capacity must be at least 1, not 0"):
        NissaBackend(telemetry, capacity=0)
