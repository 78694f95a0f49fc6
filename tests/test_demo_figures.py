"""The figures that one draws conclusions from, worked out anew from the lines of the demo's log, and from nothing else.

No operator of ours takes part, nor any payload class: dictionaries, and scipy's t.
"""

import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scipy import stats  # type: ignore[import-untyped]

Line = dict[str, Any]
Place = tuple[int, int]


@pytest.fixture(scope="module")
def lines(demo: Path) -> list[Line]:
    """What the trainer told, in order; what operators derived is left out."""
    files = sorted(demo.glob("events-*"))
    told = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return sorted((line for line in told if "seq" in line), key=lambda line: line["seq"])


@pytest.fixture(scope="module")
def document(demo: Path) -> dict[str, Any]:
    """What Nissa says of it."""
    command = [sys.executable, "-m", "nissa.cli.main", "replay", str(demo), "--json"]
    document: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return document


def of(lines: list[Line], *kinds: str, env: int | None = None, episode: int | None = None) -> list[Line]:
    return [
        line
        for line in lines
        if line["kind"] in kinds
        and (env is None or line.get("env") == env)
        and (episode is None or line.get("episode") == episode)
    ]


def curves(lines: list[Line]) -> dict[int, dict[int, float]]:
    """Each twin's validation accuracy by epoch, from 0."""
    found: dict[int, dict[int, float]] = {}
    for line in of(lines, "host_baseline_measured"):
        found[line["env"]] = {0: line["data"]["initial_accuracy"]}
    for line in of(lines, "host_baseline_epoch"):
        found.setdefault(line["env"], {})[line["epoch"]] = line["data"]["val_accuracy"]
    return found


def places(lines: list[Line]) -> list[Place]:
    return [(line["env"], line["episode"]) for line in of(lines, "episode_ended")]


def interval(by_env: dict[int, list[float]]) -> tuple[float, float, float]:
    """Mean of each environment first, then Student's t over environments."""
    means = [statistics.fmean(values) for values in by_env.values()]
    half = stats.t.ppf(0.975, len(means) - 1) * statistics.stdev(means) / math.sqrt(len(means))
    return statistics.fmean(means), statistics.fmean(means) - half, statistics.fmean(means) + half


def test_the_twin_is_told_epoch_by_epoch_and_ends_as_was_measured(lines: list[Line]) -> None:
    for env, curve in curves(lines).items():
        (end,) = of(lines, "host_baseline_measured", env=env)
        assert sorted(curve) == list(range(end["data"]["epochs"] + 1))
        assert curve[end["data"]["epochs"]] == end["data"]["final_accuracy"]


def test_each_episode_has_accuracy_beside_the_growth_of_the_same_network(
    lines: list[Line], document: dict[str, Any]
) -> None:
    rows = {(row["env"], row["episode"]): row for row in document["episodes"]}
    assert sorted(rows) == sorted(places(lines))
    cut = 0
    for (env, episode), row in rows.items():
        last = of(lines, "epoch_completed", env=env, episode=episode)[-1]
        here = of(lines, "seed_fossilized", env=env, episode=episode)
        host, kept_params = last["data"]["host_params"], sum(line["data"]["params_added"] for line in here)
        assert row["final_accuracy"] == last["data"]["val_accuracy"]
        assert row["final_growth_ratio"] == pytest.approx(last["data"]["total_params"] / host)
        assert row["kept_growth_ratio"] == pytest.approx((host + kept_params) / host)
        slots = last["data"]["slots"]
        passing = [slot["slot"] for slot in slots if slot.get("seed") and slot["stage"] != "FOSSILIZED"]
        cut += bool(passing)
        if not passing:
            assert (row["kept_accuracy"], row["kept_growth_ratio"]) == (
                row["final_accuracy"],
                row["final_growth_ratio"],
            )
        kept = without(lines, env, episode, {slot["slot"] for slot in slots if slot["stage"] == "FOSSILIZED"})
        assert kept is None or row["kept_accuracy"] == pytest.approx(kept)
        twin = curves(lines)[env]
        assert row["twin_final_accuracy"] == twin[last["epoch"]]
        assert row["twin_peak_accuracy"] == max(twin[epoch] for epoch in range(1, last["epoch"] + 1))
    assert cut, "no episode of this demo lost a seed at its end: the test shows nothing"


def without(lines: list[Line], env: int, episode: int, fossils: set[str]) -> float | None:
    """What the log's own factorial of the last epoch measured of the network that is kept."""
    last = of(lines, "epoch_completed", env=env, episode=episode)[-1]["epoch"]
    told = [line for line in of(lines, "counterfactual_measured", env=env, episode=episode) if line["epoch"] == last]
    for line in told:
        wanted = [slot in fossils for slot in line["data"]["slots"]]
        found = [row["val_accuracy"] for row in line["data"]["results"] if row["config"] == wanted]
        return float(found[0])
    return None


def test_the_verdict_is_kept_against_twin_over_environments(lines: list[Line], document: dict[str, Any]) -> None:
    (verdict,) = document["verdicts"]
    twins = curves(lines)
    deltas: dict[str, dict[int, list[float]]] = {"kept": {}, "final": {}}
    ratios: dict[str, dict[int, list[float]]] = {"kept": {}, "final": {}}
    for end in of(lines, "episode_ended"):
        env, data = end["env"], end["data"]
        twin = twins[env][data["epochs"]]
        growth = {"kept": data["growth_ratio"], "final": data["final_growth_ratio"]}
        for which in ("kept", "final"):
            accuracy = data[f"{which}_accuracy"]
            deltas[which].setdefault(env, []).append(accuracy - twin)
            ratios[which].setdefault(env, []).append((accuracy / growth[which]) / twin)
    mean, low, high = interval(deltas["kept"])
    found = [verdict[f"kept_training_delta_{part}"] for part in ("mean", "low", "high")]
    assert found == pytest.approx([mean, low, high], abs=1e-9)
    found = [verdict[f"final_training_delta_{part}"] for part in ("mean", "low", "high")]
    assert found == pytest.approx(interval(deltas["final"]), abs=1e-9)
    beyond = [delta for env in deltas["kept"].values() for delta in env]
    assert verdict["accuracy_wins"] == sum(delta > 0 for delta in beyond)
    assert verdict["accuracy_ties"] == beyond.count(0.0)
    assert verdict["efficiency_episodes"] == verdict["compared"] == len(beyond)
    assert verdict["efficiency_ratio_mean"] == pytest.approx(interval(ratios["kept"])[0])
    assert verdict["final_efficiency_ratio_mean"] == pytest.approx(interval(ratios["final"])[0])
    assert verdict["efficiency_wins"] == sum(ratio > 1 for env in ratios["kept"].values() for ratio in env)
    assert (verdict["envs"], verdict["episodes"], verdict["unended"]) == (2, len(places(lines)), 0)
    assert verdict["shown"] == ("better" if low > 0 else "worse" if high < 0 else "not shown")


def test_a_peak_is_compared_with_the_twins_over_as_many_epochs(lines: list[Line], document: dict[str, Any]) -> None:
    (verdict,) = document["verdicts"]
    deltas: dict[int, list[float]] = {}
    for env, episode in places(lines):
        told = of(lines, "epoch_completed", env=env, episode=episode)
        twin = max(curves(lines)[env][epoch] for epoch in range(1, told[-1]["epoch"] + 1))
        deltas.setdefault(env, []).append(max(line["data"]["val_accuracy"] for line in told) - twin)
    found = [verdict[f"peak_training_delta_{part}"] for part in ("mean", "low", "high")]
    assert found == pytest.approx(interval(deltas), abs=1e-9)


def test_seeds_that_were_never_mixed_in_had_no_share_in_any_epoch(lines: list[Line], document: dict[str, Any]) -> None:
    shares: dict[str, float] = {}
    for line in of(lines, "epoch_completed", "stage_changed"):
        slots = line["data"]["slots"] if line["kind"] == "epoch_completed" else [line["data"]]
        for slot in slots:
            if slot.get("seed") is not None and slot.get("alpha") is not None:
                shares[slot["seed"]] = max(slot["alpha"], shares.get(slot["seed"], 0.0))
    ends = [line["data"] for line in of(lines, "seed_culled")]
    for row in document["blueprints"]:
        mine = [end for end in ends if end["blueprint"] == row["blueprint"] and shares.get(end["seed"]) == 0.0]
        assert row["never_mixed"] == sum(end.get("accuracy_before") is None for end in mine)
    assert sum(row["never_mixed"] for row in document["blueprints"]), "no seed of this demo: the test shows nothing"


def test_net_gains_are_changes_minus_what_the_twin_gained_between_the_same_validations(
    lines: list[Line], document: dict[str, Any]
) -> None:
    gains: dict[str, dict[int, list[float]]] = {}
    twins, now, born = curves(lines), dict[Place, int](), dict[str, int]()
    for line in of(lines, "epoch_completed", "seed_germinated", "seed_fossilized", "seed_culled"):
        place, data = (line["env"], line["episode"]), line["data"]
        if line["kind"] == "epoch_completed":
            now[place] = line["epoch"]
        elif line["kind"] == "seed_germinated":
            born[data["seed"]] = now.get(place, 0)
        else:
            twin = twins[line["env"]]
            share = twin[now.get(place, 0)] - twin[born[data["seed"]]]
            gains.setdefault(data["blueprint"], {}).setdefault(line["env"], []).append(data["improvement"] - share)
    for row in document["blueprints"]:
        mine = gains.get(row["blueprint"], {})
        assert row["net_gain_n"] == sum(map(len, mine.values())) == row["fossilized"] + row["culled"]
        assert row["net_gain_envs"] == len(mine)
        assert row["net_gain_mean"] == pytest.approx(statistics.fmean(map(statistics.fmean, mine.values())))
        if len(mine) > 1:
            found = [row[f"net_gain_{part}"] for part in ("mean", "low", "high")]
            assert found == pytest.approx(interval(mine), abs=1e-9)


def test_true_churn_is_what_the_cull_itself_cost(lines: list[Line], document: dict[str, Any]) -> None:
    drops: dict[str, dict[int, list[float]]] = {}
    for line in of(lines, "seed_culled"):
        data = line["data"]
        if data.get("accuracy_before") is not None:
            drop = data["accuracy_before"] - data["accuracy_after"]
            drops.setdefault(data["blueprint"], {}).setdefault(line["env"], []).append(drop)
    assert drops
    for row in document["blueprints"]:
        mine = drops.get(row["blueprint"], {})
        assert row["cull_drop_n"] == sum(map(len, mine.values()))
        assert row["cull_drop_envs"] == len(mine)
        mean = statistics.fmean(map(statistics.fmean, mine.values())) if mine else None
        assert row["cull_drop_mean"] == (None if mean is None else pytest.approx(mean))


def test_what_ends_cut_off_and_what_was_preferred_late_are_counted_apart(
    lines: list[Line], document: dict[str, Any]
) -> None:
    """Of three episodes, the last is the last quarter."""
    culls, births = of(lines, "seed_culled"), of(lines, "seed_germinated", episode=2)
    for row in document["blueprints"]:
        mine = [line["data"] for line in culls if line["data"]["blueprint"] == row["blueprint"]]
        assert row["cut_off"] == sum(data["initiator"] == "episode_end" for data in mine)
        assert row["late_germinated"] == sum(line["data"]["blueprint"] == row["blueprint"] for line in births)
