"""A study that trains: its judgement is of networks, environments and images that nothing before it has seen."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Event
from nissa.events.kinds import Action, SeedsAttributed
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.data import load_held_out
from nissa.trainer.environment import Environment
from nissa.trainer.network import CHANNELS
from nissa.trainer.policy.decision import Decision, never
from nissa.trainer.policy.situation import Situation
from nissa.trainer.run import run_round
from nissa.trainer.settings import Settings
from nissa.trainer.study import hosts
from nissa.trainer.study.hosts import train_hosts, twins_among
from nissa.trainer.study.judge import judge
from nissa.trainer.study.report import StudyReport
from nissa.trainer.study.settings import StudySettings
from nissa.trainer.study.study import run_study

ROOT = Path(__file__).parents[3]
TINY = StudySettings(seeds=2, envs=2, episodes=1, judged=1, epochs=1)


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyReport, Path]:
    out = tmp_path_factory.mktemp("study")
    done: list[int] = []
    report = run_study(TINY, out, workers=2, done=done.append)
    assert done == [0, 1]
    return report, out


def told(run: Path, kind: str) -> Iterator[dict[str, Any]]:
    for segment in sorted(run.glob("events-*.jsonl")):
        events = map(json.loads, segment.read_text().splitlines())
        yield from (event for event in events if event["kind"] == kind)


@pytest.mark.deep
def test_how_many_workers_there_are_changes_no_figure(studied: tuple[StudyReport, Path]) -> None:
    report, _ = studied
    assert run_study(TINY, workers=1) == report


@pytest.mark.deep
def test_each_group_and_seed_is_a_run_of_its_own(studied: tuple[StudyReport, Path]) -> None:
    _, out = studied
    groups = ("hosts", "ppo-training", "ppo", "heuristic", "random", "heuristic+unisolated")
    names = {f"study-{group.removesuffix('-training')}-seed{seed}" for group in groups for seed in (0, 1)}
    assert {run.name for run in out.iterdir()} == names | {f"study-ppo-seed{seed}-training" for seed in (0, 1)}


@pytest.mark.deep
def test_all_groups_are_judged_in_the_same_environments_and_nobody_has_trained_there(
    studied: tuple[StudyReport, Path],
) -> None:
    _, out = studied
    seeds = {run.name: {e["data"]["torch_seed"] for e in told(run, "episode_started")} for run in out.iterdir()}
    assert seeds["study-ppo-seed1-training"] == {1000, 1001}
    for group in ("ppo", "heuristic", "random", "heuristic+unisolated"):
        assert seeds[f"study-{group}-seed1"] == {1500, 1501}
    (started,) = told(out / "study-ppo-seed1", "run_started")
    assert started["data"]["hyperparameters"]["trained_in"] == "study-ppo-seed1-training"


@pytest.mark.deep
def test_a_policy_that_never_learned_starts_as_ppo_does_and_is_not_updated(studied: tuple[StudyReport, Path]) -> None:
    _, out = studied
    assert len([*told(out / "study-ppo-seed0-training", "policy_updated")]) == 1
    assert not [*told(out / "study-random-seed0", "policy_updated"), *told(out / "study-ppo-seed0", "policy_updated")]
    first = [next(told(out / f"study-{run}", "decision_made")) for run in ("random-seed0", "ppo-seed0-training")]
    values = [one["data"]["heads"]["op"]["log_prob"] for one in first]
    assert values[0] == pytest.approx(values[1], abs=0.05)


def test_nothing_but_the_study_reads_the_held_out_images() -> None:
    readers = {
        str(file.relative_to(ROOT / "trainer").parent)
        for floor in ("trainer", "cli", "pipeline", "operators")
        for file in (ROOT / floor).rglob("*.py")
        if re.search(r"\bload_held_out\b", file.read_text())
    }
    assert readers == {"data", "study"}


def test_the_host_of_the_usual_width_is_the_twin_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "WIDTHS", (CHANNELS, (3, 3, 3)))
    settings = Settings(policy="never", envs=2, episodes=1, epochs=2, seed=5)
    with Telemetry("hosts") as telemetry:
        found = train_hosts(settings, telemetry)
        env = Environment(1, settings, never, telemetry)
    assert [(host.env, host.params) for host in found] == [(0, 1256), (0, 238), (1, 1256), (1, 238)]
    twin = twins_among(found)[1]
    images, labels = load_held_out()
    hits = (env.alone(images).argmax(1) == labels).float().mean()
    assert twin.validation == env.twin.val_accuracies[-1]
    assert twin.held_out == pytest.approx(100 * hits.item())


def grow_one(situation: Situation) -> Decision:
    """One seed at once, kept as soon as that can be."""
    (early, *_) = situation.slots
    action = Action(op="WAIT")
    if situation.germinated == 0:
        action = Action(op="GERMINATE", slot="early", blueprint="depthwise", blend="linear")
    elif early.stable:
        action = Action(op="FOSSILIZE", slot="early")
    return replace(never(situation), action=action)


def test_an_episode_is_judged_by_what_it_kept_on_images_that_nobody_saw() -> None:
    settings = Settings(policy="heuristic", unisolated=True, envs=1, episodes=1, epochs=12, seed=2)
    seen: list[Event[Any]] = []
    with Telemetry("judged", sinks={"seen": seen.append}) as telemetry:
        (judged,), shapley = judge(grow_one, settings, telemetry)
    with Telemetry("again") as telemetry:
        env = Environment(0, settings, grow_one, telemetry)
        (episode,) = run_round([env], 0, 12)
        record = episode.end()
    images, labels = load_held_out()
    hits = (env.model(images).argmax(1) == labels).float().mean()
    assert judged.held_out == pytest.approx(100 * hits.item())
    assert (judged.kept, judged.final) == (record.kept, record.final)
    attributed = [event for event in seen if isinstance(event.payload, SeedsAttributed)]
    assert len(attributed) == 12
    assert shapley == {"depthwise": [attributed[-1].payload.seeds[0].shapley]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"seeds": 0}, "seeds must be at least 1, not 0"), ({"envs": 501}, "envs must be at most 500, not 501")],
)
def test_wrong_settings_are_refused_with_what_is_allowed(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StudySettings(**wrong)
