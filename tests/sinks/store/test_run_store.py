"""The three tiers of a run: what is found in them, what there is no room for, and that a log gives the same."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.codec import encode
from nissa.events.event import Event
from nissa.events.kinds import (
    CounterfactualMeasured,
    CounterfactualResult,
    EpochAssessed,
    HostBaselineMeasured,
    SeedsAttributed,
)
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.store.bounded_rows import BoundedRows
from nissa.sinks.store.run_store import RunStore
from tests.operators.raised import batch, told
from tests.samples import episode_ended, episode_started, epoch_completed, run_started
from tests.sinks.prometheus.test_trace_metrics import trace

BASELINE = HostBaselineMeasured(
    initial_loss=2.0, initial_accuracy=10.0, final_loss=0.5, final_accuracy=90.0, epochs=45, host_params=1000
)
ASSESSED = EpochAssessed(
    narrative="well", red_flags=[], opportunities=[], learning="improving", complaints={}, plateau_epochs=0
)


def story(envs: int = 2, episodes: int = 2, epochs: int = 3) -> list[Event[Any]]:
    """A run that says everything that the store keeps."""
    items: list[Any] = [(run_started(), {"group": None, "env": None, "episode": None, "epoch": None})]
    for episode in range(episodes):
        for env in range(envs):
            here = {"env": env, "episode": episode}
            items += [(episode_started(), here | {"epoch": 0}), (BASELINE, here | {"epoch": None})]
            for epoch in range(1, epochs + 1):
                at = here | {"epoch": epoch}
                items += [(epoch_completed(50.0 + epoch), at), (ASSESSED, at)]
            items += [(episode_ended(), here | {"epoch": epochs})]
    return told(items)


def filled(events: list[Event[Any]], **limits: int) -> RunStore:
    store = RunStore(**limits)
    for event in events:
        if isinstance(event.payload, store.kinds):
            store(event)
    return store


def test_a_context_has_all_that_was_told_of_an_episode() -> None:
    (context,) = filled(story()).episodes(env=1, episode=0)
    assert context.where[:4] == ("test", "ppo", 1, 0)
    assert (context.run, context.started) == (run_started(), episode_started())
    assert (context.baseline, context.ended) == (BASELINE, episode_ended())


def test_a_host_that_was_trained_alone_once_is_the_baseline_of_every_episode_of_its_environment() -> None:
    items: list[Any] = [(BASELINE, {"env": 1, "episode": None, "epoch": None})]
    items += [(episode_started(), {"env": env, "episode": n, "epoch": 0}) for n in range(2) for env in range(2)]
    found = {row.where[2:4]: row.baseline for row in filled(told(items)).episodes()}
    assert found == {(0, 0): None, (1, 0): BASELINE, (0, 1): None, (1, 1): BASELINE}


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({}, 12),
        ({"env": 0}, 6),
        ({"env": 0, "episode": 1}, 3),
        ({"epoch": 2}, 4),
        ({"group": "ppo", "env": 1, "episode": 1, "epoch": 3}, 1),
        ({"group": "other"}, 0),
        ({"env": 0, "episode": None}, 6),
    ],
)
def test_epochs_are_found_by_where_they_were(where: dict[str, Any], count: int) -> None:
    found = filled(story()).epochs(**where)
    assert len(found) == count
    assert all(snapshot.completed.val_accuracy == 50.0 + (snapshot.where.epoch or 0) for snapshot in found)
    assert all(snapshot.assessed == ASSESSED for snapshot in found)


def test_traces_are_found_by_what_they_are_about_and_the_epochs_they_reach_over() -> None:
    store = filled(told([trace("a"), (batch(), {}), trace("b", env=1)], env=None, episode=None))
    assert [row.reasons for row in store.traces()] == [["a"], ["b"]]
    assert [row.reasons for row in store.traces(env=1)] == [["b"]]
    assert [len(store.traces(epoch=epoch)) for epoch in (3, 4, 5, 6)] == [0, 2, 2, 0]
    assert len(store.traces(episode=3)) == 2
    assert store.traces(episode=2) == []


def test_counterfactuals_are_found_by_where_they_were_measured_and_bounded() -> None:
    rows = [ablated(accuracy) for accuracy in (60.0, 70.0, 80.0)]
    items: list[Any] = [(row, {"env": 1, "episode": 0, "epoch": epoch}) for epoch, row in enumerate(rows, start=1)]
    store = filled(told([*items, (rows[0], {"env": 0, "episode": 0, "epoch": 3})]), epochs=3)
    assert [row.measured for row in store.counterfactuals(env=1)] == rows[1:]
    assert [row.where.epoch for row in store.counterfactuals(env=1)] == [2, 3]
    assert len(store.counterfactuals(epoch=3)) == 2
    assert store.left_out["counterfactuals"] == 1
    assert store.document(epoch=2)["counterfactuals"][0]["measured"]["results"][1]["val_accuracy"] == 70.0


def test_what_follows_from_a_counterfactual_stands_with_it() -> None:
    where: dict[str, Any] = {"env": 1, "episode": 0, "epoch": 1}
    first, second = told([(ablated(60.0), where), (ablated(70.0), where)])
    found = SeedsAttributed(evaluations=2, duplicates=0, seeds=[])
    of_second, of_nothing = (Event(seq, 0.0, second.scope, found, 1) for seq in (second.seq, 99))
    store = filled([first, second, of_second, of_nothing])
    assert [row.attributed for row in store.counterfactuals()] == [None, found]


def ablated(accuracy: float) -> CounterfactualMeasured:
    """A network with one seed, without and with it."""
    results = [
        CounterfactualResult(config=[on], alpha_settings={}, val_accuracy=accuracy if on else 50.0)
        for on in (False, True)
    ]
    return CounterfactualMeasured(slots=["early"], results=results)


def test_an_episode_that_starts_anew_forgets_the_one_before() -> None:
    (context,) = filled(told([episode_started(), episode_ended(), episode_started()])).episodes()
    assert context.ended is None


def test_what_there_is_no_room_for_goes_oldest_first_and_is_counted() -> None:
    store = filled(story(), episodes=3, epochs=5)
    assert store.left_out == {"episodes": 1, "epochs": 7, "counterfactuals": 0, "traces": 0}
    assert len(store.episodes()) == 3
    assert [(s.where.env, s.where.episode, s.where.epoch) for s in store.epochs()] == [
        (0, 1, 2),
        (0, 1, 3),
        *[(1, 1, epoch) for epoch in (1, 2, 3)],
    ]


def test_bytes_are_those_of_the_log() -> None:
    traces = told([trace("a"), (batch(), {}), trace("b"), (batch(), {}), trace("c")])
    each = len(encode(traces[0]))
    store = filled(traces, size=2 * each + 10)
    assert [row.reasons for row in store.traces()] == [["b"], ["c"]]
    assert store.left_out["traces"] == 1


def test_what_is_added_to_a_row_later_counts_too() -> None:
    epoch, said = told([epoch_completed(50.0), ASSESSED])
    both = len(encode(epoch)) + len(encode(said))
    assert len(filled([epoch, said], size=both).epochs()) == 1
    assert filled([epoch, said], size=both - 1).left_out["epochs"] == 1
    started, ended = told([episode_started(), episode_ended()])
    both = len(encode(started)) + len(encode(ended))
    assert len(filled([started, ended], size=both).episodes()) == 1
    assert filled([started, ended], size=both - 1).left_out["episodes"] == 1


def test_a_log_gives_what_the_live_run_gave(tmp_path: Path) -> None:
    live, again = RunStore(), RunStore()
    with Telemetry("test", out=tmp_path / "run", sinks={"store": live}) as telemetry:
        for event in [*story(envs=1), *told([batch(), batch()])]:
            telemetry.scope(**event.scope._asdict() | {"run": "test"}).emit(event.payload)
    replay(tmp_path / "run", [again])
    assert again.document() == live.document()
    assert len(again.document()["epochs"]) == 6


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 30), st.booleans())))
def test_a_shelf_equals_a_plain_list_that_is_cut(puts: list[tuple[int, int, bool]]) -> None:
    shelf, plain, gone = BoundedRows[int](rows=5, size=60), list[tuple[int, int]](), 0
    for key, size, grow in puts:
        known = [row for row in plain if row[0] == key]
        if grow and not known:
            shelf.grow(key, size)
            continue
        plain = [row for row in plain if row[0] != key] + [(key, size + (known[0][1] if grow else 0))]
        (shelf.grow(key, size) if grow else shelf.put(key, key, size))
        while len(plain) > 5 or sum(size for _, size in plain) > 60:
            plain, gone = plain[1:], gone + 1
    assert list(shelf.values()) == [key for key, _ in plain]
    assert (shelf.used, shelf.left_out) == (sum(size for _, size in plain), gone)


@pytest.mark.parametrize("room", [{"episodes": 0}, {"traces": 0}, {"size": 0}])
def test_no_room_at_all_is_refused(room: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 row"):
        RunStore(**room)
