"""The stream: each subscriber is guarded from the others, loops end, and users may put any Rx behind it."""

from typing import Any, cast

import pytest
from reactivex import operators as ops

from nissa.events.event import Event
from nissa.events.kinds import KINDS, Importance, Payload, SeedCulled, SeedGerminated
from nissa.operators.fold import Fold, Operator, only
from nissa.pipeline.dispatch.dispatcher import MAX_DERIVED, Dispatcher
from nissa.pipeline.dispatch.event_stream import EventStream
from tests.samples import event

GERMINATED = event(SeedGerminated(slot="early", seed="s", blueprint="norm", params=1), seq=5, env=2)
CULLED = event(SeedCulled(slot="early", reason="late", initiator="gate", epochs_total=1), seq=6)


class Faults(list[tuple[str, str, Any]]):
    def __call__(self, owner: str, error: BaseException, about: Event[Any] | None) -> None:
        self.append((owner, str(error), about))


def boom(_: object) -> None:
    raise RuntimeError("boom")


def test_a_subscriber_that_raises_hurts_neither_the_writer_nor_the_others_nor_itself() -> None:
    faults, before, after = Faults(), list[Any](), list[Any]()
    stream = EventStream(faults)
    stream.subscribe(before.append)
    stream.owner = "bad"
    stream.subscribe(boom)
    stream.subscribe(after.append)
    stream.send(GERMINATED)
    stream.send(CULLED)
    assert before == after == [GERMINATED, CULLED]
    assert faults == [("bad", "boom", GERMINATED), ("bad", "boom", CULLED)]


def test_a_subscriber_gets_only_the_kinds_it_asked_for_until_it_leaves() -> None:
    stream, seen = EventStream(Faults()), list[Any]()
    subscription = stream.pipe(only(SeedCulled)).subscribe(seen.append)
    stream.send(GERMINATED)
    stream.send(CULLED)
    subscription.dispose()
    stream.send(CULLED)
    assert seen == [CULLED]


def test_a_subscriber_that_is_an_empty_collection_is_a_subscriber_all_the_same() -> None:
    class Numbers(set[int]):
        def __call__(self, e: Event[Any]) -> None:
            self.add(e.seq)

    stream, numbers = EventStream(Faults()), Numbers()
    stream.subscribe(numbers)
    stream.send(GERMINATED)
    assert numbers == {5}


def test_any_rx_operator_works_behind_it() -> None:
    stream, seen = EventStream(Faults()), list[Any]()

    def number(e: Event[Any]) -> int:
        return e.seq

    def add(total: int, n: int) -> int:
        return total + n

    counted = stream.pipe(only(SeedCulled), ops.map(number), ops.scan(add, 0))
    counted.subscribe(seen.append, on_completed=lambda: seen.append("end"))
    for e in (CULLED, GERMINATED, CULLED):
        stream.send(e)
    stream.complete()
    assert seen == [6, 12, "end"]


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit])
def test_whatever_a_subscriber_raises_stays_with_it_also_at_the_end(error: type[BaseException]) -> None:
    def bad(*_: object) -> None:
        raise error("bad")

    faults, seen = Faults(), list[Any]()
    stream = EventStream(faults)
    stream.owner = "bad"
    stream.subscribe(bad, on_completed=bad)
    stream.pipe(ops.do_action(on_completed=bad)).subscribe(lambda _: None)
    stream.pipe(ops.finally_action(bad)).subscribe(lambda _: None)
    stream.subscribe(seen.append, on_completed=lambda: seen.append("end"))
    stream.send(CULLED)
    stream.complete()
    assert seen == [CULLED, "end"]
    assert faults == [("bad", "bad", CULLED), *[("bad", "bad", None)] * 3]


def test_a_ctrl_c_is_no_fault_of_a_subscriber() -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    stream = EventStream(Faults())
    stream.subscribe(stop, on_completed=stop)
    with pytest.raises(KeyboardInterrupt):
        stream.send(CULLED)
    with pytest.raises(KeyboardInterrupt):
        stream.complete()


def test_an_operator_that_chokes_on_an_event_keeps_its_state_and_goes_on() -> None:
    faults, seen = Faults(), list[Any]()

    def count(state: list[int], e: Event[Any]) -> Any:
        state[0] += 1
        if state[0] == 2:
            raise ValueError("poison")
        yield SeedCulled(slot=str(state[0]), reason="", initiator="gate", epochs_total=0)

    fragile = Fold("fragile", (SeedGerminated,), lambda: [0], count)
    dispatcher = Dispatcher({"fragile": fragile}, {"sink": seen.append}, faults)
    for _ in range(3):
        dispatcher.deliver(GERMINATED)
    assert faults == [("fragile", "poison", GERMINATED)]
    assert [e.payload.slot for e in seen if e.ordinal] == ["1", "3"]


def test_derived_events_follow_their_cause_in_order_and_bear_its_number_and_place() -> None:
    seen = list[Any]()

    def twice(state: None, e: Event[Any]) -> Any:
        if not e.ordinal:
            yield SeedCulled(slot="a", reason="", initiator="gate", epochs_total=0)
            yield SeedCulled(slot="b", reason="", initiator="gate", epochs_total=0)

    dispatcher = Dispatcher(
        {"twice": Fold("twice", (SeedGerminated,), lambda: None, twice)}, {"s": seen.append}, Faults()
    )
    dispatcher.deliver(GERMINATED)
    assert [(e.seq, e.ordinal, e.payload.slot) for e in seen] == [(5, 0, "early"), (5, 1, "a"), (5, 2, "b")]
    assert all(e.scope == GERMINATED.scope and e.time == GERMINATED.time for e in seen)


def test_operators_see_what_others_derive_and_a_loop_between_them_ends() -> None:
    faults, seen = Faults(), list[Any]()

    def again(state: None, e: Event[Any]) -> Any:
        yield e.payload

    dispatcher = Dispatcher({"again": Fold("again", (SeedCulled,), lambda: None, again)}, {"s": seen.append}, faults)
    dispatcher.deliver(CULLED)
    assert len(seen) == MAX_DERIVED + 1
    assert [owner for owner, _, _ in faults] == ["dispatcher"]
    dispatcher.deliver(GERMINATED)
    assert seen[-1] is GERMINATED


def test_what_an_operator_derives_must_be_an_event() -> None:
    faults, odd = Faults(), cast("Operator", ops.map(lambda e: 5))
    dispatcher = Dispatcher({"odd": odd}, {}, faults)
    dispatcher.deliver(CULLED)
    assert faults == [("odd", "int is no event: BatchCompleted(batch=0, loss=0.7) is one", None)]


def test_a_foreign_chain_that_fails_is_reported_and_begins_again() -> None:
    def second_is_poison(e: Event[Any]) -> Payload:
        if e.seq == 1:
            raise ValueError("poison")
        return SeedCulled(slot=str(e.seq), reason="", initiator="gate", epochs_total=0)

    faults, seen = Faults(), list[Any]()
    chain = cast("Operator", lambda source: source.pipe(only(SeedGerminated), ops.map(second_is_poison)))
    dispatcher = Dispatcher({"chain": chain}, {"sink": seen.append}, faults)
    for seq in range(5):
        dispatcher.deliver(event(GERMINATED.payload, seq=seq))
    assert [e.payload.slot for e in seen if e.ordinal] == ["0", "2", "3", "4"]
    assert [(owner, text) for owner, text, _ in faults] == [("chain", "poison")]


def test_a_foreign_chain_that_always_fails_is_reported_and_the_rest_goes_on() -> None:
    faults, seen, foreign = Faults(), list[Any](), cast("Operator", ops.map(boom))
    dispatcher = Dispatcher({"foreign": foreign}, {"sink": seen.append}, faults)
    dispatcher.deliver(CULLED)
    dispatcher.deliver(GERMINATED)
    assert [(owner, text) for owner, text, _ in faults][:1] == [("foreign", "boom")]
    assert seen == [CULLED, GERMINATED]


def test_every_kind_says_how_important_it_is() -> None:
    assert all(isinstance(kind.importance, Importance) and issubclass(kind, Payload) for kind in KINDS.values())
