"""The buffer between trainer and hub: bounded, in order, sheds the least important, and loses count of nothing."""

import signal
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.kinds import BatchCompleted, Importance, Payload, PhaseTimed, SeedCulled, SeedGerminated
from nissa.pipeline.hub.priority_buffer import Entry, PriorityBuffer
from tests.samples import epoch_completed

BATCH = BatchCompleted(batch=0, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={})
PHASE = PhaseTimed(durations={})
EPOCH = epoch_completed(50.0)
GERMINATED = SeedGerminated(slot="early", seed="s", blueprint="norm", params=1)
CULLED = SeedCulled(slot="early", reason="late", initiator="gate", epochs_total=1)
PAYLOADS = (BATCH, PHASE, EPOCH, GERMINATED, CULLED)


def drain(buffer: PriorityBuffer, most: int = 10**9) -> list[Entry]:
    """Take up to so many entries, and settle each."""
    taken = list[Entry]()
    while len(taken) < most and (entry := buffer.take()):
        taken.append(entry)
        buffer.settle("delivered")
    return taken


ACTIONS = st.lists(st.sampled_from([*PAYLOADS, 1, 3, 100]), max_size=60)


@given(ACTIONS, st.integers(1, 8))
def test_accepted_is_taken_plus_queued_plus_dropped_at_any_moment(actions: list[Any], capacity: int) -> None:
    buffer, put, taken = PriorityBuffer(capacity), Counter[str](), Counter[str]()
    for action in actions:
        if isinstance(action, int):
            taken.update(entry[2].kind for entry in drain(buffer, action))
        else:
            buffer.put(action, None)
            put[action.kind] += 1
        assert buffer.accepted == put.total() == taken.total() + len(buffer) + buffer.dropped.total()
        assert not buffer.books().missing()
        assert sum(buffer.books().reasons.values()) == buffer.dropped.total()
        assert len(buffer) <= capacity
    taken.update(entry[2].kind for entry in drain(buffer))
    assert put == taken + buffer.dropped


def test_the_books_show_an_entry_that_is_lost_and_one_that_is_counted_twice() -> None:
    buffer = PriorityBuffer(100)
    for _ in range(10):
        buffer.put(BATCH, None)
    buffer._queues[0].pop()
    assert buffer.books().missing() == 1
    drain(buffer)
    buffer._fates["delivered"] += 3
    assert buffer.books().missing() == 1 - 3


def test_an_entry_has_one_fate_also_where_nobody_waits_for_it() -> None:
    buffer = PriorityBuffer(100)
    for _ in range(3):
        buffer.put(BATCH, None)
    assert buffer.take()
    assert buffer.books().queued == 3, "the one in hand is among them"
    buffer.abandon()
    buffer.settle("delivered")
    assert (buffer.books().queued, buffer.books().dropped, buffer.books().fates.total()) == (0, {BATCH.kind: 3}, 0)


@given(st.lists(st.sampled_from([*PAYLOADS, "take", "settle"]), max_size=300), st.integers(0, 300))
def test_the_books_are_exact_also_while_many_are_in_hand(actions: list[Any], end: int) -> None:
    buffer, put, fates = PriorityBuffer(1 << 16), Counter[str](), 0
    in_hand: Entry | None = None
    for action in actions[:end]:
        if action == "take":
            in_hand = buffer.take()
        elif action == "settle":
            if in_hand:
                buffer.settle("delivered")
                fates, in_hand = fates + 1, None
        else:
            buffer.put(action, None)
            put[action.kind] += 1
        books = buffer.books()
        assert (books.accepted, books.fates.total(), books.queued) == (put.total(), fates, put.total() - fates)
        assert not books.missing()
    buffer.abandon()
    books = buffer.books()
    assert (books.queued, sum(books.dropped.values()), books.missing()) == (0, put.total() - fates, 0)
    assert books.reasons.get("end", 0) == put.total() - fates
    assert buffer.take() is None


def test_each_that_is_shed_has_its_reason() -> None:
    buffer = PriorityBuffer(128, most_bytes=1 << 20)
    for _ in range(130):
        buffer.put(CULLED, None)
    assert buffer.books().reasons == {"full": 2}
    drain(buffer)
    for _ in range(100):
        buffer.put(SeedCulled(slot="early", reason="x" * 100_000, initiator="gate", epochs_total=1), None)
    heavy = buffer.books().reasons["heavy"]
    assert heavy > 0
    left = buffer.books().queued
    assert buffer.take()
    buffer.shed(Importance.LIFECYCLE)
    buffer.abandon()
    assert buffer.books().reasons == {"full": 2, "heavy": heavy, "end": left}


def test_a_run_is_what_is_in_hand_and_not_settled_yet() -> None:
    buffer = PriorityBuffer(65_536)
    for payload in (BATCH, BATCH, EPOCH, CULLED):
        buffer.put(payload, None)
    assert buffer.take()
    buffer.settle("delivered")
    buffer.shed(Importance.BULK)
    run = buffer.take_run()
    assert [entry[2] for entry in run] == [EPOCH, CULLED]
    buffer.settle("delivered", "failed")
    assert buffer.take_run() == []
    assert buffer.books() == (4, 0, {"batch_completed": 1}, {"end": 1}, Counter(delivered=2, failed=1))


def test_where_time_runs_out_what_is_in_hand_is_shed_too_but_for_what_is_more_important() -> None:
    buffer = PriorityBuffer(1 << 16)
    for payload in (*[BATCH] * 20, CULLED, *[BATCH] * 20):
        buffer.put(payload, None)
    assert buffer.take()
    buffer.shed(Importance.BULK)
    buffer.settle("delivered")
    assert [entry[2].kind for entry in drain(buffer)] == [CULLED.kind]
    assert (buffer.books().dropped, buffer.books().missing()) == ({BATCH.kind: 39}, 0)


@given(ACTIONS, st.integers(1, 8))
def test_what_is_shed_is_never_more_important_than_what_stays(actions: list[Any], capacity: int) -> None:
    buffer = PriorityBuffer(capacity)
    model: list[tuple[int, Payload]] = []
    for ticket, payload in enumerate(p for p in actions if not isinstance(p, int)):
        buffer.put(payload, None)
        model.append((ticket, payload))
        if len(model) > capacity:
            model.remove(min(model, key=lambda entry: (entry[1].importance, entry[0])))
    assert [(ticket, payload) for ticket, _, payload, _ in drain(buffer)] == model


@given(ACTIONS)
def test_entries_come_out_in_the_order_in_which_they_went_in(actions: list[Any]) -> None:
    buffer, tickets = PriorityBuffer(1000), []
    for action in actions:
        if isinstance(action, int):
            tickets += [entry[0] for entry in drain(buffer, action)]
        else:
            buffer.put(action, None)
    tickets += [entry[0] for entry in drain(buffer)]
    assert tickets == list(range(buffer.accepted))


def test_many_threads_lose_nothing_and_never_share_a_number() -> None:
    buffer, taken = PriorityBuffer(2_000), list[int]()
    done = threading.Event()

    def take() -> None:
        while not done.is_set() or len(buffer):
            taken.extend(entry[0] for entry in drain(buffer, 64))

    def put() -> None:
        for _ in range(20_000):
            buffer.put(BATCH, None)

    taker = threading.Thread(target=take)
    makers = [threading.Thread(target=put) for _ in range(4)]
    taker.start()
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    done.set()
    taker.join()
    assert taken == sorted(set(taken))
    assert buffer.accepted == 80_000 == len(taken) + buffer.dropped.total()


@pytest.mark.parametrize("capacity", [3, 10_000])
def test_a_signal_handler_may_emit_in_the_middle_of_an_emission(capacity: int) -> None:
    buffer, more = PriorityBuffer(capacity), list[int]()

    def handler(*_: object) -> None:
        buffer.put(PHASE, None)
        more.append(1)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        for _ in range(200_000):
            buffer.put(BATCH, None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert more
    assert buffer.accepted == 200_000 + len(more) == len(buffer) + buffer.dropped.total()
    assert len(buffer) == min(capacity, buffer.accepted) == len(drain(buffer))


def test_a_put_in_the_middle_of_a_rare_one_is_taken_along_by_it() -> None:
    starts = list[int]()

    def start() -> None:
        starts.append(1)
        buffer.put(PHASE, "inner")

    buffer = PriorityBuffer(10, on_first=start)
    buffer.put(BATCH, "outer")
    assert (starts, buffer.accepted) == ([1], 2)
    assert [entry[3] for entry in drain(buffer)] == ["outer", "inner"]


@given(st.lists(st.sampled_from([*PAYLOADS, 1, 3, "park"]), max_size=60), st.integers(1, 8))
def test_the_first_entry_calls_and_the_next_one_after_each_parking(actions: list[Any], capacity: int) -> None:
    calls = list[int]()
    buffer, quiet, expected = PriorityBuffer(capacity, on_first=lambda: calls.append(1)), True, 0
    for action in actions:
        if action == "park":
            assert buffer.park() == (not len(buffer))
            quiet |= not len(buffer)
        elif isinstance(action, int):
            drain(buffer, action)
        else:
            buffer.put(action, None)
            quiet, expected = False, expected + quiet
        assert len(calls) == expected
    assert buffer.accepted == sum(isinstance(action, Payload) for action in actions)


def test_a_finalizer_that_emits_in_the_middle_of_parking_is_heard() -> None:
    calls, parking = list[int](), list[int]()

    class Interrupted(PriorityBuffer):
        def __len__(self) -> int:
            before = super().__len__()
            if parking:
                parking.pop()
                self.put(PHASE, None)
            return before

    buffer = Interrupted(3, on_first=lambda: calls.append(1))
    buffer.put(BATCH, None)
    drain(buffer, 1)
    parking.append(1)
    assert not buffer.park()
    assert (len(calls), len(drain(buffer, 9))) == (2, 1)


def test_a_buffer_that_was_closed_stays_so_when_parked() -> None:
    buffer = PriorityBuffer(3)
    buffer.put(BATCH, None)
    buffer.close()
    buffer.park()
    buffer.put(BATCH, None)
    assert (buffer.accepted, buffer.refused) == (1, 1)


def test_what_is_no_payload_leaves_no_trace() -> None:
    buffer = PriorityBuffer(2)
    for thing in (None, 3, "text", Payload()):
        with pytest.raises(AttributeError):
            buffer.put(thing, None)  # type: ignore[arg-type]
    assert (buffer.accepted, buffer.books().missing(), len(buffer)) == (0, 0, 0)


def test_a_closed_buffer_refuses_and_counts() -> None:
    buffer = PriorityBuffer(10)
    buffer.put(BATCH, None)
    buffer.close()
    buffer.put(BATCH, None)
    assert (buffer.accepted, buffer.refused, len(drain(buffer))) == (1, 1, 1)


def test_every_importance_has_a_lane() -> None:
    buffer = PriorityBuffer(10)
    for payload in PAYLOADS:
        buffer.put(payload, None)
    assert {entry[2].importance for entry in drain(buffer)} == set(Importance)


def test_no_capacity_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        PriorityBuffer(0)


def large(size: int) -> Payload:
    """A payload of so many bytes."""
    return SeedCulled(slot="s", reason="x" * size, initiator="gate", epochs_total=1)


def held(buffer: PriorityBuffer) -> int:
    return sum(len(entry[2].reason or "") for entry in buffer._queues[2] if isinstance(entry[2], SeedCulled))


@pytest.mark.parametrize("taken", [0, 1])
def test_large_entries_are_bounded_by_their_bytes(taken: int) -> None:
    limit, size = 10_000_000, 100_000
    buffer, most = PriorityBuffer(60_000, most_bytes=limit), 0
    for number in range(2_000):
        buffer.put(large(size), None)
        if taken and number % 2:
            drain(buffer, taken)
        most = max(most, held(buffer))
    assert limit / 2 < held(buffer) <= limit
    assert most <= limit + 2 * 64 * size, "before they are looked at"
    assert not buffer.books().missing()


def test_bytes_are_shed_by_importance() -> None:
    buffer = PriorityBuffer(60_000, most_bytes=10_000_000)
    for _ in range(200):
        buffer.put(large(10_000), None)
        buffer.put(BATCH, None)
    for _ in range(100):
        buffer.put(large(1_000_000), None)
        assert set(buffer.dropped) <= {BATCH.kind} or buffer.dropped[BATCH.kind] == 200
    assert 8_000_000 < held(buffer) < 11_000_000


def test_small_entries_are_bounded_by_their_number_alone() -> None:
    buffer = PriorityBuffer(5_000)
    for _ in range(5_000):
        buffer.put(BATCH, None)
    assert (len(buffer), buffer.dropped.total()) == (5_000, 0)


def test_sizes_that_change_while_the_backlog_stands_are_noticed() -> None:
    buffer = PriorityBuffer(60_000, most_bytes=10_000_000)
    for _ in range(2_000):
        buffer.put(BATCH, None)
    for _ in range(2_000):
        drain(buffer, 1)
        buffer.put(large(100_000), None)
    assert held(buffer) <= 10_000_000 + 64 * 100_000


def test_what_cannot_be_weighed_is_taken_all_the_same() -> None:
    class Odd(Payload):
        importance = Importance.BULK
        kind = "odd"

        @property
        def data(self) -> Any:
            raise RuntimeError("not to be looked at")

    buffer = PriorityBuffer(1_000)
    for _ in range(300):
        buffer.put(Odd(), None)
    assert len(buffer) == 300
