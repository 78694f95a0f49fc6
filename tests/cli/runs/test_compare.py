"""`nissa compare` over runs on disk: figures by hand, what is left out and why, JSON, and a picture that is SVG."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from scipy import stats  # type: ignore[import-untyped]

from nissa.cli.main import main
from nissa.events.kinds import EpisodeEnded, HostBaselineMeasured, RunStarted
from nissa.pipeline.telemetry import Telemetry

Capture = pytest.CaptureFixture[str]
Make = Callable[..., Path]
TWIN = HostBaselineMeasured(
    initial_loss=2.0, initial_accuracy=10.0, final_loss=0.5, final_accuracy=90.0, epochs=2, host_params=1000
)


def ended(kept: float) -> EpisodeEnded:
    told: dict[str, Any] = {"outcome": "completed", "epochs": 2, "final_growth_ratio": 1.5, "growth_ratio": 1.25}
    return EpisodeEnded(final_accuracy=95.0, kept_accuracy=kept, germinated=1, fossilized=1, **told)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a run: by environment, the kept accuracies of its episodes."""

    def written(name: str, *envs: Sequence[float], group: str = "ppo", seed: int | None = None, **more: Any) -> Path:
        out = tmp_path / name
        with Telemetry(name.replace("/", "-"), out=out) as telemetry:
            telemetry.emit(RunStarted(base_seed=seed))
            for env, accuracies in enumerate(envs):
                scope = telemetry.scope(group=group, env=env)
                if more.get("twin", True):
                    scope.emit(TWIN)
                for number, accuracy in enumerate(accuracies):
                    scope.move(episode=number, epoch=2)
                    scope.emit(ended(accuracy))
        return out

    return written


def document(capsys: Capture, *words: Any, status: int = 0) -> dict[str, Any]:
    assert main(["compare", *map(str, words), "--json"]) == status
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_runs_of_a_folder_are_compared_by_group(make: Make, tmp_path: Path, capsys: Capture) -> None:
    ours, theirs = [92.0, 93.0, 91.5, 96.0, 92.5, 93.5], [90.5, 90.0, 90.25, 89.0, 90.0, 90.5]
    for seed, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        make(f"study/ppo{seed}", [our - 1, our], [our + 1, our], seed=seed)
        make(f"study/heuristic{seed}", [their], group="heuristic", seed=seed)
    found = document(capsys, tmp_path / "study")
    assert (found["unit"], found["left_out"]) == ("run", [])
    heuristic, ppo = found["groups"]
    assert (heuristic["group"], ppo["group"]) == ("heuristic", "ppo")
    gains = [our - 90 for our in ours]
    assert [row["figures"]["kept_training_delta"] for row in ppo["repetitions"]] == pytest.approx(gains)
    delta = ppo["figures"]["kept_training_delta"]
    assert delta["iqm"] == pytest.approx(stats.trim_mean(gains, 0.25))
    assert 0 < delta["low"] < delta["iqm"] < delta["high"]
    assert (ppo["shown"], heuristic["shown"], found["pairs"][0]["shown"]) == ("better", "not shown", "worse")
    assert found["pairs"][0]["probability_of_improvement"]["estimate"] == 0
    assert ppo["figures"]["growth_ratio"] == {"iqm": 1.25, "low": 1.25, "high": 1.25}


def test_one_run_of_a_group_is_compared_over_its_environments_and_too_few_show_nothing(
    make: Make, capsys: Capture
) -> None:
    path = make("one", [92.0], [93.0], [94.0])
    found = document(capsys, path)
    assert (found["unit"], found["groups"][0]["shown"]) == ("environment", "not shown")
    assert main(["compare", str(path)]) == 0
    said = capsys.readouterr().out
    assert "not shown: it takes 6" in said
    assert "this is about these runs alone" in said


def test_only_the_last_episodes_of_each_environment_may_count(make: Make, capsys: Capture) -> None:
    path = make("one", [80.0, 91.0, 93.0], [80.0, 92.0, 92.0])
    rows = document(capsys, path, "--last", 2)["groups"][0]["repetitions"]
    assert [(row["figures"]["kept_training_delta"], row["episodes"], row["finished"]) for row in rows] == [
        (2.0, 2, 3)
    ] * 2


def test_names_make_arms_of_the_same_group_and_the_same_seed(make: Make, capsys: Capture) -> None:
    before, after = make("b", [91.0], [92.0], seed=0), make("a", [93.0], [94.0], seed=0)
    found = document(capsys, f"before={before}", f"after={after}")
    assert [row["group"] for row in found["groups"]] == ["before ppo", "after ppo"]
    assert found["pairs"][0]["differences"]["kept_training_delta"]["iqm"] == -2.0
    (left,) = document(capsys, before, after)["left_out"]
    assert left["reason"] == f"seed 0 again, as {before}: to compare the two, name them, A={before} B={after}"


def test_what_is_no_repetition_is_named_and_left_out(make: Make, tmp_path: Path, capsys: Capture) -> None:
    good, alone, begun = make("good", [92.0]), make("alone", [92.0], twin=False), make("begun")
    again = tmp_path / "again"
    again.symlink_to(good)
    found = document(capsys, good, alone, begun, again)
    assert {row["path"]: row["reason"] for row in found["left_out"]} == {
        f"{alone}, group ppo": "no twin: no host trained alone for as many epochs was told of",
        str(begun): "no episode of it has ended",
        str(again): f"the same run as {good}",
    }
    assert len(found["groups"][0]["repetitions"]) == 1


def test_what_cannot_be_read_is_named_and_ends_with_status_one(make: Make, tmp_path: Path, capsys: Capture) -> None:
    good, torn = make("good", [92.0]), make("torn", [92.0])
    (log,) = torn.glob("events-*.jsonl")
    log.write_bytes(b"no event\n" + log.read_bytes())
    reasons = [row["reason"] for row in document(capsys, good, torn, tmp_path / "gone", status=1)["left_out"]]
    assert "of the lines are no events" in reasons[0]
    assert reasons[1] == "there is no such file or directory"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gone"], "nissa compare: there is nothing to compare; gone: there is no such file or directory"),
        ([".", "--last", "0"], "'0' is no whole number from 1 up"),
        ([], "the following arguments are required: RUN"),
    ],
)
def test_a_question_that_has_no_answer_is_one_clear_line(
    words: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["compare", *words])
    except SystemExit as error:
        status = int(str(error.code))
    assert status == 2
    assert complaint in capsys.readouterr().err


def test_a_picture_shows_each_repetition_and_interval_and_names_are_text(
    make: Make, tmp_path: Path, capsys: Capture
) -> None:
    runs = [make(f"r{n}", [91.0 + n], group="<b>&'ppo'", seed=n) for n in range(3)]
    assert main(["compare", *map(str, runs), "--plot", str(tmp_path / "p.svg")]) == 0
    drawn = ElementTree.parse(tmp_path / "p.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    kinds = [(of.tag.removeprefix(space), of.get("class")) for of in drawn.iter()]
    # Three panels: against the twin, efficiency, growth.
    assert (kinds.count(("circle", "r")), kinds.count(("circle", "m")), kinds.count(("line", "i"))) == (9, 3, 3)
    assert "<b>&'ppo'" in [text.text for text in drawn.iter(f"{space}text")]
    width = float(drawn.get("width", ""))
    assert all(0 <= float(dot.get("cx", "")) <= width for dot in drawn.iter(f"{space}circle"))
    capsys.readouterr()
    assert main(["compare", str(runs[0]), "--plot", str(tmp_path / "none/p.svg")]) == 2
    assert "cannot write" in capsys.readouterr().err
