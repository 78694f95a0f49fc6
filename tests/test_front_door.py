"""What a user types first: the names at the root, and arguments as plain text, numbers and mappings."""

import json
import os
import shutil
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

import nissa
import nissa.events
from nissa import Telemetry, TelemetryConfig
from nissa.events import SeedGerminated
from nissa.pipeline.config import load

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
SEED = SeedGerminated(slot="early", seed="s1", blueprint="norm", params=16)


def test_the_front_door_offers_what_it_lists_and_nothing_else() -> None:
    assert [getattr(nissa, name).__name__ for name in nissa.__all__] == nissa.__all__
    assert nissa.__all__ == ["Telemetry", "TelemetryConfig", "Watch", "open", "open_pack"]
    with pytest.raises(AttributeError, match=r"module 'nissa' has no attribute 'Telemetri'"):
        getattr(nissa, "Telemetri")  # noqa: B009  # not a name that mypy may check


@pytest.mark.parametrize(
    "path",
    [
        "nissa.pipeline.telemetry.Telemetry",
        "nissa.pipeline.config.TelemetryConfig",
        "nissa.pipeline.config.load",
        "nissa.pipeline.replay.replay",
        "nissa.pipeline.probes.watch.Watch",
        "nissa.open",
        "nissa.pipeline.probes.gradients.gradients_measured",
        "nissa.pipeline.sources.UnreadableRunError",
        "nissa.pipeline.sources.esper.NissaBackend",
        "nissa.events.kind.kind",
        "nissa.events.kinds.BatchCompleted",
        "nissa.sinks.console.ConsoleSink",
        "nissa.sinks.prometheus.PrometheusSink",
        "nissa.sinks.run_log.RunLog",
    ],
)
def test_what_users_import_stays_where_it_is(path: str) -> None:
    module, _, name = path.rpartition(".")
    code = f"from {module} import {name}; assert callable({name})"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_events_offers_the_names_of_kinds() -> None:
    assert nissa.events.__all__ == nissa.events.kinds.__all__


def test_a_run_directory_may_be_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Telemetry("x", out="runs/x") as telemetry:
        telemetry.emit(SEED)
    assert json.loads((tmp_path / "runs/x/manifest.json").read_text())["closed"] is True


def test_an_empty_path_is_refused_instead_of_taken_for_the_current_directory() -> None:
    with pytest.raises(ValueError, match="out must be the path of a directory, and is empty"):
        Telemetry(out="")


@pytest.mark.parametrize("metrics", [0, "127.0.0.1:0", ("127.0.0.1", 0)])
def test_metrics_may_be_a_port_a_text_or_a_pair(metrics: Any) -> None:
    with Telemetry("x", metrics=metrics, linger=0) as telemetry:
        assert telemetry.metrics_url
        assert telemetry.metrics_url.startswith("http://127.0.0.1:")
        with urlopen(telemetry.metrics_url) as page:
            assert b"nissa_pipeline_accepted_total" in page.read()


@pytest.mark.parametrize(
    "metrics",
    [
        True,
        -1,
        65536,
        "",
        "9464",
        "host:",
        ":9464",
        "host:port",
        "host:65536",
        "host:²",
        ("host", "1"),
        ("host", True),
        9464.0,
    ],
)
def test_metrics_that_are_no_address_are_refused_with_what_would_be_one(metrics: Any) -> None:
    with pytest.raises(ValueError, match=r'metrics must be a port such as 9464, "host:port" or \(host, port\), not'):
        Telemetry(metrics=metrics)


def test_a_configuration_may_be_a_mapping_with_the_keys_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("profile: diagnostic\ngradients: {every: 3, layers: [fc]}\nhistory_length: 30\n")
    mapping = OrderedDict(profile="diagnostic", gradients=OrderedDict(every=3, layers=["fc"]), history_length=30)
    with Telemetry("x", config=mapping) as telemetry:
        assert telemetry.config == load(file=tmp_path / "my.yaml")
    assert mapping["profile"] == "diagnostic", "what the user handed in is left as it was"


@pytest.mark.parametrize(
    ("config", "error", "told"),
    [
        (
            {"gradients": {"evry": 3}},
            ValueError,
            "config: there is no key gradients.evry: did you mean gradients.every?",
        ),
        ({"profile": "no"}, ValueError, "config: there is no profile 'no': choose from minimal, standard"),
        (
            {"gradients": {"every": 0}},
            ValueError,
            "config: gradients.every = 0, but it must be a whole number from 1 up",
        ),
        ({1: 2}, ValueError, "config: there is no key 1"),
        (3, TypeError, "config must be a TelemetryConfig, the name of a profile, a mapping such as"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_with_the_key(config: Any, error: type, told: str) -> None:
    with pytest.raises(error, match=told.replace("?", r"\?")):
        Telemetry(config=config)


def test_a_configuration_goes_through_as_it_is() -> None:
    config = TelemetryConfig(history_length=7)
    with Telemetry("x", config=config) as telemetry:
        assert telemetry.config is config


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout."""
    there = tmp_path_factory.mktemp("wheel")
    for name in subprocess.check_output(["git", "-C", root, "ls-files"], text=True).splitlines():
        if (root / name).is_file():
            (there / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, there / "source" / name)
    made = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(there), str(there / "source")]
    subprocess.run([*PIP, "wheel", *made], check=True)
    (found,) = there.glob("nissa-*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path) -> Path:
    """A folder with what the wheel installs."""
    site = wheel.parent / "site"
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    return site


def from_wheel(installed: Path, program: str, cwd: Path) -> str:
    """What a program prints that has the wheel's Nissa and no other, and whatever that depends on."""
    home = f"import nissa; assert nissa.__file__.startswith({str(installed)!r}), nissa.__file__\n"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-W", "error", "-c", home + program]
    return subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_wheel_holds_every_folder_and_no_tests(installed: Path, root: Path) -> None:
    listed = subprocess.check_output(["git", "-C", root, "ls-files", "*.py", "*.typed", "*.yaml"], text=True).split()
    floors = ("cli/", "events/", "grafana/", "integrations/", "operators/", "pipeline/", "sinks/", "trainer/")
    named = {name for name in listed if name.startswith(floors) or name in {"__init__.py", "py.typed"}}
    code = {name for name in named if (root / name).exists()}
    shipped = {
        str(file.relative_to(installed / "nissa")) for file in (installed / "nissa").rglob("*") if file.is_file()
    }
    assert {name for name in code - shipped if not name.endswith("compose.yaml")} == set()
    assert {name for name in shipped if name.endswith("conftest.py") or name.startswith("tests")} == set()


def first_program(root: Path) -> str:
    return (root / "README.md").read_text().split("```python\n", 1)[1].split("```", 1)[0]


def test_the_first_program_of_the_readme_runs_from_a_wheel_as_printed(
    installed: Path, root: Path, tmp_path: Path
) -> None:
    from_wheel(installed, first_program(root), tmp_path)
    assert list(tmp_path.rglob("manifest.json"))


@pytest.mark.deep
def test_a_wheel_is_enough_in_an_empty_environment(wheel: Path, root: Path, tmp_path: Path) -> None:
    python = tmp_path / "empty" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "empty"], check=True)
    subprocess.run([python, "-m", "pip", "--quiet", "install", wheel], check=True)
    without = "import importlib.util; assert not importlib.util.find_spec('torch')\n"
    subprocess.run([python, "-W", "error", "-c", without + first_program(root)], cwd=tmp_path, check=True)
    assert (tmp_path / "runs/my-run/manifest.json").exists()
