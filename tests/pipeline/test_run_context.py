"""What a run's start tells of its process, against processes that were started with other settings."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nissa.events.codec import decode, encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import RunStarted
from nissa.pipeline import run_context
from nissa.pipeline.run_context import git_commit, hardware, numerics, rng_digests, run_started, versions
from nissa.pipeline.telemetry import Telemetry

LOADED = """
import torch
torch.set_num_threads(3)
torch.set_num_interop_threads(5)
torch.use_deterministic_algorithms(True)
torch.backends.cudnn.benchmark = True
torch.set_float32_matmul_precision("medium")
"""
TOLD = "import json; from nissa.pipeline.run_context import numerics; print(json.dumps(numerics()))"


def told(code: str, **variables: str) -> dict[str, str]:
    """The numerics of a process of its own, begun with these variables."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code + TOLD], env=environment | variables, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_numerics_tell_how_a_process_computes_from_the_settings_that_it_was_given() -> None:
    found = told(LOADED, ATEN_CPU_CAPABILITY="default", CUBLAS_WORKSPACE_CONFIG=":4096:8")
    expected = {
        "ATEN_CPU_CAPABILITY": "default",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "cpu_capability": "DEFAULT",
        "threads": "3",
        "interop_threads": "5",
        "deterministic": "True",
        "cudnn_benchmark": "True",
        "matmul_precision": "medium",
    }
    assert expected.items() <= found.items()


def test_without_torch_numerics_tell_the_variables_and_load_nothing() -> None:
    assert told("", OMP_NUM_THREADS="2") == {"OMP_NUM_THREADS": "2"}


def test_a_start_knows_the_process_by_itself_and_takes_the_rest_by_name() -> None:
    run = run_started(base_seed=7, hardware={"machine": "mine"})
    assert (run.base_seed, run.hardware) == (7, {"machine": "mine"})
    assert (run.git_commit, run.versions) == (git_commit(), versions())
    assert (run.numerics, run.rng_digests) == (numerics(), rng_digests())
    assert run_started().hardware == hardware()
    with pytest.raises(TypeError, match="sead"):
        run_started(sead=7)


def test_a_log_from_before_numerics_reads_as_not_told() -> None:
    event = Event(0, 0.0, Scope("r"), run_started())
    line = json.loads(encode(event))
    assert line["data"].pop("numerics")
    again = decode(json.dumps(line).encode())
    assert isinstance(again.payload, RunStarted)
    assert again.payload.numerics == {}


def test_a_start_is_filled_in_where_it_is_not_told() -> None:
    with Telemetry("test", sinks={"seen": (seen := list[Event[Any]]()).append}) as telemetry:
        telemetry.emit(RunStarted(versions={"mine": "1"}, base_seed=7))
        known = {"rng_digests": rng_digests(), "hardware": hardware(), "numerics": numerics()}
        assert telemetry.flush()
    (start,) = (event.payload for event in seen if isinstance(event.payload, RunStarted))
    assert all(getattr(start, name) == value for name, value in known.items())
    assert known["hardware"]["machine"]
    assert (start.versions, start.base_seed, start.git_commit) == ({"mine": "1"}, 7, None)


def test_a_start_that_cannot_be_filled_in_is_emitted_as_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_context, "hardware", lambda: 1 // 0)
    with Telemetry("test", sinks={"seen": (seen := list[Event[Any]]()).append}) as telemetry:
        telemetry.emit(RunStarted(base_seed=7))
        assert telemetry.flush()
        assert telemetry.state().faults == {"probe run_started": 1}
    assert RunStarted(base_seed=7) in [event.payload for event in seen]


def test_who_asks_for_the_commit_touches_nothing_of_the_repository(tmp_path: Path) -> None:
    """A `git status` writes the index anew where times have changed, and a killed one leaves its lock there."""

    def git(*words: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-m", "a")
    os.utime(tmp_path / "a", (1, 1))
    before = (tmp_path / ".git" / "index").read_bytes()
    commit = git_commit(str(tmp_path))
    assert commit is not None
    assert not commit.endswith("-dirty")
    assert (tmp_path / ".git" / "index").read_bytes() == before
