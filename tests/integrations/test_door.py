"""The door of integrations: a library is imported when its name is taken, and one that is missing is named."""

import subprocess
import sys

import pytest

import nissa.integrations

LIBRARIES = {"lightning", "stable_baselines3", "transformers"}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_no_library_is_imported_before_it_is_used() -> None:
    code = f"import sys, nissa.integrations; sys.exit(any(name in sys.modules for name in {LIBRARIES | {'torch'}}))"
    assert run(code).returncode == 0


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("LightningCallback", "lightning", "lightning"),
        ("LightningLogger", "lightning", "lightning"),
        ("StableBaselines3Callback", "stable_baselines3", "stable-baselines3"),
        ("TransformersCallback", "transformers", "transformers"),
    ],
)
def test_a_missing_library_is_named_with_what_to_install(name: str, package: str, extra: str) -> None:
    done = run(f"import sys; sys.modules['{package}'] = None; from nissa.integrations import {name}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(f"{package} is not installed: pip install 'nissa[{extra}]'")


def test_what_there_is_not_is_said() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'KerasCallback'"):
        nissa.integrations.KerasCallback  # noqa: B018


@pytest.mark.parametrize("name", ["LightningCallback", "LightningLogger", "StableBaselines3Callback"])
def test_a_run_that_is_none_is_refused_at_once(name: str) -> None:
    with pytest.raises(TypeError, match="run must be a Telemetry, or the path of a run directory, not 3"):
        getattr(nissa.integrations, name)(3)
