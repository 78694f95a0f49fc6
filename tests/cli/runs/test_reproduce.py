"""`nissa reproduce` on real runs: identical, or the first difference by name, or a refusal with its reasons."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from nissa.cli.main import main
from nissa.events.kinds import EpisodeEnded, FidelityFollowed, SeedGerminated
from nissa.pipeline.config import load
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import segments
from nissa.trainer.episode import Episode
from nissa.trainer.faults import Injection
from nissa.trainer.run import Settings, train

Capture = pytest.CaptureFixture[str]
Edit = Callable[..., Path]
FAULTS = tuple(map(Injection.parse, ("loss_spike@env0:ep0:epoch8", "nan@env0:ep0:epoch10")))
SHORT = ("--until", "ep0:epoch1")
ESPER = Path(__file__).parents[2] / "pipeline/sources/esper/esper_excerpt.jsonl"
OF_THE_MACHINE = ("heartbeat", "throughput_measured")
"""Kinds that no training makes come out the same."""


@pytest.fixture(scope="module", autouse=True)
def no_git() -> Iterator[None]:
    """As from a wheel: otherwise a checkout in which somebody works would be refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_DIR", "/nowhere")
        yield


@pytest.fixture(scope="module")
def small(no_git: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PPO, two episodes."""
    out = tmp_path_factory.mktemp("small") / "run"
    with Telemetry("small", out=out) as telemetry:
        train(Settings(policy="ppo", envs=1, episodes=2, epochs=3, seed=5), telemetry, out)
    return out


@pytest.fixture(scope="module", params=["live", "collector"])
def escalated(no_git: None, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The heuristic, and two faults that make the probes look closely: when, the clock says."""
    out = tmp_path_factory.mktemp(request.param) / "run"
    collector: Literal["process"] | None = "process" if request.param == "collector" else None
    config = load("standard", overrides=["mode=adaptive", "dense_budget=1"])

    def unhurried(episode: Episode, epoch: int) -> None:
        """Only once the collector has worked off what was before: a real network takes longer than it does."""
        assert telemetry.flush(60.0)
        run_epoch(episode, epoch)

    run_epoch = Episode.run_epoch
    with (
        pytest.MonkeyPatch.context() as patch,
        Telemetry("escalated", out=out, config=config, collector=collector) as telemetry,
    ):
        patch.setattr(Episode, "run_epoch", unhurried)
        train(Settings(policy="heuristic", envs=1, episodes=1, epochs=11, seed=3, injections=FAULTS), telemetry, out)
        assert telemetry.flush(60.0)
    return out


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of a run, each of whose emitted lines of a kind has gone through a function; None leaves it out."""

    def edit(run: Path, kind: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Path:
        copy = tmp_path / "edited"
        shutil.copytree(run, copy)
        (log,) = segments(copy)
        rows = [json.loads(line) for line in log.read_bytes().splitlines()]
        rows = [change(row) if row["kind"] == kind else row for row in rows]
        log.write_text("".join(f"{json.dumps(row)}\n" for row in rows if row))
        return copy

    return edit


def told(**data: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: row | {"data": row["data"] | data}


def hyperparameter(name: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: told(hyperparameters=row["data"]["hyperparameters"] | {name: value})(row)


def ended(capsys: Capture, *words: object) -> tuple[int, str, str]:
    return main(["reproduce", *map(str, words)]), *capsys.readouterr()


def found(run: Path, kind: type[Any]) -> list[Any]:
    events: list[Any] = []
    replay(run, [events.append])
    return [e for e in events if isinstance(e.payload, kind)]


def test_a_run_comes_out_the_same(small: Path, capsys: Capture, tmp_path: Path) -> None:
    status, said, _ = ended(capsys, small, "--out", tmp_path / "again")
    assert status == 0, said
    assert "Run small: ppo, 1 env, 2 episodes of 3 epochs, seed 5, 0 changes of fidelity to replay." in said
    assert "told: the commit of the run is not known" in said
    (line,) = [line for line in said.splitlines() if line.startswith("identical: ")]
    written = [json.loads(line)["kind"] for line in segments(small)[0].read_bytes().splitlines()]
    assert line.startswith(f"identical: {sum(kind not in OF_THE_MACHINE for kind in written):,} events")
    assert found(tmp_path / "again", EpisodeEnded)[-1].payload == found(small, EpisodeEnded)[-1].payload


def test_so_does_one_whose_probes_looked_closely_for_a_while_with_and_without_a_collector(
    escalated: Path, capsys: Capture
) -> None:
    assert next(e.payload.level for e in found(escalated, FidelityFollowed)) == "dense"
    status, said, _ = ended(capsys, escalated)
    assert status == 0, said
    assert "identical: " in said
    assert "0 changes of fidelity" not in said
    assert "derived ones are not in the log" not in said


def test_the_fidelity_is_replayed_where_the_log_has_it(escalated: Path, edited: Edit, capsys: Capture) -> None:
    def never(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"episode": 7}

    status, said, _ = ended(capsys, edited(escalated, "fidelity_followed", never))
    assert status == 1
    assert "gradients_measured (gone)" in said


def test_a_constant_of_the_trainer_that_was_another_is_the_first_difference(
    small: Path, edited: Edit, capsys: Capture
) -> None:
    status, said, _ = ended(capsys, edited(small, "run_started", hyperparameter("learning_rate", 0.5)), *SHORT)
    assert status == 1
    assert 'different: run_started: hyperparameters["learning_rate"] was 0.5, is 0.003.' in said
    assert "1 difference in" in said
    assert "run_started.hyperparameters" in said


def test_a_setting_that_was_another_is_trained_and_differs_first_where_it_was_told(
    small: Path, edited: Edit, capsys: Capture
) -> None:
    status, said, _ = ended(capsys, edited(small, "run_started", hyperparameter("seed", 6)), *SHORT)
    assert status == 1
    assert "different: run_started: base_seed was 5, is 6." in said
    assert "batch_completed.loss" in said


@pytest.mark.parametrize(
    ("was", "reason"),
    [
        ({"git_commit": "0123abc-dirty"}, "the run was trained with files that differ from its commit 0123abc"),
        ({"versions": {"python": "2.7"}}, "version of python was 2.7"),
        ({"numerics": {"cpu_capability": "NEON"}}, "numerics of cpu_capability was NEON"),
        ({"numerics": {"threads": "64"}}, "numerics of threads was 64, is 1"),
    ],
)
def test_other_conditions_are_refused(
    small: Path, edited: Edit, capsys: Capture, was: dict[str, Any], reason: str
) -> None:
    run = edited(small, "run_started", told(**was))
    status, _, complaint = ended(capsys, run)
    assert status == 2
    assert reason in complaint


def test_force_says_what_differs_and_goes_on(small: Path, edited: Edit, capsys: Capture) -> None:
    run = edited(small, "run_started", told(git_commit="0123abc-dirty"))
    status, said, _ = ended(capsys, run, "--force", *SHORT)
    assert status == 0, said
    assert "forced: the run was trained with files that differ from its commit 0123abc" in said


def test_a_log_with_a_gap_is_refused(small: Path, edited: Edit, capsys: Capture) -> None:
    def drop(row: dict[str, Any]) -> dict[str, Any] | None:
        return None if row["data"]["batch"] == 4 else row

    status, _, complaint = ended(capsys, edited(small, "batch_completed", drop))
    assert status == 2
    assert "the log lacks 6 events" in complaint


def test_what_is_no_training_of_ours_is_refused(small: Path, edited: Edit, capsys: Capture, tmp_path: Path) -> None:
    with Telemetry("empty", out=tmp_path / "empty"):
        pass
    with Telemetry("twice", out=tmp_path / "twice") as telemetry:
        for _ in range(2):
            train(Settings(policy="never", envs=1, episodes=1, epochs=1), telemetry)
    others = edited(small, "run_started", told(hyperparameters={"seed": 3, "policy": "mine"}))
    for run, reason in (
        (ESPER, "is a log of esper-lite, which trains elsewhere"),
        (tmp_path / "nowhere", "there is no such file or directory"),
        (tmp_path / "empty", "has no run_started"),
        (tmp_path / "twice", "was trained 2 times"),
        (others, "was not trained by `nissa demo` or `study`: its hyperparameters lack envs, episodes, epochs"),
    ):
        status, _, complaint = ended(capsys, run)
        assert (status, complaint.count("\n")) == (2, 1)
        assert reason in complaint


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--until", "ep2:epoch1"], "--until must be from ep0:epoch1 to ep1:epoch3, the end of this run"),
        (["--until", "ep0:epoch4"], "--until must be from ep0:epoch1 to ep1:epoch3, the end of this run"),
        (["--without", "nose"], "--without must be one of early, mid, late, not 'nose'"),
    ],
)
def test_a_place_or_a_slot_that_there_is_not_is_refused(
    small: Path, capsys: Capture, words: list[str], reason: str
) -> None:
    status, _, complaint = ended(capsys, small, *words)
    assert (status, complaint) == (2, f"nissa reproduce: {reason}\n")


@pytest.mark.parametrize(("until", "last"), [("ep0:epoch2", (0, 2)), ("ep0:epoch3", (0, 3)), ("ep1:epoch1", (1, 1))])
def test_until_stops_both_courses_there(
    small: Path, capsys: Capture, tmp_path: Path, until: str, last: tuple[int, int]
) -> None:
    status, said, _ = ended(capsys, small, "--until", until, "--out", tmp_path / "again")
    assert status == 0, said
    rows = [json.loads(line) for line in segments(small)[0].read_bytes().splitlines()]
    rows = [row for row in rows if row["kind"] not in (*OF_THE_MACHINE, "run_ended")]
    first = next(n for n, row in enumerate(rows) if "episode" in row and (row["episode"], row.get("epoch", 0)) > last)
    assert f"identical: {first:,} events" in said
    assert "did not come to its end" not in said
    trained = [json.loads(line) for line in segments(tmp_path / "again")[0].read_bytes().splitlines()]
    assert max((row["episode"], row.get("epoch", 0)) for row in trained if "episode" in row) == last


def test_a_run_that_was_killed_is_compared_as_far_as_it_got(small: Path, capsys: Capture, tmp_path: Path) -> None:
    content = segments(small)[0].read_bytes()
    (tmp_path / "killed.jsonl").write_bytes(content[: 2 * len(content) // 3])
    status, said, _ = ended(capsys, tmp_path / "killed.jsonl")
    assert status == 0, said
    assert "The run did not come to its end; it was compared as far as its log goes." in said


@pytest.mark.deep
def test_without_a_slot_nothing_germinates_there_and_both_accuracies_are_told(capsys: Capture, tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "without"
    with Telemetry("grown", out=run) as telemetry:
        train(Settings(policy="ppo", envs=1, episodes=1, epochs=12, seed=16), telemetry)
    assert [e.payload.slot for e in found(run, SeedGerminated)][:1] == ["mid"]
    status, said, _ = ended(capsys, run, "--without", "mid", "--out", other)
    assert status == 0
    assert "mid" not in [e.payload.slot for e in found(other, SeedGerminated)]
    (with_slot,), (without,) = ([e.payload for e in found(path, EpisodeEnded)] for path in (run, other))
    kept, final = ((getattr(e, f"{name}_accuracy") for e in (with_slot, without)) for name in ("kept", "final"))
    columns = [f"{a:.2f} {b:.2f} {a - b:+.2f}" for a, b in (kept, final)]
    assert " ".join(["0 1", *columns]) in [" ".join(line.split()) for line in said.splitlines()]
    assert "identical" not in said
