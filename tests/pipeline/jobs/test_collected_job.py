"""The job's own run: what one process finds in the joined logs of the ranks, however often somebody begins with it."""

import threading
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any
from unittest.mock import patch

import pytest

from nissa.events.codec import encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import AlertRaised, Heartbeat, Payload, RanksCompared, RunEnded
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.jobs import CollectedJob, CompareElsewhereError
from nissa.pipeline.jobs.__main__ import pause
from nissa.pipeline.sources import Reading, read_log
from nissa.sinks.run_log import RunLog
from tests.operators.ranks.jobs import Ranks, by_time, derived, job
from tests.waiting import until


def slow() -> Ranks:
    return job(3, work=lambda rank, step: 0.3 if rank == 2 else None)


def written(folder: Path, ranks: Ranks) -> Path:
    for rank, events in ranks.items():
        log = RunLog(folder / f"rank-{rank}")
        for event in events:
            log(event)
        log.close()
    return folder


def collected(folder: Path, consumers: dict[str, Any] | None = None) -> CollectedJob:
    found = CollectedJob(folder, consumers or {}, FaultLog())
    until(lambda: not found.step() and found.finished)
    found.close()
    return found


def lines(payloads: list[Payload]) -> list[bytes]:
    return [encode(Event(0, 0.0, Scope("x"), payload)) for payload in payloads]


def told(folder: Path) -> list[Event[Any]]:
    return list(read_log(folder / "job", Reading()))


def test_it_writes_what_one_process_finds_in_the_joined_logs(tmp_path: Path) -> None:
    ranks = slow()
    found = collected(written(tmp_path, ranks))
    events = told(tmp_path)
    assert lines([event.payload for event in events]) == lines(derived(by_time(ranks)))
    assert [event.seq for event in events] == list(range(len(events)))
    assert {event.scope.run for event in events} == {"x"}
    assert any(isinstance(event.payload, AlertRaised) for event in events)
    assert isinstance(events[-1].payload, RunEnded)
    assert "3 of 3 ranks, ended" in found.summary()


@pytest.mark.parametrize("kept", [0, 1, 40, 700, 1500])
def test_whoever_begins_again_doubles_nothing_and_leaves_nothing_out(tmp_path: Path, kept: int) -> None:
    collected(written(tmp_path, slow()))
    whole = [encode(event) for event in told(tmp_path)]
    (segment,) = (tmp_path / "job").glob("events-*.jsonl")
    assert segment.stat().st_size > kept
    segment.write_bytes(segment.read_bytes()[:kept])  # as a kill leaves it, in the middle of a line
    found = collected(tmp_path)
    assert [encode(event) for event in told(tmp_path)] == whole
    assert found.log.different == 0


def test_what_came_out_otherwise_before_is_counted(tmp_path: Path) -> None:
    collected(written(tmp_path, slow()))
    (segment,) = (tmp_path / "job").glob("events-*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"world_size":3', b'"world_size":4', 1))
    assert "1 came out otherwise" in collected(tmp_path).summary()


def test_a_rank_that_comes_later_is_followed_as_it_grows(tmp_path: Path) -> None:
    ranks = job(2)
    logs = [RunLog(tmp_path / "rank-0")]
    found, events = CollectedJob(tmp_path, {}, FaultLog()), by_time(ranks)
    for event in events:
        rank = int(event.scope.run[-1])
        if rank == len(logs):
            logs.append(RunLog(tmp_path / "rank-1"))
        logs[rank](event)
        logs[rank].flush()
    for log in logs:
        log.close()
    until(lambda: not found.step() and found.finished)
    found.close()
    assert lines([event.payload for event in told(tmp_path)]) == lines(derived(events))


def test_two_processes_do_not_compare_the_same_ranks_and_the_older_one_lets_go(tmp_path: Path) -> None:
    ranks = {rank: events[:-1] for rank, events in job(2).items()}
    first = CollectedJob(written(tmp_path, ranks), {}, FaultLog())
    with pytest.raises(CompareElsewhereError):
        CollectedJob(tmp_path, {}, FaultLog())
    until(lambda: not first.step() and first.finished)
    assert first.yielded
    first.close()
    second = CollectedJob(tmp_path, {}, FaultLog())
    second.step()
    second.close()


def test_consumers_have_the_ranks_and_the_job(tmp_path: Path) -> None:
    seen: list[Event[Any]] = []
    collected(written(tmp_path, slow()), {"seen": seen.append})
    runs = {event.scope.run for event in seen}
    assert runs == {"x", "x-rank-0", "x-rank-1", "x-rank-2"}
    assert [event.payload for event in seen if event.scope.run == "x"] == [event.payload for event in told(tmp_path)]


def test_a_consumer_that_fails_costs_no_event(tmp_path: Path) -> None:
    def choke(event: Event[Any]) -> None:
        raise ValueError("no")

    found = CollectedJob(written(tmp_path, slow()), {"choke": choke}, faults := FaultLog())
    until(lambda: not found.step() and found.finished)
    found.close()
    assert faults.counts["choke"] > 0
    assert sum(isinstance(event.payload, RanksCompared) for event in told(tmp_path)) > 3


def test_of_two_ranks_that_were_read_at_once_the_earlier_event_comes_first(tmp_path: Path) -> None:
    """Else a rank whose log is read first would make the others look silent."""
    from nissa.sinks.prometheus import NOTHING_YET

    long = replace(NOTHING_YET, dropped={f"of_a_kind_{n}": 1 for n in range(400)})
    beats = {0: Heartbeat(uptime=1.0, pipeline=NOTHING_YET), 1: Heartbeat(uptime=1.0, pipeline=long)}
    ranks = job(2, epochs=1, steps=5)
    for rank, events in ranks.items():
        end = events.pop()
        events += [Event(100 + n, 1001.0 + 5 * n, Scope(f"x-rank-{rank}"), beats[rank]) for n in range(200)]
        events.append(Event(400, 2200.0, Scope(f"x-rank-{rank}"), end.payload))
    collected(written(tmp_path, ranks))
    assert not any(isinstance(event.payload, AlertRaised) for event in told(tmp_path))


def test_the_end_of_a_job_waits_for_room_on_the_disk(tmp_path: Path) -> None:
    found = CollectedJob(written(tmp_path, slow()), {}, faults := FaultLog())
    with patch.object(found.log, "flush", side_effect=OSError(28, "No space left on device")):
        for _ in range(50):
            found.step()
        assert found.state.ended
        assert not found.finished
    assert faults.counts["job"] > 1
    until(lambda: not found.step() and found.finished)
    assert isinstance(told(tmp_path)[-1].payload, RunEnded)
    found.close()


def test_what_could_not_be_written_at_the_end_is_told(tmp_path: Path) -> None:
    found = CollectedJob(written(tmp_path, slow()), {}, faults := FaultLog())
    with patch.object(found.log._log, "flush", side_effect=OSError(28, "No space left on device")):
        found.close()
    assert faults.counts == {"job": 1}


def test_a_rank_whose_directory_is_made_anew_is_followed_in_the_new_one(tmp_path: Path) -> None:
    ranks = job(2, epochs=1, steps=20)
    half = len(ranks[0]) // 2
    written(tmp_path, {rank: events[:half] for rank, events in ranks.items()})
    found = CollectedJob(tmp_path, {}, FaultLog())
    until(lambda: not found.step())
    for rank in ranks:
        rmtree(tmp_path / f"rank-{rank}")
    written(tmp_path, {rank: [events[0], *events[half:]] for rank, events in ranks.items()})
    until(lambda: not found.step() and found.finished)
    found.close()
    assert "2 of 2 ranks, ended" in found.summary()
    assert sum(row.steps for row in (event.payload for event in told(tmp_path)) if isinstance(row, RanksCompared)) == 20


def test_a_look_that_takes_long_is_taken_less_often() -> None:
    assert (pause(0.001), pause(0.1)) == (0.02, 0.4)


def test_it_waits_on_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    collected(written(tmp_path, slow()))
    assert threading.active_count() == before
