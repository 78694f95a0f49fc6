"""State as plain data: whatever a fold may keep comes back as it was, and what is no state of it is refused."""

import math
import random
from collections import Counter, OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, GateEvaluated, GradientsMeasured, Heartbeat, WeightsMeasured
from nissa.operators.fold import Fold, Keyed, UnreadableStateError
from nissa.operators.fold.plain_state import plain_state, state_of


class Point(NamedTuple):
    """As a fold of somebody's own may keep it."""

    x: float
    y: float


@dataclass(slots=True)
class Mine:
    """Likewise."""

    seen: Keyed[list[Any]]
    last: Any = None
    limit: int = field(default=3, kw_only=True)


def _step(state: Mine, event: Event[Heartbeat]) -> list[Heartbeat]:
    state.last = event
    return []


def mine(limit: int = 3) -> Fold[Mine]:
    """A fold whose tables are made by a function without a name."""
    return Fold("mine", (Heartbeat,), lambda: Mine(Keyed(lambda: [limit]), limit=limit), _step)


def again(value: Any, fresh: Any = None) -> Any:
    """A value that went through a file."""
    forms, plain = orjson.loads(orjson.dumps(plain_state(value)))
    return state_of(forms, plain, fresh, {__name__})


def same(left: Any, right: Any) -> bool:
    """Equal in value, type and order, NaN too; what has no form of its own is compared by what is in it."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return same([*left.items()], [*right.items()])
    if isinstance(left, list | tuple | deque):
        length = getattr(left, "maxlen", None) == getattr(right, "maxlen", None) and len(left) == len(right)
        return length and all(map(same, left, right))
    if isinstance(left, float):
        return str(left) == str(right)
    return bool(left == right)


SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-(2**80), 2**80) | st.floats() | st.text()
KEYS = st.tuples(st.text(max_size=3), st.none() | st.integers()) | st.integers() | st.text(max_size=3)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.sets(KEYS) | st.frozensets(KEYS) | st.builds(Point, st.floats(), st.floats()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4).map(OrderedDict)
        | st.dictionaries(KEYS, st.integers(), max_size=4).map(Counter)
        | st.builds(deque, st.lists(inner, max_size=4), st.sampled_from((None, 2, 9)))
    ),
    max_leaves=12,
)


@given(VALUES)
def test_whatever_is_kept_comes_back_as_it_was(value: Any) -> None:
    assert same(again(value), value)


def test_events_and_kinds_come_back() -> None:
    batch = BatchCompleted(batch=1, loss=math.nan, accuracy=None, seed_grad_norms={"early": math.inf})
    event = Event(7, 0.5, Scope("run", "ppo", "5"), batch, 0, {"foreign": {"a": [1]}})
    kept = again({BatchCompleted: event, GradientsMeasured: None, GateEvaluated: [event]})
    assert [*kept] == [BatchCompleted, GradientsMeasured, GateEvaluated]
    read = kept[BatchCompleted]
    assert kept[GateEvaluated] == [read], "an event equals itself alone"
    assert (read.seq, read.time, read.scope, read.extra) == (7, 0.5, Scope("run", "ppo", "5"), event.extra)
    assert type(read.scope) is Scope
    assert repr(read.payload) == repr(batch)


def test_what_is_shared_is_shared_again_and_what_is_merely_alike_is_not() -> None:
    one: list[Any] = [1]
    first, second, third = again([one, {"a": one}, [1]])
    first.append(2)
    assert (second, third) == ({"a": [1, 2]}, [1])


def test_equal_states_have_the_same_form_whatever_their_tuples_are_shared_with() -> None:
    point = Point(0.0, 1.0)
    assert plain_state([point, point]) == plain_state([point, Point(0.0, 1.0)])
    assert plain_state({*"abcdefgh"}) == plain_state({*"hgfedcba"})


def test_a_seeded_generator_goes_on_where_it_was() -> None:
    generator = random.Random(3)
    generator.gauss(0, 1)
    copy = again(generator)
    assert [copy.gauss(0, 1), copy.random()] == [generator.gauss(0, 1), generator.random()]


def test_a_table_is_loaded_with_what_makes_its_values_now_and_in_its_order() -> None:
    fold, state = mine(), mine().init()
    for key in ("a", "b", "a"):
        state.seen[key].append(key)
    loaded = fold.load(orjson.loads(orjson.dumps(fold.dump(state))))
    assert [*loaded.seen.items.items()] == [("b", [3, "b"]), ("a", [3, "a", "a"])]
    assert loaded.seen["new"] == [3]
    assert state.seen.items.keys() == {"a", "b"}


@pytest.mark.parametrize("odd", [len, object(), {"a": print}, ValueError("a")], ids=lambda odd: type(odd).__name__)
def test_what_has_no_plain_form_is_refused_when_it_is_dumped(odd: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        plain_state(odd)


def test_another_version_or_fold_is_refused_by_name() -> None:
    fold = mine()
    plain = fold.dump(fold.init())
    with pytest.raises(UnreadableStateError, match="'mine' in version 1, and this is 'mine' in version 2"):
        replace(fold, version=2).load(plain)
    with pytest.raises(UnreadableStateError, match="'mine' in version 1, and this is 'yours' in version 1"):
        replace(fold, name="yours").load(plain)


def test_other_fields_are_refused_by_name() -> None:
    fold = mine()
    plain = fold.dump(fold.init())
    plain["forms"][0] = ["tests.operators.test_plain_state.Mine", "seen", "late"]
    with pytest.raises(UnreadableStateError, match="Mine has the fields seen, last, limit, not seen, late"):
        fold.load(plain)


@pytest.mark.parametrize(
    "form",
    [
        ["subprocess.Popen"],
        ["builtins.eval"],
        ["random.SystemRandom"],
        ["nissa.pipeline.telemetry.Telemetry"],
        ["nissa.operators.fold.plain_state.sys"],
        ["nissa.operators.not_there.State", "a"],
        ["this.That"],
        ["pathlib.PurePath", "_drv"],
        ["nissa.events.codec.MalformedLineError"],
    ],
    ids=str,
)
def test_nothing_is_made_that_is_no_part_of_a_state(form: list[str]) -> None:
    with pytest.raises(UnreadableStateError):
        state_of([form], [0, 1], None)


@pytest.mark.parametrize(
    "plain",
    [None, [], 3, {}, {"fold": "mine", "version": 1}, {"fold": "mine", "version": 1, "forms": [], "state": 1.0}],
    ids=str,
)
def test_what_is_no_dump_at_all_is_refused(plain: Any) -> None:
    with pytest.raises(UnreadableStateError):
        mine().load(plain)


def test_what_holds_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(UnreadableStateError, match="part of itself"):
        again(ring)


@given(data=st.data())
def test_a_dump_in_which_anything_was_altered_is_refused_or_read_and_nothing_else_happens(data: st.DataObject) -> None:
    fold, state = mine(), mine().init()
    event = Event(1, 0.0, Scope("run"), WeightsMeasured(layers={}))
    state.last = [event, {1, 2}, deque([math.inf], maxlen=2), state.seen["a"]]
    plain = orjson.loads(orjson.dumps(fold.dump(state)))
    at = data.draw(st.sampled_from([*_lists(plain["forms"]), *_lists(plain["state"])]))
    odd: Any = data.draw(st.sampled_from((None, -1, 0, 5, 99, "a", [], {}, 0.5)))
    where = data.draw(st.integers(0, len(at)))
    at[where : where + data.draw(st.integers(0, 1))] = data.draw(st.sampled_from(([], [odd])))
    with suppress(UnreadableStateError):
        assert isinstance(fold.load(plain), Mine)


def _lists(plain: Any) -> list[list[Any]]:
    """A list and all in it."""
    return [plain, *(part for inner in plain for part in _lists(inner))] if isinstance(plain, list) else []
