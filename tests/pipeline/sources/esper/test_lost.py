"""Logs of esper-lite in which something is lost, late, not told or unreadable: what is not known is not made up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nissa.events.kinds import (
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    PolicyUpdated,
    SeedCulled,
    StageChanged,
)
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import splitting
from tests.pipeline.sources.conftest import Write
from tests.pipeline.sources.reading import adds_up, read

Rows = list[dict[str, Any]]


@pytest.fixture
def rows(excerpt: Path) -> Rows:
    return [json.loads(line) for line in excerpt.read_text().splitlines() if line.startswith('{"event_id": "0')]


def of(rows: Rows, kind: str) -> Iterator[dict[str, Any]]:
    return (row["data"] for row in rows if row["event_type"] == kind)


def epoch(env: int, episode: int, inner: int, **changes: Any) -> dict[str, Any]:
    data = {"env_id": env, "episode_idx": episode, "inner_epoch": inner, "val_accuracy": 50.0, "val_loss": 1.0}
    told = {"event_type": "EPOCH_COMPLETED", "timestamp": "2026-03-01T12:00:00", "group_id": "A"}
    return told | {"data": data | changes}


@pytest.mark.parametrize("change", [{"skipped": True}, {"return_std": 0.0}, {"return_std": None}])
def test_an_explained_variance_of_nan_is_an_alert_whatever_else_is_said(
    rows: Rows, write: Write, change: dict[str, Any]
) -> None:
    next(of(rows, "PPO_UPDATE_COMPLETED")).update(change)
    alerts = [(row["alert"], row["subject"]) for row in replay(write(*rows)).summary()["alerts"]]
    assert ("non_finite", "explained_variance") in alerts


def test_it_is_none_where_they_say_that_returns_did_not_vary(rows: Rows, write: Write) -> None:
    next(of(rows, "PPO_UPDATE_COMPLETED")).update(return_std=0.0, ev_low_return_variance=True)
    path = write(*rows)
    assert not any(row["alert"] == "non_finite" for row in replay(path).summary()["alerts"])
    (update,) = [event.payload for event in read(path)[0] if isinstance(event.payload, PolicyUpdated)]
    assert update.return_std == 0.0


def test_growth_is_unknown_where_a_fossilization_is_lost(rows: Rows, write: Write) -> None:
    events, reading = read(write(*[row for row in rows if row["event_type"] != "SEED_FOSSILIZED"]))
    ended = [event.payload.growth_ratio for event in events if isinstance(event.payload, EpisodeEnded)]
    assert ended == [None, 1.0]
    assert reading.foreign
    assert reading.foreign.odd["EPISODE_OUTCOME.fossilize_count: not the number of SEED_FOSSILIZED, so no growth"] == 1


def test_an_event_that_comes_late_starts_no_episode_and_costs_none_its_seeds(rows: Rows, write: Write) -> None:
    start, born = rows[0], next(row for row in rows if row["event_type"] == "SEED_GERMINATED")
    seeds = {"r0c0": {"stage": "TRAINING", "blueprint_id": "norm", "epochs_in_stage": 1, "alpha": 0.0}}
    born["data"]["episode_idx"] = 4
    late = [epoch(0, 2, 9), epoch(0, 0, 9)]
    path = write(start, epoch(0, 2, 1), born, *late, epoch(0, 4, 2, seeds=seeds))
    events, _ = read(path)
    assert [event.scope.episode for event in events if isinstance(event.payload, EpisodeStarted)] == [2, 4]
    assert [e.payload.total_seed_params for e in events if isinstance(e.payload, EpochCompleted)][-1] == 50


def test_a_group_that_starts_does_not_begin_the_others_anew(rows: Rows, write: Write) -> None:
    start = rows[0]
    other = start | {"event_id": "b", "group_id": "B", "data": start["data"] | {"host_params": 9}}
    events, _ = read(write(start, epoch(0, 0, 1), other, epoch(0, 0, 2), epoch(0, 0, 1) | {"group_id": "B"}))
    sizes = [(e.scope.group, e.payload.host_params) for e in events if isinstance(e.payload, EpochCompleted)]
    assert sizes == [("A", 1000), ("A", 1000), ("B", 9)]
    assert [e.scope.group for e in events if isinstance(e.payload, EpisodeStarted)] == ["A", "B"]


def test_the_accuracy_of_a_seed_that_is_gone_does_not_change_by_zero(rows: Rows, write: Write) -> None:
    for change in of(rows, "SEED_STAGE_CHANGED"):
        change["accuracy_delta"] = 0.0
    events, _ = read(write(*rows))
    told = [(e.payload.from_stage, e.payload.accuracy_delta) for e in events if isinstance(e.payload, StageChanged)]
    assert {stage for stage, delta in told if delta is None} == {"CULLED", "EMBARGOED", "RESETTING"}
    assert {stage for stage, delta in told if delta == 0.0} == {"GERMINATED", "HOLDING"}


def test_a_line_without_its_episode_is_in_that_of_its_round_and_counted(rows: Rows, write: Write) -> None:
    for row in rows:
        if row["event_type"] != "EPISODE_OUTCOME":
            row["data"].pop("episode_idx", None)
    events, reading = read(write(*rows))
    assert {(e.scope.env, e.scope.episode) for e in events if isinstance(e.payload, EpochCompleted)} == {(0, 0), (1, 1)}
    assert len([event for event in events if isinstance(event.payload, EpisodeStarted)]) == 2
    assert reading.foreign
    assert reading.foreign.odd["episode_idx: not told, but known from the round and the environment"] == 23


def test_without_the_head_of_a_log_such_a_line_is_in_none(rows: Rows, write: Write) -> None:
    for row in rows:
        row["data"].pop("episode_idx", None)
    events, reading = read(write(*rows[1:]))
    assert {e.scope.episode for e in events} == {None}
    assert reading.foreign
    assert reading.foreign.odd["episode_idx: not told, and no round tells it"] == 25


def test_a_log_is_known_by_its_first_event_however_late(excerpt: Path, write: Write) -> None:
    path = write(*["x"] * 150, excerpt.read_text())
    _, reading = read(path)
    assert adds_up(reading)
    assert reading.foreign
    assert (reading.foreign.lines, reading.foreign.malformed) == (187, 153)
    shown = [reason for reason, _ in reading.foreign.oddities()]
    assert shown[0] == "not JSON, or no object: it does not begin with {"
    assert shown.index("SEED_GERMINATED.blueprint_id: missing") < shown.index("NaN or Infinity as a bare word")


def test_a_byte_order_mark_is_nothing_and_another_encoding_is_no_event(excerpt: Path, tmp_path: Path) -> None:
    text = excerpt.read_text().splitlines()[0] + "\n"
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "mixed").write_bytes(text.encode() + text.encode("utf-16"))
    marked, mixed = read(tmp_path / "marked")[1].foreign, read(tmp_path / "mixed")[1].foreign
    assert marked
    assert mixed
    assert (marked.translated, marked.odd) == (1, {})
    assert (mixed.translated, mixed.odd) == (1, {"not UTF-8": 1, "torn last line: not JSON": 1})


def test_a_line_that_is_too_long_is_one_line(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "LONGEST_LINE", 1 << 20)
    _, reading = read(write(epoch(0, 0, 1), epoch(0, 0, 2, note="x" * (5 << 20)), epoch(0, 0, 3)))
    assert reading.foreign
    assert (reading.foreign.lines, reading.foreign.translated) == (3, 2)
    assert reading.foreign.odd == {"longer than 1 MiB": 1}


def test_a_kind_of_snapshot_that_is_new_is_unknown(write: Write) -> None:
    new = {"event_type": "ANALYTICS_SNAPSHOT", "timestamp": "2026-03-01", "data": {"kind": "dream"}}
    assert read(write(new))[1].unknown == {"esper-lite ANALYTICS_SNAPSHOT dream": 1}


def test_an_environment_of_minus_one_is_unknown_in_a_string_too(rows: Rows, write: Write) -> None:
    for data in of(rows, "SEED_PRUNED"):
        data["env_id"] = "-1"
    events, reading = read(write(*rows))
    assert [event.scope.env for event in events if isinstance(event.payload, SeedCulled)] == [None]
    assert reading.foreign
    assert not any("env_id" in reason for reason in reading.foreign.odd)


def test_slots_are_in_the_order_of_the_network(rows: Rows, write: Write) -> None:
    rows[0]["data"]["slot_ids"] = ["r0c2", "r0c10"]
    slot = {"stage": "DORMANT", "epochs_in_stage": 0, "alpha": 0.0}
    events, _ = read(write(rows[0], epoch(0, 0, 1, seeds={"r0c10": slot, "r0c2": slot})))
    assert [slot.slot for slot in events[-1].payload.slots] == ["r0c2", "r0c10"]
