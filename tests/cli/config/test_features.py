"""What is measured, and the features that come of it, as a user asks for them on the command line."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nissa.cli.config.demo_host import CLASSES, LAYERS, SLOTS
from nissa.cli.main import main
from nissa.pipeline.config import feature_names_of
from nissa.pipeline.config.measurement_plan import planned
from nissa.pipeline.config.profiles import load, profile_names
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.telemetry import Telemetry
from tests.cli.test_commands import nissa, refused
from tests.samples import episode_started

Said = Callable[..., str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What a command prints."""

    def run(*words: str) -> str:
        assert main(words) == 0
        return capsys.readouterr().out

    return run


def test_the_page_of_features_is_the_one_in_the_documents(root: Path, said: Said) -> None:
    assert said("features", "--markdown") == (root / "docs" / "features.md").read_text()


@pytest.mark.parametrize("profile", profile_names())
def test_the_page_numbers_the_features_of_each_profile_as_they_stand_in_the_vector(root: Path, profile: str) -> None:
    groups = feature_names_of(load(profile), LAYERS, SLOTS, CLASSES)
    lines = [line for line in (root / "docs/features.md").read_text().splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    column = rows[0].index(profile) - len(rows[0])
    numbered = {int(row[column]): row[0].strip("`") for row in rows if row[0][0] == "`" and row[column]}
    assert numbered == dict(enumerate(name for group in groups.values() for name in group))
    counts = {row[0]: row[column] for row in rows if row[0] in groups}
    assert counts == {group: str(len(names)) for group, names in groups.items()}


def test_the_demos_host_is_made_of_what_is_said_here() -> None:
    from nissa.pipeline.probes.model.layers import layers_of
    from nissa.trainer.data.digits import N_CLASSES
    from nissa.trainer.network.host import SLOT_CHANNELS, new_host

    assert tuple(layers_of({"host": new_host(0)})) == LAYERS
    assert tuple(SLOT_CHANNELS) == SLOTS
    assert tuple(map(str, range(N_CLASSES))) == CLASSES


def test_the_configuration_in_force_is_printed_as_a_file_that_can_be_used_again(tmp_path: Path, said: Said) -> None:
    file, words = tmp_path / "my.yaml", ["--profile", "diagnostic", "--set", "gradients.layers=[conv1,fc]"]
    file.write_text(said("features", *words, "--set", "history_length=30"))
    expected = load("diagnostic", overrides=["gradients.layers=[conv1,fc]", "history_length=30"])
    assert load(file=file) == expected
    assert yaml.safe_load(file.read_text())["gradients"]["layers"] == ["conv1", "fc"]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 45),
        (("--profile", "minimal"), 27),
        (("--set", "gradients.layers=[conv1,fc]"), 37),
        (("--profile", "minimal", "--set", "loss_landscape.enabled=true"), 29),
        (("--profile", "minimal", "--set", "mode=research"), 218),
    ],
)
def test_the_number_of_features_is_known_before_any_training(words: tuple[str, ...], count: int, said: Said) -> None:
    page = said("features", *words)
    assert f"# Features of the demo's host: {count}\n" in page
    assert sum(map(int, re.findall(r"^#   \w+: (\d+)$", page, re.MULTILINE))) == count


@pytest.mark.parametrize("command", ["demo", "features"])
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--profile", "debug"), "there is no profile 'debug': choose from minimal, standard, diagnostic, research"),
        (("--config", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory"),
        (("--set", "gradients.evry=5"), "there is no key gradients.evry: did you mean gradients.every?"),
        (("--set", "history_length=4"), "history_length = 4, but it must be a whole number from 5 to 100"),
        (
            ("--set", "gradients.layers=[fc]", "--set", "gradients.layers=[conv9]", "--set", "history_length=9"),
            "--set gradients.layers=[conv9]: gradients.layers = ['conv9']: of all that can be trained there is no "
            f"layer 'conv9': did you mean 'conv3'? Choose from {', '.join(LAYERS)}",
        ),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(
    command: str, words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(rf"nissa {command}: .*{re.escape(complaint)}\n", printed.err)


def test_a_layer_that_is_not_there_is_named_with_the_file_that_wants_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("gradients: {layers: [fd]}\n")
    assert main(["features", "--config", str(file)]) == 2
    assert capsys.readouterr().err.startswith(
        f"nissa features: {file}: gradients.layers = ['fd']: of all that can be trained "
    )


def test_in_the_mode_research_what_is_in_force_is_printed_and_can_be_used_again(tmp_path: Path, said: Said) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(said("features", "--set", "mode=research", "--set", "loss_landscape.perturbation_samples=20"))
    printed = yaml.safe_load(file.read_text())
    assert (printed["gradients"]["every"], printed["track_weight_norms"]) == (1, True)
    assert printed["loss_landscape"]["perturbation_samples"] == 20
    assert planned(load(file=file)) == load(file=file)


def test_a_directory_for_a_log_that_is_switched_off_is_refused(tmp_path: Path) -> None:
    refused(nissa("demo", "--out", tmp_path / "run", "--set", "sinks.log=false"), "nothing would be written to")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A demo that is over at once, in a directory of its own."""

    def train(_: object, telemetry: Telemetry, out: Path | None) -> None:
        telemetry.scope(group="ppo", env=0, episode=0).emit(episode_started())

    monkeypatch.setattr("nissa.trainer.run.train", train)
    monkeypatch.chdir(tmp_path)


HINTS = r"The run is in run\. Look at it with:\n(  \S.*\n){4}"


@pytest.mark.usefixtures("trained")
def test_a_demo_without_sinks_says_so_and_nothing_else(tmp_path: Path, said: Said) -> None:
    off = [word for sink in ("console", "log", "prometheus") for word in ("--set", f"sinks.{sink}=false")]
    assert said("demo", *off) == "No log was written, because sinks.log is false.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(("words", "lines"), [((), ".+"), (("--set", "sinks.console=false"), "")])
def test_a_demo_says_where_its_log_is_whether_or_not_it_shows_the_run(words: Any, lines: str, said: Said) -> None:
    page = said("demo", "--out", "run", *words)
    assert re.fullmatch(rf"Metrics at http://\S+ while it runs\.\n{lines}{HINTS}", page, re.DOTALL)
    assert Path("run/manifest.json").exists()


@pytest.mark.usefixtures("trained")
def test_a_demo_measures_what_it_was_told_to(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[TelemetryConfig] = []
    monkeypatch.setattr("nissa.trainer.run.train", lambda _, telemetry, out: seen.append(telemetry.config))
    said("demo", "--profile", "research", "--set", "gradients.layers=[fc]", "--set", "gradients.every=3")
    assert seen == [load("research", overrides=["gradients.layers=[fc]", "gradients.every=3"])]


def test_nobody_who_asks_for_features_needs_torch() -> None:
    program = "import sys; from nissa.cli.main import main\nmain(['features']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0
