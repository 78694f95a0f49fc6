"""A sink behind its own thread: what it does wrong, or slowly, stays with it."""

import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from nissa.events.codec import UnwritableEventError
from nissa.events.event import Event
from nissa.events.kinds import BatchCompleted, SeedCulled
from nissa.pipeline.dispatch.fault_log import MAX_LETTERS, MOST_BYTES, FaultLog
from nissa.pipeline.hub.circuit_breaker import FAILURES, LONGEST_REST, SHORTEST_REST, CircuitBreaker
from nissa.pipeline.hub.guarded_sink import ATTEMPTS
from nissa.pipeline.hub.priority_buffer import Entry
from nissa.pipeline.hub.sink_worker import SinkWorker
from nissa.pipeline.hub.worker import SLICE, Worker
from tests.samples import event
from tests.waiting import LIMIT, hanging, until


def batch(number: int) -> Event[Any]:
    return event(
        BatchCompleted(batch=number, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={}), seq=number
    )


def soon(seconds: float = LIMIT) -> float:
    return time.monotonic() + seconds


def end(part: SinkWorker | Worker, seconds: float = LIMIT) -> None:
    part.stop()
    part.join(soon(seconds))


class InRuns(list[int]):
    """Takes several events together, but for the first `failures` times, and unless it is `unwilling`."""

    def __init__(self, failures: int, *, unwilling: bool = False) -> None:
        super().__init__()
        self.failures, self.unwilling = failures, unwilling
        self.together = 0

    def __call__(self, e: Event[Any]) -> None:
        self.append(e.seq)

    def take_all(self, events: Sequence[Event[Any]]) -> bool:
        if self.failures:
            self.failures -= 1
            raise OSError("not yet")
        if not self.unwilling:
            self.together += len(events)
            self.extend(e.seq for e in events)
        return not self.unwilling


@pytest.mark.parametrize(("failures", "unwilling"), [(0, False), (0, True), (3, False)])
def test_a_sink_that_takes_events_together_gets_each_once_and_in_order(failures: int, unwilling: bool) -> None:
    sink, faults = InRuns(failures, unwilling=unwilling), FaultLog()
    worker = SinkWorker("sink", sink, faults, capacity=65_536)
    for number in range(1000):
        worker(batch(number))
    assert worker.flush(soon())
    end(worker)
    assert sink == [*range(1000)]
    assert (sink.together > 500) is not unwilling
    state = worker.state()
    assert (state.written, state.failed, state.retries, faults.counts) == (1000, 0, failures, {})
    assert worker.books().missing() == 0


class Flaky:
    """Refuses each event `failures` times; writes down the rest; counts flush and close."""

    def __init__(self, failures: int, poison: int | None = None) -> None:
        self.left, self.failures, self.poison = failures, failures, poison
        self.taken: list[int] = []
        self.flushed = self.closed = 0

    def __call__(self, e: Event[Any]) -> None:
        if e.seq == self.poison:
            raise ValueError("poison")
        if self.left:
            self.left -= 1
            raise OSError("not yet")
        self.left = self.failures
        self.taken.append(e.seq)

    def flush(self) -> None:
        self.flushed += 1

    def close(self) -> None:
        self.closed += 1


def test_a_well_behaved_sink_gets_everything_in_order_then_flush_then_close() -> None:
    sink, faults = Flaky(0), FaultLog()
    outlet = SinkWorker("sink", sink, faults, capacity=1000)
    for number in range(600):
        outlet(batch(number))
    assert outlet.flush(soon())
    assert sink.taken == list(range(600))
    assert sink.flushed
    end(outlet)
    assert (sink.closed, faults.counts.total(), outlet.state().written, outlet.state().queued) == (1, 0, 600, 0)


def test_an_event_that_is_refused_twice_is_tried_a_third_time() -> None:
    sink = Flaky(ATTEMPTS - 1)
    outlet = SinkWorker("sink", sink, FaultLog(), capacity=10)
    outlet(batch(0))
    end(outlet)
    assert (sink.taken, outlet.state().retries, outlet.state().failed) == ([0], 2, 0)


def test_a_poison_event_goes_to_the_dead_letters_and_the_next_one_gets_through(tmp_path: Path) -> None:
    sink, letters = Flaky(0, poison=1), tmp_path / "dead.jsonl"
    outlet = SinkWorker("sink", sink, FaultLog(letters), capacity=10)
    for number in range(3):
        outlet(batch(number))
    assert outlet.flush(soon())
    end(outlet)
    assert sink.taken == [0, 2]
    (letter,) = map(orjson.loads, letters.read_bytes().splitlines())
    assert (letter["component"], letter["error"], letter["event"]["seq"]) == ("sink", "ValueError('poison')", 1)
    state = outlet.state()
    assert (state.written, state.failed, state.queued, state.breaker) == (2, 1, 0, "closed")


def test_two_poison_events_in_a_row_do_not_wedge_a_healthy_sink() -> None:
    taken = list[int]()

    def sink(e: Event[Any]) -> None:
        if e.seq < 2:
            raise TypeError("no form in JSON")
        taken.append(e.seq)

    outlet = SinkWorker("sink", sink, FaultLog(), capacity=1000)
    for number in range(100):
        outlet(batch(number))
    assert outlet.flush(soon())
    end(outlet)
    assert taken == list(range(2, 100))
    assert (outlet.state().failed, outlet.state().queued, outlet.state().breaker) == (2, 0, "closed")


class FullDisk:
    """Takes everything, and never gets it out."""

    def __call__(self, e: Event[Any]) -> None:
        pass

    def flush(self) -> None:
        raise OSError("no space left on device")


def test_what_was_taken_but_never_flushed_counts_as_failed_and_opens_the_breaker() -> None:
    faults = FaultLog()
    outlet = SinkWorker("sink", FullDisk(), faults, capacity=1000)
    for number in range(100):
        outlet(batch(number))
    until(lambda: outlet.state().breaker != "closed")
    assert not outlet.flush(soon(0.1))
    end(outlet)
    assert (outlet.state().written, outlet.state().failed) == (0, 100)
    assert faults.counts["sink"] < 20


class Wrote(FullDisk):
    """Gets all but the last seven out, and knows it."""

    def __init__(self) -> None:
        self.taken = 0

    def __call__(self, e: Event[Any]) -> None:
        self.taken += 1

    @property
    def unwritten(self) -> int:
        return min(7, self.taken)


def test_a_sink_that_knows_what_it_has_not_written_is_believed() -> None:
    outlet = SinkWorker("sink", Wrote(), FaultLog(), capacity=1000)
    for number in range(100):
        outlet(batch(number))
    until(lambda: outlet.state().written == 93)
    assert (outlet.state().queued, outlet.books().missing()) == (7, 0)
    end(outlet)
    assert (outlet.state().written, outlet.state().failed, outlet.state().queued) == (93, 7, 0)


def test_a_sink_that_calls_exit_at_its_end_ends_all_the_same() -> None:
    class Exits(Flaky):
        def close(self) -> None:
            super().close()
            raise SystemExit

    sink, faults = Exits(0), FaultLog()
    outlet = SinkWorker("sink", sink, faults, capacity=10)
    outlet(batch(0))
    end(outlet)
    assert not outlet._worker._thread.is_alive()
    assert (sink.closed, faults.counts["sink"], outlet.state().written) == (1, 1, 1)


def test_a_flush_that_calls_exit_fails_like_any_other() -> None:
    class Exits:
        flushes = 0

        def __call__(self, e: Event[Any]) -> None:
            pass

        def flush(self) -> None:
            self.flushes += 1
            if self.flushes < 3:
                raise SystemExit

    outlet = SinkWorker("sink", Exits(), faults := FaultLog(), capacity=10)
    outlet(batch(0))
    until(lambda: outlet.state().written)
    assert (faults.counts["sink"], outlet._worker.restarts, outlet.state().breaker) == (2, 0, "closed")
    end(outlet)


def test_an_end_that_raises_is_told_once_and_not_tried_again() -> None:
    calls, faults = list[int](), FaultLog()

    def bad() -> None:
        calls.append(1)
        raise SystemExit

    for events in (0, 1):
        worker = Worker(
            "part", faults, capacity=9, poll=0.01, handle=lambda entry: None, settle=lambda idle: True, end=bad
        )
        for number in range(events):
            worker.buffer.put(batch(number).payload, number)
        end(worker)
        assert not worker._thread.is_alive()
    assert (len(calls), faults.counts["part"], worker.restarts) == (2, 2, 0)


def test_what_comes_in_just_before_the_end_is_handled() -> None:
    """The last event of a run comes while the thread looks after other things, and the end right behind it."""
    handled, settling, over = list[int](), threading.Event(), threading.Event()

    def settle(idle: bool) -> bool:
        if idle and not settling.is_set():
            settling.set()
            over.wait(LIMIT)
        return True

    def handle(entry: Entry) -> None:
        handled.append(entry[3])

    worker = Worker("part", FaultLog(), capacity=9, poll=0.001, handle=handle, settle=settle, end=lambda: None)
    worker.buffer.put(batch(0).payload, 0)
    assert settling.wait(LIMIT)
    worker.buffer.put(batch(1).payload, 1)
    worker.stop()
    over.set()
    worker.join(soon())
    assert handled == [0, 1]


def test_an_idle_sink_is_not_flushed_again_and_again() -> None:
    sink = Flaky(0)
    outlet = SinkWorker("sink", sink, FaultLog(), capacity=10)
    outlet(batch(0))
    assert outlet.flush(soon())
    before = sink.flushed
    time.sleep(0.3)
    assert sink.flushed == before
    end(outlet)


def test_a_sink_that_is_down_for_a_while_rests_and_then_gets_nearly_all() -> None:
    back, taken = threading.Event(), list[int]()

    def sink(e: Event[Any]) -> None:
        if not back.is_set():
            raise ConnectionError("down")
        taken.append(e.seq)

    outlet = SinkWorker("sink", sink, FaultLog(), capacity=1000)
    for number in range(100):
        outlet(batch(number))
    until(lambda: outlet.state().breaker == "open")
    back.set()
    assert outlet.flush(soon())
    end(outlet)
    assert taken == list(range(100 - len(taken), 100))
    assert outlet.state().failed == 100 - len(taken) <= 4


def test_a_sink_that_always_fails_is_given_up_at_the_end_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for rest in ("SHORTEST_REST", "LONGEST_REST"):
        monkeypatch.setattr(f"nissa.pipeline.hub.circuit_breaker.{rest}", 2 * LIMIT)
    tried, faults = list[int](), FaultLog()

    def sink(e: Event[Any]) -> None:
        tried.append(e.seq)
        raise ConnectionError("down")

    outlet = SinkWorker("sink", sink, faults, capacity=1000)
    for number in range(500):
        outlet(batch(number))
    until(lambda: outlet.state().breaker == "open")
    end(outlet)
    state = outlet.state()
    assert len(tried) == FAILURES + 1, "once more, and then no more"
    assert (state.written, state.breaker, faults.counts["sink"]) == (0, "open", state.failed)
    assert (state.failed + sum(state.dropped.values()), state.queued) == (500, 0)


def test_a_sink_that_hangs_is_left_behind_at_the_deadline() -> None:
    faults = FaultLog()
    with hanging() as sink:
        outlet = SinkWorker("sink", sink, faults, capacity=4)
        for number in range(10):
            outlet(batch(number))
        assert not outlet.flush(soon(0.1))
        end(outlet, 0.2)
        assert faults.counts["sink"] == 1
        assert outlet.state().queued == outlet.books().missing() == 0
    until(lambda: not outlet._worker._thread.is_alive())
    assert outlet.state().given == sum(outlet.state().dropped.values()) == 10, "nor is any told twice, later"


def test_a_backlog_is_dropped_by_importance_at_the_end() -> None:
    taken = list[str]()

    def slow(e: Event[Any]) -> None:
        time.sleep(0.005)
        taken.append(e.payload.kind)

    outlet = SinkWorker("sink", slow, FaultLog(), capacity=10_000)
    for number in range(2_000):
        outlet(batch(number))
        if number % 100 == 50:
            outlet(event(SeedCulled(slot="early", reason="x", initiator="gate", epochs_total=1), seq=number))
    outlet.stop()
    outlet.join(soon(2.0))
    state = outlet.state()
    assert taken.count("seed_culled") == 20
    assert (state.queued, state.written + sum(state.dropped.values())) == (0, 2_020)
    assert set(state.dropped) == {"batch_completed"}


def test_close_before_any_event_closes_the_sink_and_leaves_no_thread() -> None:
    before, sink = threading.active_count(), Flaky(0)
    outlet = SinkWorker("sink", sink, FaultLog(), capacity=4)
    end(outlet)
    assert (threading.active_count(), sink.closed) == (before, 1)


def test_an_end_that_hangs_is_left_behind_also_where_no_event_came() -> None:
    class Hung:
        def __init__(self, hang: Any) -> None:
            self.hang = hang

        def __call__(self, e: Event[Any]) -> None:
            pass

        def close(self) -> None:
            self.hang(None)

    with hanging() as hang:
        faults = FaultLog()
        outlet = SinkWorker("sink", Hung(hang), faults, capacity=4)
        outlet.stop()
        outlet.join(soon(0.2))
        assert faults.counts == {"sink": 1}


def test_where_no_thread_can_be_had_the_sink_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    outlet = SinkWorker("sink", sink := Flaky(0), FaultLog(), capacity=4)
    end(outlet)
    assert sink.closed == 1


def test_a_sink_that_calls_exit_fails_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    taken = list[int]()

    def sink(e: Event[Any]) -> None:
        if e.seq == 1:
            raise SystemExit("a library that calls sys.exit")
        taken.append(e.seq)

    faults = FaultLog()
    outlet = SinkWorker("sink", sink, faults, capacity=10)
    for number in range(3):
        outlet(batch(number))
    end(outlet)
    assert taken == [0, 2]
    assert (faults.counts["sink"], outlet.state().failed, outlet.state().queued) == (1, 1, 0)
    assert (outlet.state().retries, outlet._worker.restarts) == (ATTEMPTS - 1, 0)
    assert "sink failed" in caplog.text


def test_an_event_that_no_reader_would_take_is_buried_at_once() -> None:
    calls = list[int]()

    def sink(e: Event[Any]) -> None:
        calls.append(e.seq)
        raise UnwritableEventError("no reader would take it")

    outlet = SinkWorker("sink", sink, FaultLog(), capacity=99)
    for number in range(2 * FAILURES):
        outlet(batch(number))
    end(outlet)
    state = outlet.state()
    assert calls == list(range(2 * FAILURES))
    assert (state.failed, state.retries, state.breaker) == (2 * FAILURES, 0, "closed")


def test_a_flush_that_fails_is_not_tried_again_before_its_rest_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        flushes = 0

        def __call__(self, e: Event[Any]) -> None:
            pass

        def flush(self) -> None:
            self.flushes += 1
            raise OSError("no space left on device")

    monkeypatch.setattr("nissa.pipeline.hub.circuit_breaker.SHORTEST_REST", LIMIT)
    monkeypatch.setattr("nissa.pipeline.hub.circuit_breaker.LONGEST_REST", LIMIT)
    outlet = SinkWorker("sink", sink := Full(), FaultLog(), capacity=99)
    outlet(batch(0))
    until(lambda: outlet.state().breaker == "open")
    outlet(batch(1))
    # It is roused again and again meanwhile.
    assert not outlet.flush(soon(0.3))
    assert sink.flushes == FAILURES
    end(outlet)


def test_a_flush_waits_for_the_last_entry_and_not_only_for_the_first_slice() -> None:
    handled = list[int]()

    def handle(entry: Entry) -> None:
        time.sleep(0.0005)
        handled.append(entry[0])

    worker = Worker(
        "slow", FaultLog(), capacity=9999, poll=0.01, handle=handle, settle=lambda idle: True, end=lambda: None
    )
    for number in range(3 * SLICE):
        worker.buffer.put(batch(number).payload, number)
    assert worker.flush(soon())
    assert handled == list(range(3 * SLICE))
    end(worker)


def test_after_a_long_quiet_the_next_entry_wakes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.pipeline.hub.worker._QUIET", 600.0)
    handled, idle = queue.SimpleQueue[Any](), queue.SimpleQueue[bool]()

    def settle(ran_empty: bool) -> bool:
        if ran_empty:
            idle.put(True)
        return True

    def handle(entry: Entry) -> None:
        handled.put(entry[3])

    worker = Worker("quiet", FaultLog(), capacity=9, poll=0.001, handle=handle, settle=settle, end=lambda: None)
    for number in range(5):
        worker.buffer.put(batch(number).payload, number)
        assert handled.get(timeout=LIMIT) == number
        assert idle.get(timeout=LIMIT)
    with pytest.raises(queue.Empty):
        idle.get(timeout=0.1)
    end(worker)


def test_what_is_not_settled_is_tried_again_without_another_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.pipeline.hub.worker._QUIET", 600.0)
    asked, done = list[bool](), threading.Event()

    def settle(idle: bool) -> bool:
        asked.append(idle)
        if len(asked) == 9:
            done.set()
        return len(asked) >= 9

    worker = Worker(
        "slow", FaultLog(), capacity=9, poll=0.001, handle=lambda entry: None, settle=settle, end=lambda: None
    )
    worker.buffer.put(batch(0).payload, 0)
    assert done.wait(LIMIT)
    assert worker.flush(soon())
    end(worker)


def test_a_thread_that_dies_is_started_again_and_told() -> None:
    handled, faults = list[int](), FaultLog()

    def handle(entry: Entry) -> None:
        if entry[3] == 1:
            raise GeneratorExit
        handled.append(entry[3])

    worker = Worker("part", faults, capacity=9, poll=0.01, handle=handle, settle=lambda idle: True, end=lambda: None)
    for number in range(4):
        worker.buffer.put(batch(number).payload, number)
    end(worker)
    assert (handled, worker.restarts, faults.counts["part"]) == ([0, 2, 3], 1, 1)


def test_a_logging_handler_that_raises_is_no_concern_of_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("broken handler")

    monkeypatch.setattr(logging.getLogger("nissa"), "handlers", [Broken()])
    faults = FaultLog()
    faults.report("part", ValueError("x"))
    assert faults.counts["part"] == 1


def test_faults_are_logged_once_for_each_component_and_type(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultLog()
    for error in (ValueError("a"), ValueError("b"), OSError("c")):
        faults.report("part", error)
    assert (len(caplog.records), faults.counts["part"]) == (2, 3)


def test_dead_letters_are_bounded_and_a_full_disk_does_not_stop_the_count(tmp_path: Path) -> None:
    faults = FaultLog(tmp_path / "dead.jsonl")
    for number in range(MAX_LETTERS + 5):
        faults.report("part", ValueError("x"), batch(number))
    assert len((tmp_path / "dead.jsonl").read_bytes().splitlines()) == MAX_LETTERS
    nowhere = FaultLog(tmp_path / "missing" / "dead.jsonl")
    nowhere.report("part", ValueError("x"), batch(0))
    assert nowhere.counts["part"] == 1


def test_dead_letters_are_bounded_by_their_bytes(tmp_path: Path) -> None:
    faults = FaultLog(tmp_path / "dead.jsonl")
    for size in [MOST_BYTES // 10] * 20 + [10]:
        faults.report("part", ValueError("x" * size), batch(0))
    assert MOST_BYTES / 2 < (tmp_path / "dead.jsonl").stat().st_size < MOST_BYTES
    letters = [orjson.loads(line) for line in (tmp_path / "dead.jsonl").read_bytes().splitlines()]
    assert [len(letter["error"]) > 100 for letter in letters] == [True] * 9 + [False], "a small one still has room"
    assert faults.counts["part"] == 21


def test_a_logging_handler_that_calls_exit_is_no_concern_of_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exits(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise SystemExit

    monkeypatch.setattr(logging.getLogger("nissa"), "handlers", [Exits()])
    faults = FaultLog()
    faults.report("part", ValueError("x"))
    assert faults.counts["part"] == 1


def test_a_repr_that_raises_is_no_concern_of_the_pipeline(tmp_path: Path) -> None:
    class Nasty(Exception):
        def __repr__(self) -> str:
            raise RuntimeError("nasty")

    faults = FaultLog(tmp_path / "dead.jsonl")
    faults.report("part", Nasty(), batch(0))
    assert faults.counts["part"] == 1


def test_an_event_that_cannot_be_encoded_is_buried_by_its_repr(tmp_path: Path) -> None:
    FaultLog(tmp_path / "dead.jsonl").report("log", TypeError("x"), event(object()))  # type: ignore[arg-type]
    assert "object object" in (tmp_path / "dead.jsonl").read_text()


def test_rests_double_up_to_a_bound_and_one_success_ends_them() -> None:
    breaker, rests = CircuitBreaker(), []
    for _ in range(FAILURES):
        assert breaker.state == "closed"
        breaker.failed()
    for _ in range(10):
        rests.append(breaker.rest)
        breaker.rested()
        assert breaker.state == "half_open"
        breaker.failed()
    assert rests[:4] == [SHORTEST_REST, 1.0, 2.0, 4.0]
    assert max(rests) == LONGEST_REST
    breaker.succeeded()
    assert (breaker.state, breaker.rest) == ("closed", 0.0)


class Holding:
    """Keeps what it takes until it is flushed, which fails as long as it is `broken`."""

    broken = True

    def __init__(self) -> None:
        self.held: list[int] = []

    def __call__(self, e: Event[Any]) -> None:
        self.held.append(e.seq)

    @property
    def unwritten(self) -> int:
        return len(self.held)

    def flush(self) -> None:
        if self.broken:
            raise OSError("no space left")
        self.held.clear()


def test_the_age_of_what_waits_is_that_of_its_oldest_event_since_it_was_emitted() -> None:
    with hanging() as hang:
        worker = SinkWorker("sink", hang, FaultLog(), capacity=65_536)
        assert worker.state().oldest == 0.0
        for ago in (300.0, 200.0, 100.0):
            worker(replace(batch(int(ago)), time=time.time() - ago))
        assert 300.0 <= (worker.state().oldest or 0.0) < 300.0 + LIMIT
    until(lambda: worker.state().written == 3)
    assert worker.state().oldest == 0.0
    end(worker)


def test_what_a_sink_holds_ages_until_it_is_out() -> None:
    sink = Holding()
    worker = SinkWorker("sink", sink, FaultLog(), capacity=65_536)
    worker(replace(batch(0), time=time.time() - 300.0))
    until(lambda: bool(sink.held) and worker.state().breaker != "closed")
    assert 300.0 <= (worker.state().oldest or 0.0) < 300.0 + LIMIT
    sink.broken = False
    until(lambda: worker.state().written == 1)
    assert worker.state().oldest == 0.0
    end(worker)
