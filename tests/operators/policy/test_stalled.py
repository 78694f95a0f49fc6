"""Does somebody notice that a policy learns no more? Counted by a plain loop, and twins just within what is usual."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import Action, AlertRaised, AlertResolved, DecisionMade, RunEnded
from nissa.operators.policy.stalled import policy_stalled
from tests.operators.test_contract import derived
from tests.operators.watching import names, raised, resolved, updated
from tests.samples import episode_ended

DECIDED = DecisionMade(action=Action(op="WAIT"), heads={}, reward=0.0)
SIGNS: dict[str, Any] = {"d": DECIDED, "e": episode_ended(), "u": None, "R": RunEnded(outcome="failed", duration=1.0)}


def told(signs: str, learned: int | None = None, **where: Any) -> list[Event[Any]]:
    """Decisions and ends of episodes in environment 0 of a group, and its policy's updates."""
    rows, update = [], 0
    for seq, sign in enumerate(signs):
        here = Scope(**{"run": "r", "group": "ppo", "env": 0, "episode": 0, "epoch": 1, **where})
        payload = SIGNS[sign]
        if sign == "u":
            here, payload = Scope("r", "ppo"), updated(update=update, decisions=learned)
            update += 1
        rows.append(Event(seq, float(seq), Scope(here.run) if sign == "R" else here, payload))
    return rows


@pytest.mark.parametrize(
    ("what", "signs", "found"),
    [
        ("four times as many as usual are still usual", "dddu" * 3 + "d" * 12, 0),
        ("one more is not", "dddu" * 3 + "d" * 13, 1),
        ("it is raised once", "dddu" * 3 + "d" * 99, 1),
        ("the largest gap is what is usual", "dduddddddduddu" + "d" * 25, 0),
        ("after one update nothing is usual", "dddu" + "d" * 99, 0),
        ("a policy that never learned does not stop to", "d" * 99, 0),
        ("eight updates are enough", "dddu" * 8 + "d" * 13, 1),
        ("episodes count where no decision is told", "eu" * 3 + "e" * 4, 0),
        ("and their fifth is one too many", "eu" * 3 + "e" * 5, 1),
        ("where both are told, both must be too many", "dddeu" * 3 + "d" * 99, 0),
        ("and then they are", "dddeu" * 3 + "ddde" * 5, 1),
        ("updates without anything between say nothing", "uuuu" + "de" * 99, 0),
    ],
)
def test_a_policy_that_learns_no_more_is_told_of(what: str, signs: str, found: int) -> None:
    assert names(derived(policy_stalled(), told(signs))) == [("policy_stalled", None)] * found, what


def test_what_an_update_learned_from_is_usual_too() -> None:
    assert names(derived(policy_stalled(), told("du" * 3 + "d" * 80, learned=20))) == []
    assert len(names(derived(policy_stalled(), told("du" * 3 + "d" * 81, learned=20)))) == 1


def test_one_update_makes_nothing_usual_however_much_it_learned_from() -> None:
    assert names(derived(policy_stalled(), told("u" + "d" * 99, learned=9))) == []
    assert len(names(derived(policy_stalled(), told("uu" + "d" * 99, learned=9)))) == 1


def test_the_alert_says_which_update_was_the_last_and_the_next_one_ends_it() -> None:
    out = derived(policy_stalled(), told("dddeu" * 3 + "ddde" * 5 + "u" + "d" * 4))
    (begun,), (over,) = raised(out), resolved(out)
    assert (begun.update, begun.severity, begun.value, begun.baseline, begun.threshold) == (2, "warning", 15, 3, 12)
    assert begun.what == (
        "no update of the policy since update 2, for 15 decisions and 5 episodes; "
        "usually at most 3 decisions and 1 episodes lie between two"
    )
    assert (over.clause, over.update, over.group, over.env) == ("recovered", 2, "ppo", 0)
    at_the_end = derived(policy_stalled(), told("du" * 3 + "d" * 9 + "R"))
    assert [row.clause for row in resolved(at_the_end)] == ["run_ended"]


def test_decisions_of_all_environments_are_those_of_their_groups_policy_unless_they_have_one_of_their_own() -> None:
    rows = told("ddddu" * 3)
    rows += [event for env in range(4) for event in told("d" * 5, env=env)]
    assert len(names(derived(policy_stalled(), rows))) == 1
    own = [Event(0, 0.0, Scope("r", "ppo", env), updated(update=0)) for env in range(4)]
    assert names(derived(policy_stalled(), [*own, *rows])) == []
    assert names(derived(policy_stalled(), [*told("ddddu" * 3), *told("d" * 99, group="other")])) == []


@given(st.text("due", max_size=80), st.integers(1, 3), st.integers(1, 3))
def test_it_is_raised_when_a_plain_loop_says_so(signs: str, times: int, least: int) -> None:
    out = derived(policy_stalled(times, least), told(signs))
    expected, standing, updates = [], False, [n for n, sign in enumerate(signs) if sign == "u"]
    for n, sign in enumerate(signs):
        past = [at for at in updates if at <= n]
        if sign == "u":
            expected += ["over"] * standing
            standing = False
        elif len(past) >= least:
            windows = [signs[a:b] for a, b in pairwise(past)][-20:]
            since = signs[past[-1] : n + 1]
            usual = {s: max((window.count(s) for window in windows), default=0) for s in "de"}
            if any(usual.values()) and all(since.count(s) > times * most for s, most in usual.items() if most):
                expected += ["raised"] * (not standing)
                standing = True
    kinds = {AlertRaised: "raised", AlertResolved: "over"}
    assert [kinds[type(row)] for row in out if type(row) in kinds] == expected


ROUNDING = {"approx_kl": -9.3e-10, "ratio_max": 1.0000001192092896, "clip_fraction": 0.0}
"""As in real logs of updates that moved nothing."""


def unmoved(*figures: dict[str, Any]) -> list[Any]:
    """What is derived from updates with these figures."""
    rows = [updated(None, update=n, **ROUNDING | row) for n, row in enumerate(figures)]
    return derived(policy_stalled(), [Event(n, float(n), Scope("r", "ppo"), row) for n, row in enumerate(rows)])


@pytest.mark.parametrize(
    ("what", "figures", "found"),
    [
        ("rounding, three times", {}, 1),
        ("nothing at all", {"approx_kl": 0.0, "ratio_max": 1.0}, 1),
        ("no ratio is told", {"ratio_max": None, "clip_fraction": None}, 1),
        ("at the limit", {"approx_kl": 1e-8}, 1),
        ("just over it", {"approx_kl": 1.001e-8}, 0),
        ("as little as a small step", {"approx_kl": 4e-5, "ratio_max": 1.01}, 0),
        ("one decision of very many moved", {"ratio_max": 1.0002}, 0),
        ("no decision moved by more than a ten-thousandth", {"ratio_max": 1.00009}, 1),
        ("something was clipped", {"clip_fraction": 0.01}, 0),
        ("no KL is told", {"approx_kl": None}, 0),
        ("it is broken, which is another alert", {"approx_kl": float("nan")}, 0),
    ],
)
def test_updates_that_do_not_move_the_policy_are_told_of(what: str, figures: dict[str, Any], found: int) -> None:
    assert unmoved(figures, figures) == []
    out = unmoved(*[figures] * 9)
    assert names(out) == [("policy_unmoved", "approx_kl")] * found, what
    assert [row.update for row in raised(out)] == [2] * found


def test_an_update_that_moves_it_ends_the_row_and_the_alert() -> None:
    assert unmoved({}, {}, {"approx_kl": 1e-3}, {}, {}) == []
    begun, over = unmoved({}, {}, {}, {}, {"approx_kl": 1e-3, "ratio_max": 1.2})
    assert (over.clause, over.update, over.observations) == ("recovered", 2, 2)
    assert begun.what == "3 updates in a row did not move the policy: approx_kl 9.3e-10, and every ratio is 1"


@pytest.mark.parametrize("wrong", [{"times": 0.5}, {"updates": 0}, {"unmoved": 0}, {"times": float("nan")}])
def test_a_wrong_limit_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="need times >= 1"):
        policy_stalled(**wrong)
