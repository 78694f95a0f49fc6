"""What every operator must do, over all that a run has by default."""

import copy
import math
from collections.abc import Collection, Iterable
from typing import Any

import orjson
import pytest
import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex.subject import Subject

from nissa.events.codec import encode
from nissa.events.event import Event
from nissa.events.kinds import KINDS, Payload
from nissa.operators import default_operators
from nissa.operators.fold import Fold, Keyed
from nissa.operators.statistics.moments import Moments
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from tests.samples import payloads, stories

OPERATORS: dict[str, Fold[Any]] = {name: op for name, op in default_operators().items() if isinstance(op, Fold)}
each = pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda op: op.name)


def folded(operator: Fold[Any], events: Iterable[Event[Any]]) -> tuple[Any, list[Payload]]:
    """The operator as a plain loop: its final state and all that it derived."""
    state, out = operator.init(), list[Payload]()
    for event in events:
        if isinstance(event.payload, operator.kinds):
            out += operator.step(state, event)
    return state, out


def derived(operator: Fold[Any], events: Iterable[Event[Any]]) -> list[Payload]:
    """What comes out of the operator on a plain Rx source."""
    out: list[Payload] = []
    reactivex.from_iterable(events).pipe(operator).subscribe(out.append)
    return out


def fail(owner: str, error: BaseException, event: object) -> None:
    raise AssertionError(owner) from error


def test_all_operators_are_folds_so_that_this_contract_sees_them() -> None:
    assert OPERATORS.keys() == default_operators().keys()


@each
@settings(max_examples=50)
@given(stories())
def test_on_plain_rx_on_our_stream_and_in_a_loop_it_derives_the_same(operator: Fold[Any], story: list[Any]) -> None:
    wired: list[Payload] = []
    dispatcher = Dispatcher({operator.name: operator}, {}, fail)
    operator(dispatcher.stream).subscribe(wired.append)
    for event in story:
        dispatcher.deliver(event)
    assert wired == derived(operator, story) == folded(operator, story)[1]


@each
@settings(max_examples=50)
@given(stories())
def test_two_subscriptions_share_nothing(operator: Fold[Any], story: list[Any]) -> None:
    source: Subject[Any] = Subject()
    early, late = list[Payload](), list[Payload]()
    stream = operator(source)
    stream.subscribe(early.append)
    for event in story:
        source.on_next(event)
    stream.subscribe(late.append)
    for event in story:
        source.on_next(event)
    assert late == derived(operator, story)
    assert early == derived(operator, [*story, *story])


@each
@settings(max_examples=50)
@given(stories(envs=1, group="a"), stories(envs=1, group="b"), st.randoms(use_true_random=False))
def test_interleaved_groups_give_what_each_gives_alone(
    operator: Fold[Any], one: list[Any], other: list[Any], random: Any
) -> None:
    mixed, left, right = [], list(one), list(other)
    while left or right:
        take = left if not right or (left and random.random() < 0.5) else right
        mixed.append(take.pop(0))
    state, _ = folded(operator, mixed)
    alone = [folded(operator, story)[0] for story in (one, other)]
    assert flat(state) == flat(operator.merge(*alone)) if operator.merge else True


@each
@settings(max_examples=50)
@given(stories())
def test_merging_the_parts_of_a_stream_equals_folding_it_whole(operator: Fold[Any], story: list[Any]) -> None:
    if operator.merge is None:
        return
    parts = [[event for event in story if event.scope.env % 2 == rest] for rest in (0, 1)]
    merged = operator.merge(*(folded(operator, part)[0] for part in parts))
    assert close(flat(merged), flat(folded(operator, story)[0]))


@each
@settings(max_examples=50)
@given(stories())
def test_merging_changes_neither_part(operator: Fold[Any], story: list[Any]) -> None:
    if operator.merge is None:
        return
    state, _ = folded(operator, story)
    before = copy.deepcopy(flat(state))
    operator.merge(state, operator.init())
    assert flat(state) == before


def told_of(operator: Fold[Any], events: Iterable[Event[Any]], cuts: Collection[int]) -> tuple[list[bytes], bytes]:
    """All that was derived, and the last state, as lines; at each of the cuts the fold goes on from a file."""
    state, out = operator.init(), list[bytes]()
    for at, event in enumerate(events):
        if at in cuts:
            text = orjson.dumps(operator.dump(state))
            state = operator.load(orjson.loads(text))
            assert orjson.dumps(operator.dump(state)) == text
        if isinstance(event.payload, operator.kinds):
            out += [encode(Event(event.seq, 0.0, event.scope, payload)) for payload in operator.step(state, event)]
    return out, orjson.dumps(operator.dump(state))


@each
@settings(max_examples=50)
@given(story=stories(), cut=st.integers(0, 40))
def test_a_fold_that_was_put_aside_in_a_story_goes_on_as_if_it_had_not_been(
    operator: Fold[Any], story: list[Any], cut: int
) -> None:
    # Events share nothing; what a strategy draws may.
    own = list(map(copy.deepcopy, story))
    assert told_of(operator, own, {min(cut, len(own))}) == told_of(operator, own, ())


@each
@settings(max_examples=60)
@given(data=st.data())
def test_nan_infinities_and_missing_fields_neither_stop_it_nor_vanish(operator: Fold[Any], data: st.DataObject) -> None:
    some = st.sampled_from(operator.kinds).flatmap(payloads)
    events = [Event(n, 0.0, _scope(), payload) for n, payload in enumerate(data.draw(st.lists(some, max_size=8)))]
    for payload in derived(operator, events):
        assert encode(Event(0, 0.0, _scope(), payload))


@each
def test_it_listens_to_declared_kinds_and_derives_declared_ones(operator: Fold[Any]) -> None:
    assert set(operator.kinds) <= set(KINDS.values())


@each
def test_its_state_does_not_grow_with_keys_without_bound(operator: Fold[Any]) -> None:
    state = operator.init()
    keyed = (
        [state]
        if isinstance(state, Keyed)
        else [v for n in state.__slots__ if isinstance(v := getattr(state, n), Keyed)]
    )
    assert keyed
    for part in keyed:
        for key in range(10_050):
            part[key]
        assert len(part.items) == 10_000


def _scope() -> Any:
    from nissa.events.event import Scope

    return Scope("test", "ppo", 0, 0, 1)


def flat(value: Any) -> Any:
    """State as plain values, in the order of its keys."""
    if isinstance(value, Keyed):
        return {str(key): flat(item) for key, item in sorted(value.items.items(), key=lambda pair: str(pair[0]))}
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items()}
    if isinstance(value, list):
        return [flat(item) for item in value]
    if hasattr(value, "__slots__") and not isinstance(value, tuple | str):
        return {name: flat(getattr(value, name)) for name in value.__slots__}
    return value


def close(left: Any, right: Any) -> bool:
    """Equality with moments to 1e-12, counts exact."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(close(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(close, left, right))
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=1e-12, abs_tol=1e-9)
    return bool(left == right)


@given(st.lists(st.floats(-1e6, 1e6)), st.integers(0, 20))
def test_moments_equal_the_two_pass_formula_however_they_are_split(values: list[float], cut: int) -> None:
    whole = Moments.of(values[:cut]).merge(Moments.of(values[cut:]))
    if not values:
        assert (whole.mean, whole.std) == (None, None)
        return
    mean = math.fsum(values) / len(values)
    assert whole.mean == pytest.approx(mean, rel=1e-12, abs=1e-9)
    if len(values) > 1:
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
        assert whole.std == pytest.approx(deviation, rel=1e-9, abs=1e-7)
