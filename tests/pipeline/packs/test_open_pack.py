"""`nissa.open_pack` gives to torch and to data frames what stands in `pack.json`, and its splits do not leak."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

import nissa
from nissa.pipeline.packs.dataset import Decisions
from nissa.pipeline.packs.hosts import by_host, divided
from nissa.sinks.data_pack import PackError


@pytest.fixture(scope="module")
def decisions(pack: Path) -> list[Any]:
    document = json.loads((pack / "pack.json").read_text())
    return [decision for episode in document["episodes"] for decision in episode["decisions"]]


def test_a_dataset_holds_the_features_and_says_which_are_missing(pack: Path, decisions: list[Any]) -> None:
    opened = nissa.open_pack(pack)
    data = opened.dataset(["gradients", "val_accuracy"], target="heuristic_op")
    index: Any = opened.head.feature_schema["_index"]
    assert data.names == [*opened.head.feature_schema["gradients"], "val_accuracy"]
    assert len(data) == len(decisions)
    for place, decision in enumerate(decisions):
        told = [decision["observation"]["features"][index[name]] for name in data.names]
        sample = data[place]
        assert sample.known.tolist() == [value is not None for value in told]
        expected = torch.tensor([0.0 if value is None else float(value) for value in told])
        assert torch.equal(sample.features.nan_to_num(), expected.nan_to_num())
        assert data.classes[int(sample.target)] == decision["action"]["heuristic"]["op"]


def test_a_loader_gets_whole_batches_and_each_decision_once(pack: Path, decisions: list[Any]) -> None:
    data = nissa.open_pack(pack).dataset("base", target="reward")
    loader = DataLoader(data, batch_size=32, shuffle=True, collate_fn=Decisions.together)
    batches = [*loader]
    assert batches[0].features.shape == (32, 27)
    told = sorted(float(reward) for batch in batches for reward in batch.target)
    assert told == pytest.approx(sorted(decision["reward"] for decision in decisions), abs=1e-6)


def test_decisions_without_the_target_are_left_out(pack: Path, decisions: list[Any]) -> None:
    data = nissa.open_pack(pack).dataset("base", target="was_good_decision")
    known = [row for row in decisions if row.get("hindsight", {}).get("was_good_decision") is not None]
    assert (len(data), data.classes) == (len(known), sorted({row["hindsight"]["was_good_decision"] for row in known}))


def test_frames_are_the_decisions(pack: Path, decisions: list[Any]) -> None:
    frame = nissa.open_pack(pack).to_polars()
    assert frame["op"].to_list() == [decision["action"]["op"] for decision in decisions]
    assert nissa.open_pack(pack).arrow("episodes", ["env"]).num_columns == 1
    returns = [decision.get("returns") for decision in decisions]
    assert [None if value is None else float(value) for value in frame["returns"]] == returns


def test_parts_share_no_host_and_lose_no_episode(pack: Path) -> None:
    opened = nissa.open_pack(pack)
    parts = opened.split(seed=3, fractions=[0.5, 0.5])
    envs = [{episode.env for episode in part.episodes()} for part in parts]
    assert sorted(map(len, envs)) == [1, 1]
    assert not envs[0] & envs[1]
    rows = [part.arrow().num_rows for part in parts]
    assert sum(rows) == opened.arrow().num_rows
    assert [len(part.dataset()) for part in parts] == rows
    again = [{episode.env for episode in part.episodes()} for part in opened.split(seed=3, fractions=[0.5, 0.5])]
    assert again == envs


EPISODES = st.lists(
    st.fixed_dictionaries(
        {
            "run": st.sampled_from("ab"),
            "env": st.sampled_from("0123"),
            "torch_seed": st.sampled_from([None, "7", "8", "9"]),
        }
    ),
    min_size=1,
    max_size=20,
)


@given(EPISODES, st.integers(0, 9), st.sampled_from([[1.0], [0.5, 0.5], [0.7, 0.2, 0.1]]))
def test_whatever_episodes_share_they_are_on_one_side(rows: list[Any], seed: int, fractions: list[float]) -> None:
    for number, row in enumerate(rows):
        row["episode_id"] = str(number)
    families = by_host(rows)
    if len(families) < len(fractions):
        with pytest.raises(ValueError, match="hosts cannot be split into"):
            divided(families, seed, fractions)
        return
    parts = divided(families, seed, fractions)
    side = {name: number for number, part in enumerate(parts) for name in part}
    assert sorted(side) == sorted(row["episode_id"] for row in rows)
    assert all(parts)
    for one in rows:
        for other in rows:
            same_seed = one["torch_seed"] is not None and one["torch_seed"] == other["torch_seed"]
            if same_seed or (one["run"], one["env"]) == (other["run"], other["env"]):
                assert side[one["episode_id"]] == side[other["episode_id"]]


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda pack: pack.dataset("nope"), "there is no feature or group 'nope': the groups are base, "),
        (lambda pack: pack.dataset(target="nope"), "there is no column 'nope' in decisions: there are episode_id, "),
        (lambda pack: pack.dataset(target="heads"), "give a column of numbers, texts or truths"),
        (lambda pack: pack.arrow("runs"), "there is no table 'runs': there are decisions, episodes"),
        (lambda pack: pack.split(0, [0.5, 0.6]), "fractions must be above 0 and add up to 1, not "),
        (lambda pack: pack.split(0, [0.4, 0.3, 0.3]), "2 hosts cannot be split into 3 parts: pack more environments"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(ask: Any, told: str, pack: Path) -> None:
    opened = nissa.open_pack(pack)
    with pytest.raises(ValueError, match=told):
        ask(opened)


def test_what_is_broken_is_nan_and_known(tmp_path: Path) -> None:
    from tests.sinks.data_pack.test_story import packed, story

    packed(tmp_path / "pack", story())
    data = nissa.open_pack(tmp_path / "pack").dataset(target="op")
    assert math.isnan(data[2].features[0])
    assert data[:].known.tolist() == [[False, False], [False, False], [True, False]]


def test_only_a_pack_is_opened(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"no data pack: manifest.json cannot be read"):
        nissa.open_pack(tmp_path)
