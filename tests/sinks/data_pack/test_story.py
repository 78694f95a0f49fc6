"""A story told in a few events, and the pack that it must become, written out by hand."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    Action,
    AlertRaised,
    DecisionExplained,
    DecisionJudged,
    DecisionMade,
    DecisionsScored,
    EpisodeCompared,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    FeaturesComputed,
    HostBaselineEpoch,
    Payload,
    ProbesConfigured,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
    TrendChanged,
)
from nissa.pipeline.packs import check_pack
from nissa.sinks.data_pack import DataPack, PackError
from tests.samples import payloads

NAMES = {"base": ["x", "y"], "_index": {"x": 0, "y": 1}}
MEANINGS = {"x": {"unit": "percent", "source": "here", "meaning": "what x is"}}
SCOPE = Scope("story", "ppo", "5", 0)
NAN = float("nan")


def describe(told: ProbesConfigured | None) -> Any:
    return NAMES, MEANINGS


def packed(folder: Path, told: Iterable[tuple[Scope, Payload]]) -> dict[str, Any]:
    """The pack of a story as a reader of JSON has it; what is derived has the number of its cause."""
    seq = 0
    with DataPack(folder, describe, lambda accuracy, n: accuracy * (100 - accuracy) / n) as pack:
        for number, (scope, payload) in enumerate(told):
            seq += not payload.derived
            pack(Event(seq, 1e9 + number, scope, payload, ordinal=int(payload.derived)))
        pack.close()
    found: dict[str, Any] = orjson.loads((folder / "pack.json").read_bytes())
    return found


def story() -> list[tuple[Scope, Payload]]:
    """Two epochs with three decisions, scored after the end, and an episode that never ends."""
    at = [SCOPE.at(epoch=epoch) for epoch in range(3)]
    wait, cull = Action(op="WAIT"), Action(op="CULL", slot="early")
    why: dict[str, Any] = {"red_flags": ["dead_units"], "opportunities": [], "why_not_alternatives": {"CULL": "masked"}}
    alert: dict[str, Any] = {"alert": "loss_spike", "clause": "ratio", "what": "it rose"}
    told: list[tuple[Scope, Payload]] = [
        (Scope("story"), RunStarted()),
        *((SCOPE.at(episode=None, epoch=epoch), HostBaselineEpoch(val_accuracy=40.0 + epoch)) for epoch in (1, 2)),
        (SCOPE.at(episode=None), AlertRaised(severity="warning", **alert)),
        (at[0], EpisodeStarted(policy="ppo", torch_seed=2**64 - 1)),
        (at[1], TrendChanged(trend="plateau", epochs=0, change=0.0, mean=1.0, window=5)),
        (at[1], SeedGerminated(slot="early", seed="s", blueprint="norm")),
        (at[1], StageChanged(slot="early", from_stage="DORMANT", to_stage="GERMINATED")),
        (at[1], EpochCompleted(val_loss=NAN, val_accuracy=50.0, n_val=100)),
        (at[1], FeaturesComputed(values=[math.inf, None], missing=1)),
        (at[1], DecisionMade(action=wait, observation=[0.5], reward_components={}, reward=0.0)),
        (at[1], DecisionExplained(why_this_action="because", **why)),
        (at[1], DecisionMade(action=cull, executed=False, refused_by="G0", heuristic=wait)),
        (at[2], StageChanged(slot="early", blueprint="norm", from_stage="TRAINING", to_stage="BLENDING")),
        (at[2], AlertRaised(severity="info", **alert)),
        (at[2], AlertRaised(severity="critical", **alert)),
        (at[2], EpochCompleted(val_accuracy=60.0, n_val=100)),
        (at[2], FeaturesComputed(values=[2.0, 3.0], missing=0)),
        (at[2], DecisionMade(action=wait)),
        (at[2], DecisionJudged(decision_epoch=1, op="CULL", verdict="bad", was_good_decision=False)),
        (at[2], SeedFossilized(slot="early", seed="s", blueprint="norm", improvement=10.0, ablation=4.0)),
        (at[2], SeedCulled(slot="late", initiator="episode_end")),
        (at[2], EpisodeEnded(outcome="completed", total_reward=1.5)),
        (at[2], EpisodeCompared(env="5", group="ppo", episode=0, kept_accuracy=60.0, twin_final_accuracy=42.0)),
        (SCOPE, DecisionsScored(epochs=[1, 2], advantages=[-1.0, 2.0], returns=[0.0, NAN])),
        (SCOPE.at(episode=1, epoch=0), EpisodeStarted(policy="ppo")),
        (SCOPE.at(episode=1, epoch=1), EpochCompleted(val_accuracy=30.0)),
    ]
    return told


def test_an_episode_becomes_what_was_told_of_it(tmp_path: Path) -> None:
    found = packed(tmp_path / "pack", story())
    first, second = found["episodes"]
    assert first["summary"]["trajectory"] == "plateau -> germinate -> blend -> fossilize -> cull"
    assert first["summary"]["outcome"] == "completed: kept 60.00%, twin 42.00%: better"
    assert first["summary"]["key_moments"] == [
        {"epoch": 1, "event": "plateau"},
        {"epoch": 1, "event": "germinate", "slot": "early", "blueprint": "norm"},
        {"epoch": 2, "event": "blend", "slot": "early", "blueprint": "norm"},
        {"epoch": 2, "event": "alert", "alert": "loss_spike", "severity": "critical", "what": "it rose"},
        {"epoch": 2, "event": "fossilize", "slot": "early", "blueprint": "norm", "improvement": 10.0, "ablation": 4.0},
        {"epoch": 2, "event": "cull", "slot": "late", "initiator": "episode_end"},
    ]
    assert first["trajectory"] == [
        {"epoch": 1, "val_loss": "NaN", "val_accuracy": 50.0, "twin_val_accuracy": 41.0},
        {"epoch": 2, "val_accuracy": 60.0, "twin_val_accuracy": 42.0},
    ]
    assert {key: first[key] for key in ("episode_id", "run", "group", "env", "episode", "torch_seed")} == {
        "episode_id": "episode_0000",
        "run": "story",
        "group": "ppo",
        "env": "5",
        "episode": 0,
        "torch_seed": str(2**64 - 1),
    }
    assert (second["episode"], second["summary"]["outcome"], second["decisions"]) == (1, "not ended", [])
    assert found["quick_stats"] == {
        "runs": ["story"],
        "episodes": 2,
        "decisions": 3,
        "action_distribution": {"CULL": 1, "WAIT": 2},
        "judged": {"bad": 1},
        "seeds_germinated": 1,
        "seeds_fossilized": 1,
        "seeds_culled": 1,
        "seed_success_rate": 0.5,
    }
    assert found["created_at"] == "2001-09-09T01:47:06Z", "the time of the newest event"


def test_a_decision_has_what_was_known_before_it_and_what_came_after(tmp_path: Path) -> None:
    found = packed(tmp_path / "pack", story())
    first, refused, last = found["episodes"][0]["decisions"]
    assert [row["observation"]["features"] for row in (first, refused, last)] == [
        *([None, None], [None, None]),
        ["Infinity", None],
    ], "after the epoch before, and not after its own"
    assert first["decision_context"]["why_this_action"] == "because"
    assert "decision_context" not in refused
    assert (refused["hindsight"]["verdict"], "hindsight" in first) == ("bad", False)
    assert refused["action"] == {
        "op": "CULL",
        "slot": "early",
        "executed": False,
        "refused_by": "G0",
        "heuristic": {"op": "WAIT"},
        "heads": {},
    }
    assert [(row["advantage"], row["returns"]) for row in (first, refused, last)] == [
        *((-1.0, 0.0), (-1.0, 0.0)),
        (2.0, "NaN"),
    ]
    assert first["reward_components"] == {}
    assert "reward_components" not in last


def test_parquet_keeps_apart_what_is_missing_and_what_is_broken(tmp_path: Path) -> None:
    packed(tmp_path / "pack", story())
    rows = pq.read_table(tmp_path / "pack/decisions.parquet").to_pylist()
    assert [row["features"] for row in rows] == [[None, None], [None, None], [math.inf, None]]
    assert [row["env"] for row in rows] == ['"5"'] * 3, "a name that looks like a number is none"
    assert [row["reward_components"] for row in rows] == [[], None, None]
    assert rows[0]["why_not_alternatives"] == [{"name": "CULL", "value": "masked"}]
    assert math.isnan(rows[2]["returns"])


KINDS = sorted({*DataPack.kinds} - {ProbesConfigured}, key=lambda kind: kind.__name__)
TOLD = st.sampled_from(KINDS).flatmap(payloads)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 3), TOLD), max_size=20))
def test_whatever_is_told_json_and_parquet_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, int, int, Payload]]
) -> None:
    folder = tmp_path_factory.mktemp("any") / "pack"
    events = [(Scope("r", None, env, episode, epoch), _two_wide(payload)) for env, episode, epoch, payload in told]
    begun = [(Scope("r", None, 0, 0, 0), EpisodeStarted(policy="ppo"))]
    packed(folder, [*begun, *events])
    assert "is whole" in check_pack(folder)


def _two_wide(payload: Payload) -> Payload:
    return (
        FeaturesComputed(values=[*payload.values, None, 1.0][:2], missing=0)
        if isinstance(payload, FeaturesComputed)
        else payload
    )


def test_what_has_no_form_in_parquet_is_refused_with_its_episode(tmp_path: Path) -> None:
    late = SCOPE.at(episode=1, epoch=3)
    judged = DecisionJudged(decision_epoch=3, op="WAIT", verdict="undecided", against_waiting_epochs=2**80)
    ended = [*story(), (late, DecisionMade(action=Action(op="WAIT"))), (late, judged)]
    with pytest.raises(PackError, match="an episode of episode_0000 to episode_0001 has no form in Parquet"):
        packed(tmp_path / "pack", ended)
    assert [*tmp_path.iterdir()] == [], "nothing is left of an unfinished pack"


def test_two_decisions_of_one_epoch_are_judged_each_by_itself(tmp_path: Path) -> None:
    at, wait = SCOPE.at(epoch=1), DecisionMade(action=Action(op="WAIT"))
    verdicts = [DecisionJudged(decision_epoch=1, op="WAIT", verdict=verdict) for verdict in ("good", "bad")]
    found = packed(tmp_path / "pack", [(at, wait), (at, wait), *((at, verdict) for verdict in verdicts)])
    assert [row["hindsight"]["verdict"] for row in found["episodes"][0]["decisions"]] == ["good", "bad"]


def test_an_episode_stands_beside_its_own_twin_if_it_has_one_and_beside_the_last_that_was_trained(
    tmp_path: Path,
) -> None:
    first, second = (SCOPE.at(episode=episode, epoch=1) for episode in (0, 1))
    for_all = SCOPE.at(episode=None, epoch=1)
    twins = [(for_all, 10.0), (for_all.at(epoch=2), 20.0), (for_all, 30.0), (second, 40.0)]
    told: list[tuple[Scope, Payload]] = [(at, HostBaselineEpoch(val_accuracy=accuracy)) for at, accuracy in twins]
    epochs = [(at, EpochCompleted(val_accuracy=50.0)) for at in (first, first.at(epoch=2), second)]
    found = packed(tmp_path / "pack", [*told, *epochs])
    beside = [[row.get("twin_val_accuracy") for row in episode["trajectory"]] for episode in found["episodes"]]
    assert beside == [[30.0, None], [40.0]]
