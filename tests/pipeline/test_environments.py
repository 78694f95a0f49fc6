"""Environments may bear numbers and names in one run: none is mixed up with another, and all are shown in one order."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

from nissa.cli.main import main
from nissa.events.event import Env, Event, Scope
from nissa.events.kinds import (
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    GradientsMeasured,
    HostBaselineMeasured,
    LayerGradients,
    ProbesConfigured,
    RunEnded,
    RunStarted,
    SeedFossilized,
    SeedGerminated,
)
from nissa.operators import default_operators
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.console import ConsoleSink, summary
from nissa.sinks.prometheus import PrometheusSink
from nissa.sinks.run_log import RunLog
from nissa.sinks.tables import Tables
from tests.pipeline.test_not_measured import made, refuse

ENVS: tuple[Env, ...] = ("walker", 10, "5", 2, 5, "CartPole-v1")
IN_ORDER: list[Env] = [2, 5, 10, "5", "CartPole-v1", "walker"]


def story(envs: tuple[Env, ...]) -> Iterator[Event[Any]]:
    """The nth environment germinates and fossilizes n + 1 seeds, and comes to 50 + n percent."""
    told: list[tuple[Any, Env | None, int | None]] = [(RunStarted(), None, None), (made(ProbesConfigured), None, None)]
    for nth, env in enumerate(envs):
        twin = HostBaselineMeasured(epochs=1, final_accuracy=40.0, host_params=100)
        start = EpisodeStarted(policy="ppo", host_params=100)
        seeds = [(made(SeedGerminated), env, 1), (made(SeedFossilized), env, 1)] * (nth + 1)
        epoch = EpochCompleted(val_loss=0.5, val_accuracy=50.0 + nth)
        end = EpisodeEnded(outcome="completed", final_accuracy=50.0 + nth, epochs=1)
        told += [(twin, env, None), (start, env, None), *seeds, (made(GradientsMeasured), env, 1), (epoch, env, 1)]
        told.append((end, env, None))
    told.append((RunEnded(outcome="completed", duration=1.0), None, None))
    for seq, (payload, where, number) in enumerate(told):
        group, episode = (None, None) if where is None else ("ppo", 0)
        yield Event(seq, float(seq), Scope("run", group, where, episode, number), payload)


@pytest.fixture
def seen(tmp_path: Path) -> tuple[dict[str, Any], str, str, Path]:
    """Tables, terminal and scrape of that run, and its log."""
    screen, tables, metrics = Console(file=StringIO(), width=200), Tables(), PrometheusSink()
    log, terminal, registry = RunLog(tmp_path / "run"), ConsoleSink(screen), CollectorRegistry()
    registry.register(metrics)
    consumers: dict[str, Any] = {"terminal": terminal, "tables": tables, "metrics": metrics, "log": log}
    dispatcher = Dispatcher(default_operators(), consumers, refuse)
    for event in story(ENVS):
        dispatcher.deliver(event)
    terminal.close()
    log.close()
    assert isinstance(screen.file, StringIO)
    return tables.snapshot(), screen.file.getvalue(), generate_latest(registry).decode(), tmp_path / "run"


Seen = tuple[dict[str, Any], str, str, Path]


def test_numbers_and_names_that_look_alike_are_counted_apart(seen: Seen) -> None:
    tables, nth = seen[0], {env: n for n, env in enumerate(ENVS)}
    assert {row["env"]: row["fossilized"] for row in tables["scoreboards"]} == {env: n + 1 for env, n in nth.items()}
    assert {row["env"]: row["final_accuracy"] for row in tables["episodes"]} == {
        env: 50.0 + n for env, n in nth.items()
    }
    assert tables["verdicts"][0]["envs"] == len(ENVS)


def test_all_tables_show_numbers_by_size_and_names_after_them(seen: Seen) -> None:
    for name in ("scoreboards", "episodes", "assessments", "features", "layers"):
        assert list(dict.fromkeys(row["env"] for row in seen[0][name])) == IN_ORDER, name
    rows = re.findall(r"^ppo +(\S+) +\d+ +\d+ ", seen[1].partition("Scoreboard")[2], re.MULTILINE)
    assert rows[: len(IN_ORDER)] == [str(env) for env in IN_ORDER]


def test_a_log_keeps_them_as_they_are(seen: Seen) -> None:
    found = replay(seen[3])
    assert (found.reading.malformed, found.different, found.only_computed) == (0, 0, 0)
    assert found.tables.snapshot() == seen[0]


def test_on_metrics_a_number_and_its_text_are_one_label_of_which_counters_are_the_sum(seen: Seen) -> None:
    lines = [line.rpartition(" ") for line in seen[2].splitlines() if not line.startswith("#")]
    assert max(Counter(series for series, _, _ in lines).values()) == 1
    found = {
        re.search('env="(.*?)"', series)[1]: float(value)  # type: ignore[index]
        for series, _, value in lines
        if series.startswith("nissa_seeds_fossilized_total{")
    }
    assert found == {"walker": 1.0, "10": 2.0, "2": 4.0, "5": 3.0 + 5.0, "CartPole-v1": 6.0}
    [accuracy] = [v for series, _, v in lines if series.startswith("nissa_val_accuracy_ratio{") and 'env="5"' in series]
    assert float(accuracy) == 0.54, "that of the environment that began last"


@pytest.mark.parametrize(("asked", "count"), [("5", 2), ("10", 1), ("walker", 1), ("nobody", 0)])
def test_show_takes_a_number_or_a_name(seen: Seen, capsys: pytest.CaptureFixture[str], asked: str, count: int) -> None:
    assert main(["show", str(seen[3]), "--env", asked, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [str(row["env"]) for row in document["episodes"]] == [asked] * count
    assert main(["show", str(seen[3]), "--env", asked, "--kind", "episode_ended", "--json"]) == 0
    assert [str(row["env"]) for row in json.loads(capsys.readouterr().out)["events"]] == [asked] * count
    assert main(["show", str(seen[3]), "--env", asked]) == 0
    assert ("No episode of these was told." in capsys.readouterr().out) == (count == 0)


def test_names_of_other_types_stop_no_table_and_no_terminal() -> None:
    """A trainer may give numbers for slots, layers and blueprints: they are the names that they look like."""
    gradients, layer = made(GradientsMeasured), made(LayerGradients)
    screen = Console(file=StringIO(), width=200)
    names: list[Any] = [3, "norm", 1.5]
    with Telemetry("run", sinks={"terminal": ConsoleSink(screen)}) as telemetry:
        for env, name in enumerate([*names, *names]):
            emitter = telemetry.scope(group="ppo", env=env if env % 2 else str(name), episode=0, epoch=1)
            emitter.emit(RunStarted(slot_config={name: None}))
            emitter.emit(SeedGerminated(slot=name, seed=name, blueprint=name))
            emitter.emit(replace(gradients, layers={name: layer, "conv": layer}))
            emitter.emit(EpochCompleted(val_loss=1.0, seed_grad_norms={name: float("nan")}))
            emitter.emit(SeedFossilized(slot=name, seed=name, blueprint=name, improvement=1.0))
            emitter.emit(EpisodeEnded(outcome="completed"))
        assert telemetry.flush()
        assert not telemetry.state().faults
        assert [row["blueprint"] for row in telemetry.snapshot()["blueprints"]] == ["1.5", "3", "norm"]
        screen.print(summary(telemetry.snapshot()))
