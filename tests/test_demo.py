"""The main job end to end: real training, its log, its terminal, and a real Prometheus that scrapes it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.trainer.run import Settings, train
from tests.waiting import LIMIT


def test_the_demo_leaves_a_whole_log_and_says_where_it_is(demo: Path) -> None:
    said = demo.with_suffix(".txt").read_text()
    assert f"nissa replay {demo}" in said
    assert re.search(r"Metrics at http://127\.0\.0\.1:\d+/metrics", said)
    assert re.search(r"run ended    completed after .*; telemetry took \d+\.\d% of the CPU", said)
    assert all(title in said for title in ("Blueprints", "Scoreboard", "Best runs"))
    reading = replay(demo).reading
    assert (reading.malformed, reading.dropped, reading.duplicates) == (0, 0, 0)
    assert json.loads((demo / "manifest.json").read_text())["closed"] is True
    assert not (demo / "dead-letters.jsonl").exists()


def test_the_tables_of_the_demo_equal_a_plain_count_over_its_log(demo: Path) -> None:
    lines = [json.loads(line) for file in sorted(demo.glob("events-*")) for line in file.read_text().splitlines()]
    emitted = [line for line in lines if "seq" in line]
    command = [sys.executable, "-m", "nissa.cli.main", "replay", str(demo), "--json"]
    document = json.loads(subprocess.check_output(command, text=True))
    assert document["events"]["read"] == len(emitted)
    assert document["events"]["derived_different"] == 0
    for row in document["blueprints"]:
        mine = [line for line in emitted if line["data"].get("blueprint") == row["blueprint"]]
        for name in ("germinated", "fossilized", "culled"):
            assert row[name] == sum(line["kind"] == f"seed_{name}" for line in mine)
        gains = [line["data"]["improvement"] for line in mine if line["kind"] == "seed_fossilized"]
        assert row["acc_delta_mean"] == (pytest.approx(sum(gains) / len(gains)) if gains else None)
    best = {(row["env"], row["episode"]): row for row in document["best_runs"]}
    assert len(best) == 6
    for (env, episode), row in best.items():
        epochs = [e for e in emitted if e["kind"] == "epoch_completed" and (e["env"], e["episode"]) == (env, episode)]
        peak = max(epochs, key=lambda e: (e["data"]["val_accuracy"], -e["epoch"]))["data"]
        assert row["peak_accuracy"] == peak["val_accuracy"]
        assert row["growth_ratio"] == peak["total_params"] / peak["host_params"]
        assert row["efficiency"] == row["peak_accuracy"] / row["growth_ratio"]


GAUGES = {
    "nissa_live_growth_ratio": "growth_ratio",
    "nissa_compute_cost_ratio": "compute_cost",
    "nissa_flops_ratio": "flops_ratio",
}
COUNTERS = {
    "nissa_seeds_germinated_total": "germinated",
    "nissa_seeds_fossilized_total": "fossilized",
    "nissa_seeds_culled_total": "culled",
    "nissa_parameters_added_total": "params_added",
}
MEANS = {
    "nissa_blueprint_accuracy_delta_mean_ratio": "acc_delta_mean",
    "nissa_blueprint_churn_mean_ratio": "churn_mean",
}


def test_what_prometheus_scraped_from_a_training_equals_its_replay(tmp_path: Path, prometheus: Any) -> None:
    with Telemetry("scraped", out=tmp_path / "run", metrics=("127.0.0.1", 0)) as telemetry:
        instance = prometheus.scrape(telemetry.metrics_url)
        train(Settings(policy="heuristic", envs=2, episodes=1, epochs=45, seed=0), telemetry)
        assert telemetry.flush(LIMIT)
        at = prometheus.scraped(instance)
        asked = {
            name: f'{name}{{instance="{instance}"}}' for name in (*GAUGES, *COUNTERS, *MEANS, "nissa_events_total")
        }
        found = {name: prometheus.query(promql, at) for name, promql in asked.items()}
    again = replay(tmp_path / "run")
    tables = again.tables.snapshot()
    assert sum(row["fossilized"] for row in tables["scoreboards"])
    for name, field in GAUGES.items():
        expected = {str(row["env"]): row[field] for row in tables["scoreboards"]}
        assert {labels["env"]: value for labels, value in found[name]} == expected
    for name, field in COUNTERS.items():
        expected = {str(row["env"]): row[field] for row in tables["scoreboards"]}
        assert {env: sum(v for labels, v in found[name] if labels["env"] == env) for env in expected} == expected
    for name, field in MEANS.items():
        expected = {row["blueprint"]: row[field] / 100 for row in tables["blueprints"] if row[field] is not None}
        assert {labels["blueprint"]: value for labels, value in found[name]} == expected
    counts = {labels["kind"]: value for labels, value in found["nissa_events_total"]}
    assert counts["batch_completed"] == again.reading.by_kind["batch_completed"] == 2 * 45 * 17
    assert counts["blueprint_summarized"] == sum(
        counts[f"seed_{end}"] for end in ("germinated", "fossilized", "culled")
    )


def test_promtool_finds_nothing_to_complain_of_in_the_demo(demo: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool on this machine: apt-get install prometheus")
    sink = PrometheusSink()
    replay(demo, [sink])
    registry = CollectorRegistry()
    registry.register(sink)
    page = generate_latest(registry)
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
