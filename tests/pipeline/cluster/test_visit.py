"""However often a run is looked at, and whatever fails between, what is derived is what the run itself derived."""

import gzip
import json
import os
import random
import shutil
import time
from pathlib import Path
from unittest.mock import patch

import pytest

from nissa.events.codec import written
from nissa.events.event import Event, Scope
from nissa.pipeline.cluster import log_lines, visit
from nissa.pipeline.cluster.place import Place
from nissa.pipeline.cluster.run_state import RunState
from nissa.pipeline.cluster.visit import Visitor
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import file_lines
from tests.operators.ranks.jobs import by_time, derived, job
from tests.pipeline.cluster.engine import Engine
from tests.pipeline.collector.runs import LOG, recorded


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return recorded(tmp_path_factory.mktemp("recorded") / "run")


def derived_in(log: bytes) -> list[bytes]:
    """A run of one process has them in its log."""
    return [line for line in log.splitlines(keepends=True) if b'"ordinal":' in line]


def grown(engine: Engine, run: Path, log: bytes, seed: int) -> None:
    """The log is written piece by piece in segments, and read on the way by an engine that fails now and then."""
    chance, at, number = random.Random(seed), 0, 1
    run.mkdir(parents=True, exist_ok=True)
    while at < len(log):
        piece = log[at : at + chance.randrange(1, 60_000)]
        with (run / f"events-{number:06}.jsonl").open("ab") as file:
            file.write(piece)
        at += len(piece)
        # A segment ends with a line.
        if chance.random() < 0.2 and log[at - 1 : at] == b"\n":
            number += 1
        for _ in range(chance.randrange(3)):
            engine.look(run.name)
        if chance.random() < 0.4:
            engine.checkpoint()
        if chance.random() < 0.4:
            engine.fail(worker=chance.random() < 0.5)
    engine.look_all(run.name)


@pytest.mark.parametrize("seed", range(6))
def test_after_any_failures_each_derived_line_is_there_once_and_in_order(tmp_path: Path, log: bytes, seed: int) -> None:
    engine = Engine(tmp_path, most=20_000)
    with patch.object(visit, "_KEPT", 70_000):
        grown(engine, tmp_path / "run", log, seed)
    assert engine.derived() == derived_in(log)
    assert len(derived_in(log)) > 100


def packed(run: Path) -> None:
    """As a nightly job leaves the segment: with fewer bytes, and as many lines."""
    plain = run / "events-000001.jsonl"
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


@pytest.mark.parametrize("worker", [False, True])
def test_a_segment_that_is_packed_while_it_is_read_is_read_to_its_end(tmp_path: Path, log: bytes, worker: bool) -> None:
    engine, run = Engine(tmp_path, most=20_000), tmp_path / "run"
    run.mkdir()
    (run / "events-000001.jsonl").write_bytes(log)
    while Place.load(engine.now.place.get("run")).offset < len(log) // 2:
        engine.look("run")
    packed(run)
    engine.checkpoint()
    engine.fail(worker=worker)
    engine.look_all("run")
    assert engine.derived() == derived_in(log)
    assert len(engine.told("summaries")) == 1


def test_a_segment_that_is_packed_once_it_was_read_is_unpacked_once(tmp_path: Path, log: bytes) -> None:
    engine, run = Engine(tmp_path, most=20_000), tmp_path / "run"
    run.mkdir()
    (run / "events-000001.jsonl").write_bytes(log)
    engine.look_all("run")
    packed(run)
    with patch.object(log_lines, "file_lines", wraps=file_lines) as unpacked:
        for _ in range(5):
            engine.look("run")
    assert unpacked.call_count == 1
    assert engine.derived() == derived_in(log)
    assert len(engine.told("summaries")) == 1


def test_a_place_that_is_lost_is_noticed(tmp_path: Path, log: bytes) -> None:
    engine = Engine(tmp_path, most=20_000, keeps_place=False)
    grown(engine, tmp_path / "run", log, 0)
    assert engine.derived() != derived_in(log)


def test_the_summary_counts_what_a_replay_counts(tmp_path: Path, log: bytes) -> None:
    engine = Engine(tmp_path, most=20_000)
    grown(engine, tmp_path / "run", log, 3)
    (summary,) = map(json.loads, engine.told("summaries"))
    result = replay(tmp_path / "run")
    # The log that is written here has no manifest.
    expected = result.reading.summary() | {"problems": []}
    assert summary["events"] == json.loads(json.dumps(expected))
    assert (summary["run"], summary["name"], summary["outcome"], summary["faults"]) == ("run", "run", "completed", {})
    assert sum(summary["derived"].values()) == len(derived_in(log))


def test_of_a_run_that_ended_a_place_is_kept_and_no_more(tmp_path: Path, log: bytes) -> None:
    engine = Engine(tmp_path, most=20_000)
    with patch.object(visit, "_KEPT", 70_000):
        grown(engine, tmp_path / "run", log, 1)
    assert engine.now.state == {}
    assert len(engine.now.place["run"]) < 200
    last = json.loads(engine.told("progress")[-1])
    size = sum(file.stat().st_size for file in (tmp_path / "run").glob("events-*"))
    ends = [json.loads(line) for line in engine.told("progress")]
    assert last["ended"]
    assert ends[0]["ended"] is False
    assert sum({line["segment"]: line["offset"] for line in ends}.values()) == size


def test_a_run_that_goes_on_after_its_end_is_taken_up_from_its_log(tmp_path: Path, log: bytes) -> None:
    (run := tmp_path / "run").mkdir()
    lines = log.splitlines(keepends=True)
    end = next(line for line in lines if b'"run_ended"' in line)
    middle = lines[: len(lines) // 2]
    cut = next(n for n in range(len(middle), 0, -1) if b'"ordinal":' not in lines[n])
    (run / LOG).write_bytes(b"".join(lines[:cut]) + end)
    (engine := Engine(tmp_path, most=20_000)).look_all("run")
    assert engine.now.state == {}
    assert json.loads(engine.told("progress")[-1])["ended"]
    (run / "events-000002.jsonl").write_bytes(b"".join(lines[cut:]))
    engine.look_all("run")
    expected = list[bytes]()
    replay(run, [lambda event: expected.append(written(event)) if event.ordinal else None])
    assert engine.derived() == expected


def test_a_state_that_cannot_be_read_is_made_anew_from_the_log(tmp_path: Path, log: bytes) -> None:
    engine = Engine(tmp_path, most=20_000)
    (tmp_path / "run").mkdir()
    half = log[: log.index(b"\n", len(log) // 2) + 1]
    (tmp_path / "run" / LOG).write_bytes(half)
    with patch.object(visit, "_KEPT", 70_000):
        engine.look_all("run")
        engine.now.state["run"] = b"of another version"
        engine.checkpoint()
        engine.fail(worker=True)
        (tmp_path / "run" / LOG).write_bytes(log)
        engine.look_all("run")
    assert engine.derived() == derived_in(log)


def test_a_run_that_nobody_writes_is_freed_and_goes_on_when_somebody_does(tmp_path: Path, log: bytes) -> None:
    engine = Engine(tmp_path, most=20_000)
    (tmp_path / "run").mkdir()
    half = log[: log.index(b"\n", len(log) // 2) + 1]
    (file := tmp_path / "run" / LOG).write_bytes(half)
    with patch.object(visit, "_KEPT", 70_000):
        engine.look_all("run")
        assert engine.now.state
        os.utime(file, (time.time() - 7200,) * 2)
        engine.look_all("run")
        assert engine.now.state == {}
        file.write_bytes(log)
        engine.look_all("run")
    assert engine.derived() == derived_in(log)


def test_what_is_wrong_with_one_run_stops_no_other_and_is_told_once(tmp_path: Path, log: bytes) -> None:
    engine = Engine(tmp_path, most=20_000)
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / LOG).write_bytes(log[: log.index(b"\n", 100_000) + 1])
        engine.look_all(name)
    with patch.object(RunState, "feed", side_effect=MemoryError("of the other run")):
        (tmp_path / "bad" / LOG).write_bytes(log)
        engine.look_all("bad")
        assert not engine.look("bad")
    (problem,) = map(json.loads, engine.told("problems"))
    assert problem["run"] == "bad"
    assert "of the other run" in problem["problem"]
    (tmp_path / "good" / LOG).write_bytes(log)
    engine.look_all("good")
    engine.look_all("bad")
    assert sorted(engine.derived()) == sorted(2 * derived_in(log))


def test_a_log_that_vanished_is_told(tmp_path: Path, log: bytes) -> None:
    engine = Engine(tmp_path, most=20_000)
    (tmp_path / "run").mkdir()
    (file := tmp_path / "run" / LOG).write_bytes(log[:150_000])
    engine.look_all("run")
    file.write_bytes(log[:1000])
    engine.look_all("run")
    assert "1000 bytes" in json.loads(engine.told("problems")[0])["problem"]
    shutil.rmtree(tmp_path / "run")
    engine.look_all("run")
    assert not engine.look("run")


def test_a_look_that_was_asked_for_before_all_was_read_is_spared(tmp_path: Path, log: bytes) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOG).write_bytes(log[:1000])
    before, visitor = time.time(), Visitor(tmp_path)
    assert not visitor.has_seen("run", before)
    visitor.look("run", Place(), lambda: None)
    assert visitor.has_seen("run", before - 1.0)
    assert not visitor.has_seen("run", time.time() + 1.0)


def test_of_a_job_only_ranks_are_passed_on_and_not_what_another_process_told_of_them(tmp_path: Path) -> None:
    """Else all ranks would wait for that one, which seldom tells something."""
    rank, told = job(2)[0], derived(by_time(job(2)))
    own = [Event(n, 1000.0, Scope("x"), payload) for n, payload in enumerate(told)]
    for name, events in (("rank-0", rank), ("job", own)):
        (tmp_path / "x" / name).mkdir(parents=True)
        (tmp_path / "x" / name / "events-000001.jsonl").write_bytes(b"".join(map(written, events)))
    engine = Engine(tmp_path, most=1 << 20)
    engine.look_all("x/job")
    assert engine.told("of_job") == []
    engine.look_all("x/rank-0")
    assert engine.told("of_job") == [written(event) for event in rank]
