"""A real log of esper-lite: what Nissa makes of it equals what plain Python counts in it."""

import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from nissa.events.codec import decode, encode
from nissa.events.event import Event
from nissa.events.kinds import CounterfactualMeasured, EpisodeEnded, EpochCompleted, ForeignEventCarried, StageChanged
from nissa.pipeline.replay import Replay, replay
from nissa.pipeline.sources.esper.rules_table import RULES
from tests.pipeline.sources.reading import adds_up, read

Rows = list[dict[str, Any]]
Events = list[Event[Any]]


@pytest.fixture(scope="module")
def replayed(esper_log: Path) -> Replay:
    return replay(esper_log)


@pytest.fixture(scope="module")
def events(esper_log: Path) -> Events:
    return read(esper_log)[0]


def of(rows: Rows, kind: str) -> Rows:
    return [row["data"] for row in rows if row["event_type"] == kind]


def type_of(row: dict[str, Any]) -> str:
    snapshot = row["event_type"] == "ANALYTICS_SNAPSHOT"
    return f"{row['event_type']} {row['data']['kind']}" if snapshot else str(row["event_type"])


def test_every_line_is_accounted_for_by_type(replayed: Replay, esper_rows: Rows) -> None:
    account = replayed.reading.foreign
    assert account
    assert adds_up(replayed.reading)
    assert len(esper_rows) == account.translated + account.carried
    assert {name: count.total() for name, count in account.by_type.items()} == Counter(map(type_of, esper_rows))
    assert set(replayed.reading.unknown) == {f"esper-lite {name}" for name in account.by_type.keys() - RULES.keys()}
    assert not replayed.faults.counts


def test_the_fields_that_are_null_in_every_line_are_named(replayed: Replay, esper_rows: Rows) -> None:
    fields: dict[str, Counter[str]] = defaultdict(Counter)
    for row in esper_rows:
        fields[type_of(row)].update({name: value is not None for name, value in row["data"].items()})
    expected = {kind: sorted(name for name, filled in count.items() if not filled) for kind, count in fields.items()}
    assert replayed.reading.foreign
    assert replayed.reading.foreign.summary()["null_only"] == {kind: names for kind, names in expected.items() if names}


def test_blueprints_are_as_plain_python_counts_them(replayed: Replay, esper_rows: Rows) -> None:
    born = Counter(row["blueprint_id"] for row in of(esper_rows, "SEED_GERMINATED"))
    ends: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"SEED_FOSSILIZED": [], "SEED_PRUNED": []})
    ages: dict[str, list[int]] = defaultdict(list)
    for kind in ("SEED_FOSSILIZED", "SEED_PRUNED"):
        for row in of(esper_rows, kind):
            ends[row["blueprint_id"]][kind].append(row["improvement"])
            ages[row["blueprint_id"]].append(row["epochs_total"])
    rows = {row["blueprint"]: row for row in replayed.summary()["blueprints"]}
    assert rows.keys() == born.keys()
    for name, row in rows.items():
        kept, lost = ends[name]["SEED_FOSSILIZED"], ends[name]["SEED_PRUNED"]
        assert (row["germinated"], row["fossilized"], row["culled"]) == (born[name], len(kept), len(lost))
        means = [statistics.fmean(found) if found else None for found in (kept, lost, ages[name])]
        assert [row[field] for field in ("acc_delta_mean", "churn_mean", "lifespan_mean")] == pytest.approx(means)


def test_what_switching_a_seed_off_cost_is_their_counterfactual_a_mean_of_each_environment_first(
    replayed: Replay, esper_rows: Rows
) -> None:
    told: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for kind in ("SEED_FOSSILIZED", "SEED_PRUNED"):
        for row in of(esper_rows, kind):
            if row.get("counterfactual") is not None:
                told[row["blueprint_id"]][row["env_id"]].append(row["counterfactual"])
    rows = {row["blueprint"]: row for row in replayed.summary()["blueprints"]}
    assert sum(row["ablation_n"] for row in rows.values()) == 10
    for name, row in rows.items():
        means = [statistics.fmean(found) for found in told[name].values()]
        assert row["ablation_mean"] == (pytest.approx(statistics.fmean(means)) if means else None)
        assert (row["net_gain_mean"], row["net_gain_n"]) == (None, 0)


def test_scoreboards_are_as_plain_python_counts_them(replayed: Replay, esper_rows: Rows) -> None:
    (host,) = {row["host_params"] for row in of(esper_rows, "TRAINING_STARTED")}
    kinds = ("SEED_GERMINATED", "SEED_FOSSILIZED", "SEED_PRUNED")
    last = {row["env_id"]: row["episode_idx"] for row in of(esper_rows, "EPOCH_COMPLETED")}
    for board in replayed.summary()["scoreboards"]:
        mine = {kind: [row for row in of(esper_rows, kind) if row["env_id"] == board["env"]] for kind in kinds}
        assert [board[f] for f in ("germinated", "fossilized", "culled")] == [len(mine[kind]) for kind in kinds]
        kept = mine["SEED_FOSSILIZED"]
        assert board["params_added"] == sum(row["params_added"] for row in kept)
        assert board["fossilized_by_blueprint"] == Counter(row["blueprint_id"] for row in kept)
        now = sum(row["params_added"] for row in kept if row["episode_idx"] == last[board["env"]])
        assert (board["host_params"], board["growth_ratio"]) == (host, (host + now) / host)
        assert board["orphans"] == 0
    assert len(replayed.summary()["scoreboards"]) == of(esper_rows, "TRAINING_STARTED")[0]["n_envs"]


def sizes_by_epoch(rows: Rows) -> dict[tuple[int, int], list[tuple[float, int, int]]]:
    """By environment and episode: accuracy, epoch and seed parameters of each epoch."""
    found: dict[tuple[int, int], list[tuple[float, int, int]]] = defaultdict(list)
    sizes: dict[tuple[int, int, str], int] = {}
    for row in rows:
        data = row["data"]
        if row["event_type"] == "SEED_GERMINATED":
            sizes[data["env_id"], data["episode_idx"], data["slot_id"]] = data["params"]
        if row["event_type"] == "EPOCH_COMPLETED":
            where = data["env_id"], data["episode_idx"]
            there = [
                slot
                for slot, seed in data["seeds"].items()
                if seed["stage"] not in ("PRUNED", "EMBARGOED", "RESETTING", "DORMANT")
            ]
            size = sum(sizes[*where, slot] for slot in there)
            found[where].append((data["val_accuracy"], data["inner_epoch"], size))
    return found


def test_best_runs_are_as_plain_python_finds_them(replayed: Replay, esper_rows: Rows) -> None:
    host = of(esper_rows, "TRAINING_STARTED")[0]["host_params"]
    expected = []
    for (env, episode), epochs in sizes_by_epoch(esper_rows).items():
        accuracy, epoch, size = max(epochs, key=lambda row: (row[0], -row[1]))
        expected.append((-accuracy, (host + size) / host, env, episode, epoch))
    fields = ("peak_accuracy", "growth_ratio", "env", "episode", "epoch")
    found = [tuple(run[field] for field in fields) for run in replayed.summary()["best_runs"]]
    assert found == [(-peak, *rest) for peak, *rest in sorted(expected)]


def test_their_param_ratio_is_our_reading_of_it_but_for_the_gates_of_gated_blends(
    events: Events, esper_rows: Rows
) -> None:
    """They count what a gated blend adds to the model when blending starts; no event tells how large that is."""
    last = {(e.scope.env, e.scope.episode): e.payload for e in events if isinstance(e.payload, EpochCompleted)}
    gated: dict[tuple[int, int], set[str]] = defaultdict(set)
    for row in of(esper_rows, "ANALYTICS_SNAPSHOT"):
        if row["kind"] == "last_action" and row["action_name"] == "GERMINATE" and row["blend_id"] == "gated":
            gated[row["env_id"], row["episode_idx"]].add(row["slot_id"])
    gates: dict[frozenset[str], set[int]] = defaultdict(set)
    for outcome in of(esper_rows, "EPISODE_OUTCOME"):
        where = outcome["env_id"], outcome["episode_idx"]
        epoch = last[where]
        assert epoch.host_params
        assert epoch.total_params
        theirs = round(outcome["param_ratio"] * epoch.host_params)
        blended = {"BLENDING", "HOLDING", "FOSSILIZED"}
        with_gate = frozenset(row.slot for row in epoch.slots if row.slot in gated[where] and row.stage in blended)
        gates[with_gate].add(theirs - epoch.total_params)
    assert gates.pop(frozenset(), {0}) == {0}
    assert all(len(sizes) == 1 and min(sizes) > 0 for sizes in gates.values())


def test_growth_at_the_end_counts_what_was_fossilized(events: Events, esper_rows: Rows) -> None:
    host = of(esper_rows, "TRAINING_STARTED")[0]["host_params"]
    for event in (e for e in events if isinstance(e.payload, EpisodeEnded)):
        kept = [r for r in of(esper_rows, "SEED_FOSSILIZED") if r["episode_idx"] == event.scope.episode]
        assert event.payload.growth_ratio == (host + sum(row["params_added"] for row in kept)) / host


def test_a_seed_event_is_in_the_epoch_that_was_completed_last_in_its_environment(
    events: Events, esper_rows: Rows
) -> None:
    last: dict[int, int] = {}
    expected = []
    for row in esper_rows:
        if row["event_type"] == "EPOCH_COMPLETED":
            last[row["data"]["env_id"]] = row["data"]["inner_epoch"]
        if row["event_type"].startswith("SEED_"):
            expected.append((row["data"]["env_id"], row["data"]["episode_idx"], last.get(row["data"]["env_id"])))
    seeds = [e for e in events if type_told(e).startswith("SEED_")]
    assert [(e.scope.env, e.scope.episode, e.scope.epoch) for e in seeds] == expected


def test_stages_follow_each_other_as_they_were_told(events: Events, esper_rows: Rows) -> None:
    renamed = {"PRUNED": "CULLED"}
    expected = [
        tuple(renamed.get(row[end], row[end]) for end in ("from_stage", "to_stage"))
        for row in of(esper_rows, "SEED_STAGE_CHANGED")
    ]
    changes = [e for e in events if isinstance(e.payload, StageChanged)]
    assert [(e.payload.from_stage, e.payload.to_stage) for e in changes] == expected
    now: dict[Any, str] = {}
    for event in changes:
        key = event.scope.env, event.payload.seed
        # A seed is culled by an event of its own.
        before = "CULLED" if event.payload.from_stage == "CULLED" else now.get(key, "GERMINATED")
        assert event.payload.from_stage == before
        now[key] = event.payload.to_stage


def test_a_stage_is_said_to_change_as_often_as_it_did_and_no_entropy_is_judged(
    replayed: Replay, esper_rows: Rows
) -> None:
    alerts = Counter(row["alert"] for row in replayed.summary()["alerts"])
    assert alerts["stage_transition"] == len(of(esper_rows, "SEED_STAGE_CHANGED"))
    assert alerts["entropy_collapse"] == 0


def test_its_policy_that_does_not_move_is_told_of(replayed: Replay, esper_rows: Rows) -> None:
    moved = [abs(row["kl_divergence"]) for row in of(esper_rows, "PPO_UPDATE_COMPLETED")]
    assert len(moved) >= 3
    assert max(moved) < 1e-9
    assert Counter(row["alert"] for row in replayed.summary()["alerts"])["policy_unmoved"] == 1


def test_matrices_with_made_up_rows_are_carried_as_they_are(events: Events, esper_rows: Rows) -> None:
    matrices = of(esper_rows, "COUNTERFACTUAL_MATRIX_COMPUTED")
    told = [e.payload for e in events if type_told(e) == "COUNTERFACTUAL_MATRIX_COMPUTED"]
    for payload, row in zip(told, matrices, strict=True):
        if isinstance(payload, CounterfactualMeasured):
            assert row["strategy"] == "full_factorial"
            assert [result.config for result in payload.results] == [config["seed_mask"] for config in row["configs"]]
        else:
            assert payload.data == row
            assert row["strategy"] != "full_factorial"


def type_told(event: Event[Any]) -> str:
    """The type that an event had over there."""
    if isinstance(event.payload, ForeignEventCarried):
        return event.payload.type
    return str(event.extra["foreign"]["type"]) if event.extra else ""


def test_nothing_is_lost_and_ids_are_kept(events: Events, esper_rows: Rows) -> None:
    told = [event for event in events if type_told(event)]
    assert len(told) == len(esper_rows)
    assert [event.seq for event in events] == list(range(len(events)))
    for event, row in zip(told, esper_rows, strict=True):
        if isinstance(event.payload, ForeignEventCarried):
            assert (event.payload.id, repr(event.payload.data)) == (row["event_id"], repr(row["data"]))
        else:
            holds_all(event, row)


def holds_all(event: Event[Any], row: dict[str, Any]) -> None:
    """Each field that is set stands in the payload under its new name, or beside it under its old one."""
    assert event.extra
    beside, into = event.extra["foreign"], RULES[type_of(row)].into
    assert into
    assert beside["id"] == row["event_id"]
    held = set()
    for ours, source in into.fields.items():
        told = next((name for name in source.used if row["data"].get(name) is not None), None)
        theirs = row["data"].get(told) if told else row.get(source.used[0]) if source.used else None
        mine = getattr(event.payload, ours)
        if theirs is None or mine is None:
            continue
        held.add(told)
        # NaN is not equal to itself, but its text is.
        assert ours.endswith("_stage") or mine == theirs or repr(mine) == repr(theirs)
    rest = {name: value for name, value in row["data"].items() if value is not None and name not in held}
    if "decision_entropy" in rest:
        rest["decision_entropy"] = float(rest["decision_entropy"])
    assert repr(beside["data"]) == repr(rest)


def test_written_to_a_log_of_nissas_own_it_comes_back_the_same(events: Events) -> None:
    lines = [encode(event) for event in events]
    assert [encode(decode(line)) for line in lines] == lines
