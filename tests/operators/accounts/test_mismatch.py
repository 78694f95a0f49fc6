"""Does the end of an episode fit its events? Episodes drawn with the right figures, and each figure made wrong."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    Action,
    AlertRaised,
    BatchCompleted,
    DecisionMade,
    EpisodeEnded,
    EpochCompleted,
    EventsDropped,
    Payload,
    RunEnded,
    RunResumed,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SlotSnapshot,
)
from nissa.operators.accounts import account_mismatch
from nissa.operators.fidelity import escalate
from nissa.operators.traces import flight_recorder
from tests.operators.raised import batch, configured, raised
from tests.operators.test_contract import derived
from tests.operators.watching import names
from tests.operators.watching import resolved as ends
from tests.samples import episode_started, epoch_completed

HOST = 1000
EMPTY = SlotSnapshot(slot="0", stage="DORMANT", epochs_in_stage=1)
END = RunEnded(outcome="completed", duration=1.0)
Told = tuple[int | None, Payload]


def seed(slot: int, kind: str) -> Payload:
    of: dict[str, Any] = {"slot": str(slot), "seed": f"s{slot}", "blueprint": "norm"}
    made: dict[str, Payload] = {
        "germinate": SeedGerminated(**of, params=100),
        "fossilize": SeedFossilized(**of, params_added=100, epochs_total=1),
        "cull": SeedCulled(**of, reason="x", initiator="episode_end", epochs_total=1),
    }
    return made[kind]


def epoch(accuracy: float, seeds: int) -> EpochCompleted:
    sizes: dict[str, Any] = {"host_params": HOST, "total_seed_params": 100 * seeds, "total_params": HOST + 100 * seeds}
    return replace(epoch_completed(accuracy), **sizes, slots=[EMPTY])


@st.composite
def episodes(draw: st.DrawFn) -> tuple[list[Told], EpisodeEnded]:
    """An episode that grows before its epochs, and an end whose figures a plain count makes."""
    told: list[Told] = [(0, replace(episode_started(), host_params=HOST))]
    rewards = draw(st.lists(st.floats(-5, 5), min_size=1, max_size=6))
    grown, accuracy = 0, 0.0
    for number, reward in enumerate(rewards, start=1):
        for _ in range(draw(st.integers(0, 2))):
            told.append((number, seed(grown, "germinate")))
            grown += 1
        accuracy = draw(st.floats(0, 100))
        decision = DecisionMade(action=Action(op="WAIT"), heads={}, reward=reward)
        told += [(number, epoch(accuracy, grown)), (number, decision)]
    kept = draw(st.integers(0, grown))
    told += [(len(rewards), seed(slot, "fossilize" if slot < kept else "cull")) for slot in range(grown)]
    return told, EpisodeEnded(
        outcome="completed",
        final_accuracy=accuracy,
        final_growth_ratio=1 + grown / 10,
        growth_ratio=1 + kept / 10,
        total_reward=sum(rewards),
        epochs=len(rewards),
        germinated=grown,
        fossilized=kept,
        culled=grown - kept,
    )


def events(told: list[Told], first: int = 0, **where: Any) -> list[Event[Any]]:
    here: dict[str, Any] = {"run": "r", "group": "ppo", "env": 0, "episode": 0, **where}
    return [
        Event(first + n, float(n), Scope(**{**here, "epoch": number}), payload)
        for n, (number, payload) in enumerate(told)
    ]


def said(rows: list[Event[Any]]) -> list[str]:
    return [row.what for row in derived(account_mismatch(), rows) if isinstance(row, AlertRaised)]


@given(episodes())
def test_an_end_that_fits_its_events_is_told_to_nobody(episode: tuple[list[Told], EpisodeEnded]) -> None:
    told, end = episode
    assert derived(account_mismatch(), events([*told, (len(told), end), (None, END)])) == []
    rounded = replace(
        end, final_accuracy=round(end.final_accuracy or 0.0, 2), total_reward=round(end.total_reward or 0.0, 3)
    )
    assert said(events([*told, (None, rounded)])) == []
    silent = replace(end, growth_ratio=None, final_growth_ratio=None)
    assert said(events([*told, (None, silent)])) == []


WRONG: dict[str, Any] = {
    "germinated": lambda value: value + 1,
    "fossilized": lambda value: value + 2,
    "culled": lambda value: value + 1,
    "epochs": lambda value: value + 5,
    "growth_ratio": lambda value: value + 0.05,
    "final_growth_ratio": lambda value: value + 0.05,
    "final_accuracy": lambda value: value + 0.02,
    "total_reward": lambda value: value + 35.0,
}
"""Each figure, made wrong."""
WORDS = dict(
    zip(
        WRONG,
        ("germinated", "fossilized", "culled", "epochs", "growth ", "growth as trained", "accuracy", "reward"),
        strict=True,
    )
)


@pytest.mark.parametrize("name", WRONG)
@given(episode=episodes())
def test_a_figure_that_does_not_fit_is_named_and_no_other(name: str, episode: tuple[list[Told], EpisodeEnded]) -> None:
    told, end = episode
    (what,) = said(events([*told, (None, replace(end, **{name: WRONG[name](getattr(end, name))}))]))
    start = "1 figure contradicts the events of the episode that ended: "
    assert what.startswith(start + WORDS[name])
    assert ";" not in what


STORY: list[Told] = [
    (0, replace(episode_started(), host_params=HOST)),
    (1, seed(0, "germinate")),
    (1, epoch(60.0, 1)),
    (1, DecisionMade(action=Action(op="WAIT"), heads={}, reward=1.0)),
    (1, seed(0, "fossilize")),
]
RIGHT = EpisodeEnded(
    outcome="completed", final_accuracy=60.0, total_reward=1.0, epochs=1, germinated=1, fossilized=1, culled=0
)
WRONG_END = replace(RIGHT, fossilized=0, final_accuracy=91.0, growth_ratio=1.0)


def test_all_that_differs_is_told_in_one_alert_of_the_run_and_once() -> None:
    again = events([*STORY, (1, WRONG_END)], first=6, episode=1)
    out = derived(account_mismatch(), [*events([*STORY, (1, WRONG_END)]), *again, *events([(None, END)], first=12)])
    (begun,) = [row for row in out if isinstance(row, AlertRaised)]
    assert (begun.alert, begun.severity, begun.value) == ("account_mismatch", "warning", 3.0)
    assert begun.what == (
        "3 figures contradict the events of the episode that ended: fossilized 0 told, 1 seen; "
        "growth 1.00x told, 1.10x by what fossilized; accuracy 91.00% told, 60.00% in its last epoch"
    )
    assert [(row.episode, row.clause) for row in ends(out)] == [(0, "run_ended")]


def test_of_seeds_that_were_never_told_or_of_no_episode_no_figure_is_judged() -> None:
    bare = replace(epoch(60.0, 0), slots=[])
    start, four = (0, replace(episode_started(), host_params=HOST)), (1, seed(0, "germinate"))
    end = replace(RIGHT, germinated=4, fossilized=3, culled=1, growth_ratio=1.3)
    assert said(events([start, (1, bare), (1, end)])) == []
    (what,) = said(events([start, (1, epoch(60.0, 0)), (1, end)]))
    assert what.startswith("4 figures")
    for row in (bare, epoch(60.0, 1)):
        mixed = events([start, four, four, (1, row), (1, end)])
        mixed[1] = replaced(mixed[1], seq=1, scope=Scope("r", "ppo", 0))
        assert said(mixed) == []


@pytest.mark.parametrize(
    ("told", "wrong"),
    [(1.0001, False), (1.0, False), (1.0004, True), (1.00010001, False), (1.000101, True), (1.01, True)],
)
def test_what_a_large_host_grew_by_is_compared_and_not_the_large_host(told: float, wrong: bool) -> None:
    large = [(n, replace(row, host_params=1_000_000) if n == 0 else row) for n, row in STORY]  # type: ignore[type-var]
    assert len(said(events([*large, (1, replace(RIGHT, growth_ratio=told))]))) == wrong


@pytest.mark.parametrize("told", [1.123, 1.12, float(np.float32(1 + 1234567 / 10_000_000))])
def test_a_growth_that_is_rounded_or_single_is_right(told: float) -> None:
    grown = [
        (n, replace(row, params_added=1234567) if isinstance(row, SeedFossilized) else row)
        for n, row in [(0, replace(episode_started(), host_params=10_000_000)), *STORY[1:]]
    ]
    assert said(events([*grown, (1, replace(RIGHT, growth_ratio=told))])) == []
    assert len(said(events([*grown, (1, replace(RIGHT, growth_ratio=told + 0.004))]))) == 1


def test_an_environment_that_begins_again_is_not_forgotten_as_the_oldest() -> None:
    fold = account_mismatch()
    state = fold.init()
    state.envs.limit = 2
    rows = [*events(STORY[:1]), *events(STORY[:1], first=1, env=1)]
    rows += [*events(STORY[:1], first=2, episode=1), *events(STORY[:1], first=3, env=2)]
    for row in rows:
        assert list(fold.step(state, row)) == []
    assert [key[2] for key in state.envs.items] == [0, 2]


def test_an_end_that_is_told_twice_is_told_of() -> None:
    (what,) = said(events([*STORY, (1, RIGHT), (1, RIGHT)]))
    assert what.endswith("its end is told twice")
    assert said(events([*STORY, (1, RIGHT), *STORY, (1, RIGHT)])) == []


def test_sizes_of_an_epoch_that_do_not_add_up_are_told_with_the_end() -> None:
    odd = [(n, replace(row, total_params=999) if isinstance(row, EpochCompleted) else row) for n, row in STORY]
    (what,) = said(events([*odd, (1, RIGHT)]))
    assert what.endswith("total_params 999 told in epoch 1, where host and seeds have 1100")


@pytest.mark.parametrize("missing", range(1, 6))
def test_of_an_episode_with_an_event_missing_nothing_is_told(missing: int) -> None:
    """Whatever it was: it may have been shed, damaged, or of a kind that is not known."""
    rows = events([*STORY, (1, WRONG_END)])
    assert len(said(rows)) == 1
    gap = [*rows[:missing], *(replaced(row) for row in rows[missing:])]
    assert said(gap) == []
    whole = events([*STORY, (1, WRONG_END)], first=7, episode=1)
    assert len(said([*gap, *whole])) == 1


@pytest.mark.parametrize("at", range(1, 6))
def test_of_an_episode_that_another_process_went_on_with_nothing_is_told(at: int) -> None:
    """What the one before had not written yet left no gap in the numbers."""
    went_on = RunResumed(last_seq=at, torn=0, process=1, versions={}, hardware={})
    assert said(events([*STORY[:at], (None, went_on), *STORY[at:], (1, WRONG_END)])) == []
    assert said([*events([*STORY[:at]], first=100), *events([*STORY[at:], (1, WRONG_END)])]) == []


def replaced(row: Event[Any], seq: int | None = None, scope: Scope | None = None) -> Event[Any]:
    return Event(row.seq + 1 if seq is None else seq, row.time, scope or row.scope, row.payload)


def test_other_events_leave_no_gap_and_other_environments_no_figure() -> None:
    others: list[Told] = [(1, batch()), (None, EventsDropped(place="hub", dropped={"batch_completed": 3}))]
    assert isinstance(batch(), BatchCompleted)
    mixed = events([*STORY[:2], *others, *STORY[2:], (1, RIGHT)])
    assert said(mixed) == []
    elsewhere = Event(3, 0.0, Scope("r", "ppo", 1, 0, 1), seed(5, "germinate"))
    assert said([*mixed[:3], elsewhere, *mixed[4:]]) == []
    # One that says no episode, though: of which episode it is, nobody knows.
    late = Event(3, 0.0, Scope("r", "ppo", 0, None, 1), seed(5, "germinate"))
    assert said([*mixed[:3], late, *mixed[4:]]) == []


def test_an_episode_whose_start_was_not_seen_is_not_judged() -> None:
    assert said(events([*STORY[1:], (1, WRONG_END)])) == []


@pytest.mark.parametrize(
    "told",
    [
        [(number, epoch(60.0, 1)) for number in (10, 20, 30)],
        [(None, epoch(60.0, 1))] * 3,
        [],
    ],
)
def test_where_not_every_epoch_was_told_its_sums_are_no_contradiction(told: list[Told]) -> None:
    decisions: list[Told] = [(n, DecisionMade(action=Action(op="WAIT"), heads={}, reward=1.0)) for n in range(1, 31)]
    end = replace(RIGHT, epochs=35, final_accuracy=75.0, total_reward=99.0)
    assert said(events([*STORY[:2], *told, *decisions, STORY[4], (35, end)])) == []


def test_a_seed_that_was_culled_after_the_last_epoch_by_a_gate_leaves_the_growth_as_trained_open() -> None:
    by_gate = replace(seed(0, "cull"), initiator="gate")  # type: ignore[type-var]
    end = replace(RIGHT, fossilized=0, culled=1, final_growth_ratio=1.0)
    assert said(events([*STORY[:4], (1, by_gate), (1, end)])) == []
    (what,) = said(events([*STORY[:4], (1, seed(0, "cull")), (1, end)]))
    assert what.endswith("growth as trained 1.00x told, 1.10x in its last epoch")


def test_where_not_every_decision_was_told_their_rewards_are_no_sum() -> None:
    assert said(events([*STORY[:3], STORY[4], (1, RIGHT)])) == []


def test_broken_figures_are_another_alerts_matter() -> None:
    broken = float("nan")
    end = replace(RIGHT, final_accuracy=broken, total_reward=broken, growth_ratio=broken)
    assert said(events([*STORY, (1, end)])) == []


@pytest.mark.parametrize("name", ["account_mismatch", "policy_stalled"])
def test_what_no_batch_explains_opens_no_trace_and_raises_no_fidelity(name: str) -> None:
    alert = raised(name, "warning", None)
    story = events([(1, configured(mode="adaptive")), (1, batch()), (1, alert), (1, batch()), (None, END)])
    assert derived(flight_recorder(), story) == []
    assert derived(escalate(), story) == []
    assert len(derived(flight_recorder(), [row if row.payload is not alert else other(row) for row in story])) == 1


def other(row: Event[Any]) -> Event[Any]:
    return Event(row.seq, row.time, row.scope, raised())


def test_the_names_are_those_of_the_vocabulary() -> None:
    assert names(derived(account_mismatch(), events([*STORY, (1, WRONG_END)]))) == [("account_mismatch", None)]
