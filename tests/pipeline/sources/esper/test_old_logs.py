"""Older logs of esper-lite, real and generated: what Nissa makes of them equals what plain Python counts in them."""

import json
import lzma
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.events.event import Event
from nissa.events.kinds import DecisionMade, EpisodeEnded, EpochCompleted, PolicyUpdated, SeedGerminated, StageChanged
from nissa.pipeline.replay import Replay, replay
from tests.pipeline.sources.conftest import Write
from tests.pipeline.sources.reading import adds_up, read

Rows = list[dict[str, Any]]
ENDS = ("SEED_FOSSILIZED", "SEED_CULLED", "SEED_PRUNED")
REAL = ("real_2025-12-05", "real_2025-12-06")
LOGS = (*REAL, *(f"generated_E{era}" for era in (4, 6, 7, 8, 9)))
CARRIED = {
    "real_2025-12-05": 0,
    "real_2025-12-06": 16 + 3,
    "generated_E4": 3 + 3 + 6 + 3 + 3 + 3 + 4 + 6 + 3 + 1 + 1,
    "generated_E6": 19 + 6 + 6 + 3 + 3 + 3 + 3 + 3 + 2 + 3,
    "generated_E7": 28 + 6 + 3 + 3 + 3 + 2 + 2 + 1,
    "generated_E8": 38,
    "generated_E9": 24,
}
"""Lines without a counterpart, averages of rounds, and matrices that were not measured whole, counted by hand."""


@dataclass
class Old:
    """A log, its rows as Python's own json reads them, and what Nissa makes of it."""

    name: str
    path: Path
    rows: Rows
    replayed: Replay
    events: list[Event[Any]]


@pytest.fixture(scope="module", params=LOGS)
def log(request: pytest.FixtureRequest, old_logs: Path) -> Old:
    (path,) = old_logs.glob(f"{request.param}*")
    with lzma.open(path, "rt") as content:
        rows = [json.loads(line) for line in content]
    return Old(request.param, path, rows, replay(path), read(path)[0])


def of(log: Old, *kinds: str) -> Iterator[dict[str, Any]]:
    return (row["data"] for row in log.rows if row["event_type"] in kinds)


def test_every_line_is_accounted_for_and_nothing_chokes(log: Old) -> None:
    account = log.replayed.reading.foreign
    assert account
    assert adds_up(log.replayed.reading)
    assert (account.lines, account.malformed, account.duplicates) == (len(log.rows), 0, 0)
    assert account.carried == CARRIED[log.name]
    assert not log.replayed.faults.counts
    assert not log.replayed.reading.unknown
    assert (log.replayed.reading.lost, log.replayed.reading.missing) == (0, 0)


def test_blueprints_are_as_plain_python_counts_them(log: Old) -> None:
    born = Counter(row["blueprint_id"] for row in of(log, "SEED_GERMINATED"))
    gains: dict[tuple[str, bool], Rows] = defaultdict(list)
    for kind in ENDS:
        for row in of(log, kind):
            gains[row["blueprint_id"], kind == "SEED_FOSSILIZED"].append(row)
    rows = {row["blueprint"]: row for row in log.replayed.summary()["blueprints"]}
    assert {name: row["germinated"] for name, row in rows.items()} == born
    for name, row in rows.items():
        kept, lost = gains[name, True], gains[name, False]
        assert (row["fossilized"], row["culled"]) == (len(kept), len(lost))
        for field, ends in (("acc_delta_mean", kept), ("churn_mean", lost)):
            told = [end["improvement"] for end in ends if end["improvement"] or end["epochs_total"] > 1]
            assert row[field] == (pytest.approx(statistics.fmean(told)) if told else None)


def test_the_counts_of_the_two_real_logs_are_those_of_the_page_about_them(log: Old) -> None:
    counts = {"real_2025-12-05": (134, 48, 63, 910089, 0), "real_2025-12-06": (27, 4, 17, 147968, 3)}
    if log.name in counts:
        boards = log.replayed.summary()["scoreboards"]
        fields = ("germinated", "fossilized", "culled", "params_added")
        updates = sum(isinstance(event.payload, PolicyUpdated) for event in log.events)
        assert (*(sum(row[field] for row in boards) for field in fields), updates) == counts[log.name]


def test_stages_are_told_as_they_were_but_for_their_names(log: Old) -> None:
    renamed = {"PRUNED": "CULLED", "PROBATIONARY": "HOLDING"}
    told = [
        (row.get("from", row.get("from_stage")), row.get("to", row.get("to_stage")))
        for row in of(log, "SEED_STAGE_CHANGED")
    ]
    found = [(e.payload.from_stage, e.payload.to_stage) for e in log.events if isinstance(e.payload, StageChanged)]
    assert found == [tuple(renamed.get(str(stage), stage) for stage in pair) for pair in told]


def test_slots_seeds_and_blueprints_are_those_of_the_envelope_and_of_germination(log: Old) -> None:
    lines = [row for row in log.rows if row["event_type"] == "SEED_GERMINATED"]
    seeds = [event.payload for event in log.events if isinstance(event.payload, SeedGerminated)]
    expected = [(r["slot_id"], r["seed_id"], r["data"]["blueprint_id"], r["data"]["params"]) for r in lines]
    assert [(seed.slot, seed.seed, seed.blueprint, seed.params) for seed in seeds] == expected
    unknown = [e for e in log.events if isinstance(e.payload, StageChanged) and e.payload.blueprint is None]
    assert not unknown


def test_the_episode_is_the_round_and_the_environment(log: Old) -> None:
    """Counted from the closes of rounds: the episodes that were completed before a line came."""
    completed, expected = 0, []
    for row in log.rows:
        data = row["data"]
        if row["event_type"] in ("SEED_GERMINATED", "SEED_STAGE_CHANGED", *ENDS):
            expected.append(None if log.name == "real_2025-12-05" else completed + data["env_id"])
        completed = data.get("episodes_completed") or completed
    kinds = ("seed_germinated", "stage_changed", "seed_fossilized", "seed_culled")
    assert [event.scope.episode for event in log.events if event.payload.kind in kinds] == expected
    ended = [e for e in log.events if isinstance(e.payload, EpisodeEnded)]
    assert [e.scope.episode for e in ended] == [row["episode_idx"] for row in of(log, "EPISODE_OUTCOME")]


def test_an_epoch_is_of_one_environment_and_never_an_average(log: Old) -> None:
    lines = [row for row in of(log, "EPOCH_COMPLETED") if "n_envs" not in row]
    epochs = [event for event in log.events if isinstance(event.payload, EpochCompleted)]
    expected = [(row["env_id"], row["inner_epoch"], row["val_accuracy"]) for row in lines]
    assert [(e.scope.env, e.scope.epoch, e.payload.val_accuracy) for e in epochs] == expected


def test_what_was_decided_is_what_the_operation_used(log: Old) -> None:
    made = [event.payload for event in log.events if isinstance(event.payload, DecisionMade)]
    lines = [row for row in of(log, "ANALYTICS_SNAPSHOT") if row.get("kind") == "last_action"]
    told = [row.get("op") or row["action_name"] for row in lines]
    assert [decision.action.op for decision in made] == ["CULL" if op == "PRUNE" else op for op in told]
    assert all((d.action.blueprint is None) == (d.action.op != "GERMINATE") for d in made)
    assert [decision.reward for decision in made] == [row.get("total_reward") for row in lines]


def test_an_update_has_only_what_was_measured_as_we_define_it(log: Old) -> None:
    lines, warned = list(of(log, "PPO_UPDATE_COMPLETED")), {}
    for row in of(log, "VALUE_COLLAPSE_DETECTED", "RATIO_EXPLOSION_DETECTED"):
        warned[row.get("train_steps")] = row.get("ratio_max")
    updates = [event.payload for event in log.events if isinstance(event.payload, PolicyUpdated)]
    for update, row in zip(updates, lines, strict=True):
        mean = "approx_kl" in row
        assert update.update == row["batch"] - 1
        assert update.approx_kl == row["approx_kl" if mean else "kl_divergence"]
        assert update.ratio_max == (warned.get(row["train_steps"]) if mean else row["ratio_max"])
        assert update.grad_norm == row.get("pre_clip_grad_norm")
        assert (update.entropy, update.value_mean) == (None, row.get("value_mean"))


@pytest.mark.parametrize("words", [["replay"], ["show"], ["show", "--json"], ["traces", "--marks"]])
def test_commands_show_it_and_end_well(log: Old, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main([words[0], str(log.path), *words[1:]]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "None" not in out
    assert "lost before" not in out


def test_its_past_can_be_filled_in(log: Old, tmp_path: Path) -> None:
    assert main(["backfill", str(log.path), str(tmp_path / "past")]) == 0
    text = (tmp_path / "past").read_text()
    assert text.endswith("# EOF\n")
    counted: dict[str, float] = {}
    for row in text.splitlines():
        if row.startswith("nissa_stage_changes_total{") and 'stage="TRAINING"' in row:
            labels, _, value_and_time = row.partition("} ")
            counted[labels] = float(value_and_time.split()[0])
    stages = [row.get("to", row.get("to_stage")) for row in of(log, "SEED_STAGE_CHANGED")]
    assert sum(counted.values()) == stages.count("TRAINING") > 0


def test_seeds_that_a_rollback_brought_back_are_told(log: Old) -> None:
    """Lines 43, 221 and 297 of the first real log; none in the others."""
    account = log.replayed.reading.foreign
    assert account
    assert account.odd["seed_id: of a seed that had ended, and that a rollback brought back"] == (
        3 if log.name == "real_2025-12-05" else 0
    )


def test_episodes_that_are_told_are_those_that_the_rounds_would_tell(esper_log: Path, write: Write) -> None:
    rows = [json.loads(line) for line in esper_log.read_text().splitlines()]
    told = {row["event_id"]: row["data"].get("episode_idx") for row in rows}
    for row in rows:
        row["data"].pop("episode_idx", None)
    compared = 0
    for event in read(write(*rows))[0]:
        id = event.extra["foreign"]["id"] if event.extra else None
        if told.get(id) is not None:
            compared += 1
            assert event.scope.episode == told[id]
    assert compared == 839


def test_a_policy_that_does_not_move_is_told_of_and_no_other(log: Old) -> None:
    updates = list(of(log, "PPO_UPDATE_COMPLETED"))
    moved = [abs(row.get("kl_divergence", row.get("approx_kl", 1.0))) for row in updates]
    told = [row["alert"] for row in log.replayed.summary()["alerts"]].count("policy_unmoved")
    assert told == (len(moved) >= 3 and max(moved) < 1e-8)
    assert bool(told) == (log.name in {f"generated_E{era}" for era in (4, 6, 8, 9)})
