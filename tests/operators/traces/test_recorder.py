"""What is in a trace, when does it open and when does it close? In virtual time, by hand, and whatever the order."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
import reactivex.operators as ops
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex.testing.marbles import marbles_testing

from nissa.events.codec import decode, encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    DenseTraceCaptured,
    EpisodeStarted,
    GradientsMeasured,
    LayerActivations,
    RunEnded,
)
from nissa.operators.fold import Fold
from nissa.operators.traces.episode_buffer import MAX_MARKS
from nissa.operators.traces.open_trace import LIMITS
from nissa.operators.traces.recorder import flight_recorder
from nissa.operators.traces.trace_event import MAX_LAYERS
from nissa.operators.traces.trace_table import MAX_OPEN
from tests.operators.fidelity.test_escalation import BEAT
from tests.operators.raised import batch, configured, gate, gradients, happenings, raised, stage, told
from tests.operators.test_contract import derived
from tests.samples import episode_ended, episode_started

END = RunEnded(outcome="completed", duration=1.0)
SIGNS: dict[str, Any] = {
    "x": batch(),
    "a": raised(),
    "m": raised("gate_failure", "info", "early"),
    "s": stage(),
    "E": episode_ended(),
    "n": (batch(), {"episode": 1}),
    "R": (END, {"env": None, "episode": None}),
}


def traces(operator: Fold[Any], events: Iterable[Event[Any]]) -> list[DenseTraceCaptured]:
    return [row for row in derived(operator, events) if isinstance(row, DenseTraceCaptured)]


def sizes(trace: Any) -> tuple[int, int, str]:
    return len(trace.batches_before), len(trace.batches_after), trace.closed


@pytest.mark.parametrize(
    ("what", "source", "expected"),
    [
        ("it closes when its batches have come", "-x-x-a-x-x-x-x-", {11: (2, 3, "window")}),
        ("the ring holds the last batches only", "-x-x-x-x-x-x-a-x-x-x-", {19: (4, 3, "window")}),
        ("an alert meanwhile extends it", "-x-a-x-x-a-x-x-x-", {15: (1, 5, "window")}),
        ("but not beyond a bound", "-x-a-x-a-x-a-x-a-x-a-x-x-x-", {23: (1, 6, "window")}),
        ("it closes with its episode", "-x-a-x-E-", {7: (1, 1, "episode_ended")}),
        ("also if that was not told", "-x-a-x-n-", {7: (1, 1, "episode_ended")}),
        ("an alert at the very end has its past", "-x-x-x-a-E-", {9: (3, 0, "episode_ended")}),
        ("it closes with its run", "-x-a-x-R-", {7: (1, 1, "run_ended")}),
        ("a mark opens one as well", "-x-m-x-x-x-", {9: (1, 3, "window")}),
        ("the same mark opens no second one", "-x-m-x-x-x-m-x-m-x-x-x-", {9: (1, 3, "window")}),
        ("unless its slot has changed", "-x-m-x-x-x-s-m-x-x-x-", {9: (1, 3, "window"), 19: (3, 3, "window")}),
        ("a mark that was traced does not extend one", "-x-m-x-m-x-m-x-", {13: (1, 3, "window")}),
        ("an alert after it closed opens the next", "-x-a-x-x-x-a-x-x-x-", {9: (1, 3, "window"), 17: (4, 3, "window")}),
        ("without a batch there is nothing to show", "-a-m-E-a-R-", {}),
        ("batches that come after the alert are enough", "-a-x-E-", {5: (0, 1, "episode_ended")}),
    ],
)
def test_in_virtual_time(what: str, source: str, expected: dict[int, tuple[int, int, str]]) -> None:
    lookup: dict[Any, Any] = dict(zip(SIGNS, told(SIGNS.values()), strict=True))
    operator = flight_recorder(ring=4, window=3, marked=3, most=6)
    with marbles_testing(timespan=1.0) as context:
        tools: Any = context
        start, _, hot, _ = tools
        results: list[Any] = start(operator(hot(source, lookup)).pipe(ops.map(sizes)))
        found = {int(message.time - 200): message.value.value for message in results}
        assert found == expected, what


def test_the_batch_that_raised_the_alert_is_the_last_of_those_before() -> None:
    events = told([batch(0, 1.0), batch(1, math.nan), raised("non_finite"), batch(2, 3.0), episode_ended()])
    (trace,) = traces(flight_recorder(), events)
    assert [row.batch for row in trace.batches_before] == [0, 1]
    assert math.isnan(trace.batches_before[-1].loss)
    assert [row.loss for row in trace.batches_after] == [3.0]
    assert (trace.alerts[0].alert, trace.alerts[0].batch, trace.alerts[0].epoch) == ("non_finite", 1, 1)
    assert (trace.group, trace.env, trace.episode, trace.first_epoch, trace.last_epoch) == ("ppo", 0, 0, 1, 1)


def test_what_is_raised_meanwhile_is_named_with_its_place_and_nothing_is_swallowed() -> None:
    mark = raised("gate_failure", "info", "early")
    items: list[Any] = [batch(0), raised(), (batch(1), {"epoch": 2}), (raised("non_finite", "critical"), {"epoch": 2})]
    items += [(gate(), {"epoch": 2}), (mark, {"epoch": 2}), (gate(), {"epoch": 3}), (mark, {"epoch": 3})]
    (trace,) = traces(flight_recorder(), told([*items, episode_ended()]))
    assert [(row.alert, row.epoch, row.batch) for row in trace.alerts] == [
        ("loss_spike", 1, 0),
        ("non_finite", 2, 1),
        ("gate_failure", 2, None),
        ("gate_failure", 3, None),
    ]
    assert trace.reasons == ["loss_spike", "non_finite", "gate_failure"]
    assert [(row.gate, row.passed, row.epoch) for row in trace.gates] == [("G2", False, 2), ("G2", False, 3)]


def test_a_gate_that_fails_every_epoch_gives_one_trace_and_a_new_one_after_it_passed() -> None:
    mark = raised("gate_failure", "info", "early")
    epoch: list[Any] = [batch(), gate(), mark]
    operator = flight_recorder(window=1, marked=1)
    assert len(traces(operator, told([*epoch * 20, END]))) == 1
    assert len(traces(operator, told([*epoch * 20, gate(passed=True), *epoch * 20, END]))) == 2
    assert len(traces(operator, told([*epoch * 20, gate(passed=True, slot="late"), *epoch * 20, END]))) == 1
    assert len(traces(operator, told([*epoch * 20, gate(name="G3"), mark, *epoch * 2, END]))) == 2
    assert len(traces(operator, told([*epoch * 20, gate(passed=True, name="G3"), *epoch * 20, END]))) == 1


def test_a_mark_is_followed_for_less_long_and_cuts_no_alert_short() -> None:
    operator = flight_recorder(window=5, marked=2, most=99)
    mark = raised("gate_failure", "info", "early")
    (trace,) = traces(operator, told([batch(), mark, *[batch()] * 9]))
    assert sizes(trace) == (1, 2, "window")
    (trace,) = traces(operator, told([batch(), raised(), batch(), mark, *[batch()] * 9]))
    assert sizes(trace) == (1, 5, "window")
    (trace,) = traces(operator, told([batch(), mark, batch(), raised(), *[batch()] * 9]))
    assert sizes(trace) == (1, 6, "window")


def test_a_mark_looks_back_less_far_until_an_alert_joins_it() -> None:
    operator = flight_recorder(ring=6, window=5, marked=2, most=99)
    mark, quiet = raised("gate_failure", "info", "early"), [batch(number) for number in range(8)]
    (trace,) = traces(operator, told([*quiet, mark, END]))
    assert [row.batch for row in trace.batches_before] == [6, 7]
    (trace,) = traces(operator, told([*quiet, mark, batch(8), raised(), END]))
    assert [row.batch for row in trace.batches_before] == [3, 4, 5, 6, 7]
    assert [row.batch for row in trace.batches_after] == [8]
    late = [batch(number) for number in range(8, 13)]
    steps = [payload for row in late for payload in (row, stage(), mark)]
    (trace,) = traces(operator, told([*quiet, mark, *steps, raised(), END]))
    assert [row.batch for row in trace.batches_before] == [6, 7]
    assert [row.batch for row in trace.batches_after] == [8, 9, 10, 11, 12]


def test_gates_that_were_asked_before_the_first_batch_of_a_trace_are_not_in_it() -> None:
    events = told([gate(name="G1"), batch(), gate(name="G2"), batch(), raised(), END])
    (trace,) = traces(flight_recorder(ring=2), events)
    assert [row.gate for row in trace.gates] == ["G2"]


def test_an_episode_that_goes_on_after_its_end_is_traced_on() -> None:
    (trace,) = traces(flight_recorder(), told([batch(), episode_ended(), batch(), raised(), batch(), END]))
    assert sizes(trace) == (2, 1, "run_ended")


def test_a_trace_has_the_measurements_before_it_and_those_in_it() -> None:
    dead = LayerActivations(units=4, mean=0.0, std=0.0, zero=1.0, dead=4, dormant=1.0, non_finite=0)
    activations = ActivationsMeasured(samples=8, layers={"host.act": dead})
    before = [gradients(number, host=float(number)) for number in range(5)]
    events = told([activations, *before, batch(5), raised(), gradients(9, host=9.0), activations, episode_ended()])
    (trace,) = traces(flight_recorder(), events)
    assert [(row.layers["host"].norm, row.after) for row in trace.gradients] == [(3, False), (4, False), (9, True)]
    assert trace.norms_before == {"host": [0.0, 1.0, 2.0, 3.0, 4.0]}
    assert [(row.layers["host.act"].dead, row.after) for row in trace.activations] == [(4, False), (4, True)]


@pytest.mark.parametrize(
    ("late", "first", "before"),
    [(0, True, [18, 19]), (0, False, [18, 19]), (1, True, [18, 19]), (1, False, [17, 18, 19])],
)
def test_what_was_measured_in_the_alerts_own_batch_came_after_it_whenever_it_arrived(
    late: int, first: bool, before: list[int]
) -> None:
    items: list[Any] = []
    for number in range(30):
        tell: list[Any] = [batch(number), *([raised()] if number == 20 else [])]
        measured = [gradients(number - late, host=float(number - late))] if number else []
        items += [*measured, *tell] if first else [*tell, *measured]
    (trace,) = traces(flight_recorder(), told([*items, END]))
    assert [row.batch for row in trace.gradients if not row.after] == before
    assert next(row.batch for row in trace.gradients if row.after) == 20
    last = before[1]
    assert trace.norms_before["host"] == [float(number) for number in range(last - 15, last + 1)]


def test_a_mark_keeps_no_layers_until_an_alert_joins_with_the_two_before_it_and_those_after() -> None:
    quiet = [row for number in range(30) for row in (gradients(number, host=1.0), batch(number))]
    ill = [row for number in range(30, 60) for row in (gradients(number, host=9.0), batch(number))]
    (marked,) = traces(flight_recorder(), told([*quiet[:20], stage(), raised("stage_transition", "info"), *quiet[20:]]))
    assert (marked.gradients, marked.norms_before, marked.left_out) == ([], {}, {})
    events = told([*quiet, raised("stage_transition", "info"), *ill[:20], raised(), *ill[20:], END])
    (trace,) = traces(flight_recorder(), events)
    shown = [row.batch for row in trace.gradients]
    assert shown[:4] == [37, 38, 39, 40]
    gaps = [later - earlier for earlier, later in pairwise(shown[3:])]
    assert (len(shown), shown[-1]) == (8, 59)
    assert max(gaps) <= 4 * min(gaps)
    assert trace.left_out == {"gradients": 23 - 8}


def test_an_alert_says_after_how_many_batches_of_the_trace_it_came() -> None:
    """Also one without an epoch, one among batches without, and one in a trace that reached back afterwards."""
    nothing = (BEAT, {"env": None, "episode": None})
    policy = (raised("entropy_collapse", "critical"), {"env": None, "episode": None, "epoch": None})
    where: dict[str, Any] = {"epoch": None}
    rows = [(batch(number % 3), where) for number in range(9)]
    mark = (raised("gate_failure", "info", "early"), where)
    items: list[Any] = [*rows[:4], mark, *rows[4:5], nothing, policy, *rows[5:7], (raised(), where), *rows[7:], END]
    (trace,) = traces(flight_recorder(marked=2), told(items))
    assert len(trace.batches_before) == 4
    assert [(row.alert, row.place, row.batch) for row in trace.alerts] == [
        ("gate_failure", 4, 0),
        ("entropy_collapse", 5, None),
        ("loss_spike", 7, 0),
    ]


def test_a_trace_is_bounded_and_says_what_it_left_out() -> None:
    wide = GradientsMeasured(
        batch=0,
        layers={str(n): gradients(host=float(n) if n != 1 else math.nan).layers["host"] for n in range(100)},
        slot_norms={},
        seed_to_host={},
    )
    items = [batch(), raised(), *[raised("non_finite")] * 100, *[gate()] * 50, *[wide] * 12, episode_ended()]
    (trace,) = traces(flight_recorder(), told(items))
    rows: dict[str, list[Any]] = {"alerts": trace.alerts, "gates": trace.gates, "gradients": trace.gradients}
    assert {name: len(found) for name, found in rows.items()} == {name: LIMITS[name] for name in rows}
    assert trace.left_out == {"alerts": 37, "gates": 18, "gradients": 4, "layers": 8 * (100 - MAX_LAYERS)}
    assert list(trace.gradients[0].layers) == ["1", *[str(n) for n in range(37, 100)]]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=24, max_size=24))
def test_what_a_trace_has_no_room_for_is_chosen_alike_whatever_is_told_beside_its_environment(beats: list[int]) -> None:
    """Heartbeats come by the clock, and so another time between other batches."""
    course: list[Any] = [item for n in range(12) for item in (batch(n), gradients(n, host=float(n)))]
    nothing = (BEAT, {"env": None, "episode": None})
    disturbed = [item for many, one in zip(beats, course, strict=True) for item in ([nothing] * many, [one])]
    flat = [item for items in disturbed for item in items]
    (quiet,) = traces(flight_recorder(), told([batch(), raised(), *course, episode_ended()]))
    (trace,) = traces(flight_recorder(), told([batch(), raised(), *flat, episode_ended()]))
    assert [row.batch for row in trace.gradients] == [row.batch for row in quiet.gradients]
    assert len(trace.gradients) == LIMITS["gradients"]


def test_an_environment_that_falls_silent_closes_its_trace() -> None:
    silent: list[Any] = [(BEAT, {"env": None, "episode": None})] * 8
    operator = flight_recorder(timeout=5.0)
    (trace,) = traces(operator, told([batch(), raised(), *silent]))
    assert sizes(trace) == (1, 0, "timeout")
    assert traces(operator, told([batch(), raised(), *[batch()] * 8])) == []


def test_the_time_out_needs_no_heartbeat() -> None:
    """A log of another system's has none: what comes late, from there or elsewhere, shows the silence too."""
    late = Event(9, 1000.0, Scope("test", "ppo", 1, 0, 1), batch())
    (trace,) = traces(flight_recorder(), [*told([batch(), raised(), batch()]), late])
    assert sizes(trace) == (1, 1, "timeout")


def test_an_alert_of_the_policy_is_traced_where_its_group_trained_last() -> None:
    policy = (raised("entropy_collapse"), {"env": None, "episode": None, "epoch": None})
    ends = [(episode_ended(), {"env": env}) for env in (0, 1)]
    items: list[Any] = [(batch(0), {"env": 0}), (batch(1), {"env": 1}), *ends, (batch(2), {"group": "other"}), policy]
    (trace,) = traces(flight_recorder(), told(items))
    assert (trace.group, trace.env, trace.episode) == ("ppo", 1, 0)
    assert sizes(trace) == (1, 0, "episode_ended")


def test_an_alert_of_no_group_is_traced_in_any_of_its_run() -> None:
    nowhere = (raised("entropy_collapse"), {"group": None, "env": None, "episode": None, "epoch": None})
    items: list[Any] = [(batch(0), {"group": "other"}), batch(1), (batch(2), {"run": "foreign"}), nowhere, END]
    (trace,) = traces(flight_recorder(), told(items))
    assert (trace.group, trace.env, *sizes(trace)) == ("ppo", 0, 1, 0, "run_ended")


@pytest.mark.parametrize("straggler", [gate(), batch(99), episode_ended(), gradients(1, host=1.0), stage()])
@pytest.mark.parametrize("episode", [None, 0])
def test_a_straggler_of_an_earlier_episode_or_of_none_changes_no_trace(straggler: Any, episode: int | None) -> None:
    here: list[Any] = [(batch(number), {"episode": 1}) for number in range(20)]
    late = (straggler, {"episode": episode})
    alert = (raised(), {"episode": 1})
    expected = traces(flight_recorder(), told([*here, alert, *here, END]))
    assert sizes(expected[0]) == (20, 20, "run_ended")
    assert (
        traces(flight_recorder(), told([*here[:9], late, *here[9:], alert, *here[:9], late, *here[9:], END]))
        == expected
    )


def test_a_late_alert_of_an_earlier_episode_is_in_no_trace_of_the_next() -> None:
    items: list[Any] = [(batch(), {"episode": 1}), (raised(), {"episode": 0}), (batch(), {"episode": 1}), END]
    assert traces(flight_recorder(), told(items)) == []


def test_after_its_end_an_episode_keeps_what_an_alert_of_the_policy_shows() -> None:
    operator = flight_recorder(ring=64, marked=16)
    state = operator.init()
    items = [row for number in range(64) for row in (batch(number), gate(), gradients(number, host=1.0))]
    policy = (raised("entropy_collapse"), {"env": None, "episode": None, "epoch": None})
    found = [trace for event in told([*items, episode_ended(), policy]) for trace in operator.step(state, event)]
    (buffer,) = state.buffers.items.values()
    assert (len(buffer.ring), len(buffer.norms), sum(map(len, buffer.measured.values()))) == (16, 0, 0)
    assert [sizes(trace) for trace in found] == [(16, 0, "episode_ended")]


def test_an_environment_that_is_not_numbered_has_traces_too() -> None:
    (trace,) = traces(flight_recorder(), told([batch(), raised(), batch(), END], env=None))
    assert sizes(trace) == (1, 1, "run_ended")


def test_nothing_of_one_episode_is_in_the_next() -> None:
    first = [batch(n) for n in range(5)]
    second = [(batch(n), {"episode": 1}) for n in range(10, 13)]
    events = told(
        [*first, episode_ended(), (episode_started(), {"episode": 1}), *second, (raised(), {"episode": 1}), END]
    )
    (trace,) = traces(flight_recorder(), events)
    assert [row.batch for row in trace.batches_before] == [10, 11, 12]


def test_one_cause_in_many_environments_gives_as_many_traces_as_may_be_open_and_the_others_are_counted() -> None:
    items: list[Any] = [(payload, {"env": env}) for env in range(2000) for payload in (batch(), raised())]
    items += [(batch(1), {"env": env}) for env in range(2000)]
    found = traces(flight_recorder(timeout=1e9), told([*items, END]))
    assert [(trace.env, *sizes(trace)) for trace in found] == [(env, 1, 1, "run_ended") for env in range(MAX_OPEN)]
    assert [trace.left_out for trace in found] == [{"traces": 2000 - MAX_OPEN}, *[{}] * (MAX_OPEN - 1)]


def test_what_is_of_least_use_makes_room_for_an_alert_but_not_for_a_mark() -> None:
    mark = raised("gate_failure", "info", "early")
    full: list[Any] = [(row, {"env": env}) for env in range(MAX_OPEN) for row in (batch(), mark)]
    another: list[Any] = [(row, {"env": MAX_OPEN}) for row in (batch(), mark)]
    assert traces(flight_recorder(), told([*full, *another])) == []
    (trace,) = traces(flight_recorder(), told([*full, *another, (raised(), {"env": MAX_OPEN})]))
    assert (trace.env, trace.closed, trace.left_out) == (0, "crowded", {"traces": 1})
    hollow: list[Any] = [(raised(), {"env": env}) for env in range(MAX_OPEN)]
    found = traces(flight_recorder(), told([*hollow, *another, END]))
    assert [(trace.env, trace.reasons) for trace in found] == [(MAX_OPEN, ["gate_failure"])]


def test_memory_does_not_grow_with_the_length_of_a_run() -> None:
    operator = flight_recorder(ring=8, window=8, marked=8, most=16)
    state = operator.init()
    items = [*[batch()] * 7, raised("non_finite"), *[gate(), raised("gate_failure", "info", "early")]] * 500
    items += [raised("odd", "info", str(number)) for number in range(1000)]
    for event in told(items):
        list(operator.step(state, event))
    (buffer,) = state.buffers.items.values()
    assert len(buffer.ring) == 8
    assert sum(map(len, buffer.measured.values())) <= 14
    assert len(buffer.norms) <= 17
    assert len(buffer.marks.keys) == MAX_MARKS
    for trace in state.traces.by_env.values():
        assert len(trace.before) + len(trace.after) <= 24
    list(operator.step(state, told([END])[0]))
    assert not state.buffers.items
    assert not state.traces.by_env


@settings(max_examples=150)
@given(happenings(env=0), happenings(env=1), st.randoms(use_true_random=False))
def test_any_interleaving_of_environments_gives_what_each_gives_alone(one: Any, other: Any, random: Any) -> None:
    mixed, parts = [], [list(one), list(other)]
    while any(parts):
        part = random.choice([part for part in parts if part])
        mixed.append(part.pop(0))
        # What is derived from an event follows it before anything else does.
        while part and part[0].ordinal:
            mixed.append(part.pop(0))
    end = told([END])
    operator = flight_recorder(ring=3, window=4, marked=2, most=8)
    alone = [trace for part in (one, other) for trace in traces(operator, [*part, *end])]
    together = traces(operator, [*mixed, *end])
    for env in (0, 1):
        assert [t for t in together if t.env == env] == [t for t in alone if t.env == env]


@settings(max_examples=100)
@given(happenings())
def test_every_alert_is_in_exactly_one_trace_and_every_trace_closes_with_its_batches(story: list[Event[Any]]) -> None:
    found = traces(flight_recorder(ring=100, window=4, marked=2, most=8), [*with_batches(story), *told([END])])
    raised_ones = [e.payload for e in story if isinstance(e.payload, AlertRaised) and e.payload.severity != "info"]
    named = [row for trace in found for row in trace.alerts if row.severity != "info"]
    assert [(row.alert, row.what) for row in named] == [(alert.alert, alert.what) for alert in raised_ones]
    for trace in found:
        assert trace.batches_before
        assert trace.reasons
        assert {row.alert for row in trace.alerts} >= set(trace.reasons)
        assert len(trace.batches_after) <= 8
        assert decode(encode(Event(0, 0.0, Scope("test"), trace, 1))).payload == trace


def with_batches(story: list[Event[Any]]) -> list[Event[Any]]:
    """The same, with a batch at the beginning of each episode."""
    told_so_far = told([batch()])
    for event in story:
        told_so_far.append(event)
        if isinstance(event.payload, EpisodeStarted):
            told_so_far.append(Event(event.seq, event.time, event.scope, batch()))
    return told_so_far


SWITCHED = {
    "stage_transition": raised("stage_transition", "info", "early"),
    "gate_failure": raised("gate_failure", "info", "early"),
    "value_collapse": raised("value_collapse", "critical", None),
    "entropy_collapse": raised("entropy_collapse", "warning", "op"),
}


@pytest.mark.parametrize("name", SWITCHED)
@pytest.mark.parametrize("where", [{}, {"env": None}, {"group": None, "env": None}])
def test_an_alert_that_is_switched_off_opens_no_trace_but_is_named_in_one(name: str, where: dict[str, Any]) -> None:
    off: Any = (configured(traces={name: False}), {**where, "episode": None})
    on: Any = (configured(traces={name: True}), {**where, "episode": None})
    alert = SWITCHED[name]
    assert len(traces(flight_recorder(), told([on, batch(), alert, END]))) == 1
    assert traces(flight_recorder(), told([off, batch(), alert, END])) == []
    for other in SWITCHED.keys() - {name}:
        assert len(traces(flight_recorder(), told([off, batch(), SWITCHED[other], END]))) == 1
    (trace,) = traces(flight_recorder(), told([off, batch(), raised(), batch(), alert, END]))
    assert (trace.reasons, [row.alert for row in trace.alerts]) == (["loss_spike"], ["loss_spike", name])


@pytest.mark.parametrize("traces_section", [None, 3, ["gate_failure"], {"gate_failure": "no"}])
def test_a_configuration_that_says_nonsense_of_traces_switches_nothing_off(traces_section: Any) -> None:
    items: list[Any] = [configured(traces=traces_section), batch(), SWITCHED["gate_failure"], END]
    assert len(traces(flight_recorder(), told(items))) == 1


@pytest.mark.parametrize("wrong", [{"ring": 0}, {"window": 15}, {"marked": 0}, {"most": 1}, {"timeout": 0.0}])
def test_a_wrong_setting_is_refused_with_what_is_allowed(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="1 <= marked <= window <= most"):
        flight_recorder(**wrong)
