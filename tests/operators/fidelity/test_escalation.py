"""When are probes to look closely? The life cycle of fidelity in virtual time, and its budget against a plain count."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import reactivex.operators as ops
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex.testing.marbles import marbles_testing

from nissa.events.event import Event, Scope
from nissa.events.kinds import FidelityChanged, Heartbeat, PipelineState, RunEnded
from nissa.events.vocabulary import Alert
from nissa.operators.fidelity.budget import AHEAD, START
from nissa.operators.fidelity.cooldowns import MAX_ALERTS, OpenAlerts
from nissa.operators.fidelity.escalation import escalate
from nissa.operators.fold import Fold
from tests.operators.raised import batch, configured, raised, resolved, told
from tests.operators.test_contract import derived
from tests.samples import episode_ended, episode_started, epoch_completed, run_started

EPOCH = epoch_completed(50.0)
STATE = PipelineState(
    accepted=0, delivered=0, queued=0, dropped={}, refused=0, faults={}, restarts=0, lag=0.0, sinks=[]
)
BEAT = Heartbeat(uptime=1.0, pipeline=STATE)


def changes(operator: Fold[Any], events: Iterable[Event[Any]]) -> list[tuple[str, str]]:
    return [(row.level, row.clause) for row in derived(operator, events) if isinstance(row, FidelityChanged)]


SIGNS: dict[str, Any] = {
    "a": raised(),
    "r": resolved(),
    "b": raised("gradient_explosion", "critical", "host"),
    "c": resolved("gradient_explosion", "critical", "host"),
    "m": raised("gate_failure", "info", "early"),
    "e": EPOCH,
    "o": (EPOCH, {"env": 1}),
    "x": batch(),
}


def level(row: Any) -> str:
    return str(row.level[0])


@pytest.mark.parametrize(
    ("what", "source", "expected"),
    [
        ("an alert raises it at once", "--a---", "--d---"),
        ("it falls three epochs after the alert was resolved", "-a-r-e-e-e-", "-d-------n-"),
        ("epochs before it was resolved do not count", "-a-e-e-e-e-r-e-e-e-", "-d---------------n-"),
        ("epochs of another environment do not count", "-a-r-o-o-o-o-e-e-e-", "-d---------------n-"),
        ("batches do not count", "-a-r-x-x-x-x-", "-d-----------"),
        ("two alerts hold it until both are over", "-a-b-r-e-e-e-c-e-e-e-", "-d-----------------n-"),
        ("an alert within the cool-down begins it anew", "-a-r-e-a-e-r-e-e-e-", "-d---------------n-"),
        ("a mark leaves it as it is", "-m-e-m-e-", "---------"),
        ("an end without a beginning is no end", "-r-e-e-e-", "---------"),
    ],
)
def test_in_virtual_time(what: str, source: str, expected: str) -> None:
    lookup: dict[Any, Any] = dict(zip(SIGNS, told(SIGNS.values()), strict=True))
    with marbles_testing(timespan=1.0) as context:
        tools: Any = context
        start, _, hot, expect = tools
        results = start(escalate("adaptive")(hot(source, lookup)).pipe(ops.map(level)))
        assert results == expect(expected), what


@pytest.mark.parametrize("mode", ["standard", "adaptive", "research"])
def test_the_configuration_of_the_run_sets_the_mode(mode: str) -> None:
    events = told([configured(mode=mode), raised(), EPOCH])
    expected = {"standard": [], "adaptive": [("dense", "alert")], "research": [("dense", "research")]}
    assert changes(escalate(), events) == expected[mode]


def test_standard_mode_never_asks_for_more() -> None:
    assert changes(escalate("standard"), told([raised(), EPOCH, raised("non_finite", "critical"), EPOCH])) == []


def test_research_is_dense_until_the_run_ends_whatever_the_budget() -> None:
    events = told([configured(mode="research", dense_budget=0.0), *[EPOCH] * 300, RunEnded(outcome="x", duration=1.0)])
    assert changes(escalate(), events) == [("dense", "research"), ("normal", "run_ended")]


def test_a_configuration_that_says_nonsense_leaves_the_defaults() -> None:
    events = told([configured(mode=["x"], dense_budget="much"), raised()])
    assert changes(escalate("adaptive"), events) == [("dense", "alert")]


def test_it_never_expires_before_what_it_should_watch_was_trained() -> None:
    """The alert of an episode's last epoch, in an environment that trains on only after many others have."""
    others: list[Any] = [(EPOCH, {"env": env}) for env in (1, 2, 3) for _ in range(5)]
    events = told([raised(), resolved(clause="episode_ended"), *others, EPOCH, EPOCH, EPOCH])
    assert changes(escalate("adaptive", budget=1.0), events[:-1]) == [("dense", "alert")]
    assert changes(escalate("adaptive", budget=1.0), events) == [("dense", "alert"), ("normal", "resolved")]


def test_an_alert_of_the_policy_cools_down_in_any_environment_of_its_group() -> None:
    policy, end = (raised("entropy_collapse"), {"env": None}), (resolved("entropy_collapse", env=None), {"env": None})
    elsewhere: list[Any] = [(EPOCH, {"group": "other"})] * 5
    events = told([policy, end, *elsewhere, (EPOCH, {"env": 0}), (EPOCH, {"env": 1}), EPOCH, EPOCH])
    operator = escalate("adaptive", budget=1.0)
    assert changes(operator, events[:-1]) == [("dense", "alert")]
    assert changes(operator, events)[-1] == ("normal", "resolved")


def test_an_environment_that_fell_silent_holds_it_no_longer_than_the_patience() -> None:
    silent = told([raised(), (BEAT, {"env": None}), (BEAT, {"env": None})])
    assert changes(escalate("adaptive", patience=1.0), silent) == [("dense", "alert"), ("normal", "timeout")]
    for said in (batch(), EPOCH):
        speaking = told([raised(), said, (BEAT, {"env": None})])
        assert changes(escalate("adaptive", patience=1.0), speaking) == [("dense", "alert")]


def dense_epochs(events: list[Event[Any]], operator: Fold[Any]) -> tuple[int, int]:
    """A plain count of the epochs during which the last change said dense, beside all epochs."""
    state, level, dense, epochs = operator.init(), "normal", 0, 0
    for event in events:
        if type(event.payload).kind == "epoch_completed":
            epochs += 1
            dense += level == "dense"
        for row in operator.step(state, event) if isinstance(event.payload, operator.kinds) else ():
            assert isinstance(row, FidelityChanged)
            level = row.level
            assert row.level != row.before or row.clause == "budget"
    return dense, epochs


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["a", "r", "e", "e", "e", "o", "b", "c"]), max_size=400), st.floats(0, 1))
def test_the_share_of_dense_epochs_stays_within_the_budget(signs: list[str], budget: float) -> None:
    events = told(SIGNS[sign] for sign in signs)
    dense, epochs = dense_epochs(events, escalate("adaptive", budget=budget))
    assert dense <= budget * max(AHEAD, epochs)


def test_an_alert_that_never_ends_is_looked_at_for_the_budgets_share_and_each_turn_is_told() -> None:
    operator, events = escalate("adaptive", budget=0.2), told([raised(), *[EPOCH] * 1000])
    dense, epochs = dense_epochs(events, operator)
    assert epochs == 1000
    assert 180 <= dense <= 200
    clauses = [clause for _, clause in changes(operator, events)]
    assert clauses[:3] == ["alert", "budget", "resumed"]
    assert set(clauses[1::2]) == {"budget"}
    rows = [row for row in derived(operator, events) if isinstance(row, FidelityChanged)]
    looks = [after.dense_epochs - before.dense_epochs for before, after in zip(rows[::2], rows[1::2], strict=False)]
    assert min(looks) >= START


def test_an_alert_that_finds_no_budget_says_so() -> None:
    events = told([raised(), *[EPOCH] * 20, raised("non_finite", "critical")])
    rows = [row for row in derived(escalate("adaptive"), events) if isinstance(row, FidelityChanged)]
    assert [(row.before, row.level, row.clause) for row in rows] == [
        ("normal", "dense", "alert"),
        ("dense", "normal", "budget"),
        ("normal", "normal", "budget"),
    ]
    assert rows[-1].reasons == ["loss_spike", "non_finite"]
    assert (rows[-1].dense_epochs, rows[-1].epochs) == (20, 20)


def test_a_short_run_may_spend_the_share_of_its_own_epochs_only() -> None:
    run = replace(run_started(), n_episodes=20)
    dense, _ = dense_epochs(told([run, raised(), *[EPOCH] * 40]), escalate("adaptive", budget=0.25))
    assert dense == 10


def test_no_budget_is_no_dense_epoch() -> None:
    assert dense_epochs(told([raised(), *[EPOCH] * 200]), escalate("adaptive", budget=0.0)) == (0, 200)


def test_runs_know_nothing_of_each_other() -> None:
    one, other = told([raised(), resolved(), EPOCH, EPOCH, EPOCH]), told([raised(), *[EPOCH] * 9], run="other")
    mixed = [event for pair in zip(one, other, strict=False) for event in pair] + other[5:]
    alone = changes(escalate("adaptive"), one) + changes(escalate("adaptive"), other)
    assert sorted(changes(escalate("adaptive"), mixed)) == sorted(alone)


def test_what_is_held_is_bounded_and_ends_with_the_run() -> None:
    alerts, spike, again = OpenAlerts(), Alert("spike", "warning"), Alert("again", "warning")
    for number in range(1000):
        alerts.add((spike, str(number)), ("ppo", number), now=0.0)
    assert len(alerts.cool_downs) == len(alerts.heard) == MAX_ALERTS
    alerts.add((again, "0"), ("ppo", 1), now=0.0)
    alerts.add((spike, "999"), ("ppo", 999), now=0.0)
    assert alerts.names() == ["spike", "again"]
    assert list(alerts.cool_downs)[-1][0][0] == spike
    operator = escalate("adaptive")
    state = operator.init()
    for event in told([raised(), RunEnded(outcome="completed", duration=1.0)]):
        list(operator.step(state, event))
    assert not state.items


@pytest.mark.parametrize("wrong", [{"mode": "loud"}, {"budget": 1.5}, {"cool_down": 0}, {"patience": -1.0}])
def test_a_wrong_setting_is_refused_with_what_is_allowed(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="0 <= budget <= 1"):
        escalate(**wrong)


OTHERS: list[Any] = [(EPOCH, {"env": 1})] * 20


@pytest.mark.parametrize("over", [[resolved(), episode_ended()], [episode_ended(), resolved(clause="episode_ended")]])
def test_between_the_episodes_of_its_environment_an_alert_that_is_over_asks_for_nothing(over: list[Any]) -> None:
    """The environment may never train again: the others' epochs are not worth the budget."""
    events = told([raised(), EPOCH, *over, *OTHERS, episode_started(), *[EPOCH] * 3])
    rows = [row for row in derived(escalate("adaptive"), events) if isinstance(row, FidelityChanged)]
    expected = [("dense", "alert", 0), ("normal", "resolved", 1), ("dense", "resumed", 1), ("normal", "resolved", 4)]
    assert [(row.level, row.clause, row.dense_epochs) for row in rows] == expected
    assert rows[1].reasons == []
    assert rows[2].reasons == ["loss_spike"]


def test_a_batch_or_an_epoch_of_the_next_episode_is_its_beginning_too() -> None:
    for said in (batch(), EPOCH):
        events = told([raised(), resolved(), episode_ended(), *OTHERS, said])
        assert changes(escalate("adaptive"), events)[1:] == [("normal", "resolved"), ("dense", "resumed")]


def test_an_alert_that_stands_asks_for_a_look_whoever_trains() -> None:
    assert changes(escalate("adaptive"), told([raised(), episode_ended(), *OTHERS[:9]])) == [("dense", "alert")]


def test_an_alert_of_the_policy_waits_for_its_group_to_go_on() -> None:
    policy, end = (raised("kl_spike"), {"env": None}), (resolved("kl_spike", env=None), {"env": None})
    events = told([policy, end, (episode_ended(), {"env": 3}), (EPOCH, {"group": "b"}), (EPOCH, {"env": 2})])
    assert [level for level, _ in changes(escalate("adaptive"), events)] == ["dense", "normal", "dense"]


def test_an_alert_without_a_group_cools_down_in_any_group_of_the_run() -> None:
    none: dict[str, Any] = {"env": None, "group": None}
    end = replace(resolved("ratio_explosion", env=None), group=None)
    events = told([(raised("ratio_explosion"), none), (end, none), *[EPOCH] * 2, (EPOCH, {"group": "other"}), EPOCH])
    assert changes(escalate("adaptive"), events) == [("dense", "alert"), ("normal", "resolved")]


def test_marks_raise_it_only_if_the_configuration_says_so() -> None:
    mark = raised("gate_failure", "info", "early")
    for said, expected in ((None, []), (False, []), (True, [("dense", "alert")])):
        alerts = {} if said is None else {"marks_raise_fidelity": said}
        assert changes(escalate(), told([configured(mode="adaptive", alerts=alerts), mark, EPOCH])) == expected


def test_what_comes_after_the_end_of_a_run_does_not_begin_it_again() -> None:
    operator = escalate("adaptive")
    state = operator.init()
    end = RunEnded(outcome="completed", duration=1.0)
    for event in told([raised(), end, resolved(clause="run_ended"), episode_ended(), BEAT]):
        list(operator.step(state, event))
    assert not state.items


@pytest.mark.parametrize(("forced", "expected"), [(True, [("dense", "research")]), (False, []), ("yes", [])])
def test_dense_can_be_forced_whatever_the_mode(forced: Any, expected: list[tuple[str, str]]) -> None:
    story = told([configured(mode="standard", dense_budget=0.0, traces={"force_dense": forced}), *[EPOCH] * 9])
    assert changes(escalate(), story) == expected


@pytest.mark.parametrize("every", [1, 2, 5])
def test_the_budget_and_the_time_after_an_alert_are_epochs_however_often_one_is_told(every: int) -> None:
    """Two episodes of 120 epochs, and an alert in the second that stands from 20 to 60."""
    operator = escalate("adaptive", budget=0.5, cool_down=10)
    state, out = operator.init(), list[Any]()
    for episode in (0, 1):
        for number in range(every, 121, every):
            scope = Scope("test", "ppo", 0, episode, number)
            payloads: list[Any] = [
                EPOCH,
                *([raised()] * (number == 20 * episode)),
                *([resolved()] * (number == 60 * episode)),
            ]
            for payload in payloads:
                found: list[Any] = [*operator.step(state, Event(0, 0.0, scope, payload))]
                out += [(number, row.level) for row in found]
    assert out == [(20, "dense"), (70, "normal")]
    (run,) = state.items.values()
    assert run.budget.epochs == 240 - 2 * (every - 1)
    assert run.budget.dense == 50
