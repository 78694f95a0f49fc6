"""The commands as a user types them: what they print, and one clear line for what is wrong."""

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nissa.cli.commands import COMMANDS
from nissa.cli.main import main
from nissa.events.kinds import SeedCulled, SeedGerminated
from nissa.pipeline.telemetry import Telemetry
from tests.samples import episode_ended, episode_started, epoch_completed
from tests.waiting import TRAINED

Command = Callable[..., subprocess.CompletedProcess[str]]
_SERVED = "nissa.sinks.prometheus"
NISSA = [sys.executable, "-m", "nissa.cli.main"]


def nissa(*words: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*NISSA, *map(str, words)], capture_output=True, text=True, timeout=TRAINED, check=False)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    out = tmp_path / "run"
    with Telemetry("small", out=out) as telemetry:
        env = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
        env.emit(episode_started())
        env.emit(SeedGerminated(slot="early", seed="s1", blueprint="norm", params=120))
        env.emit(epoch_completed(91.25, 120))
        env.emit(
            SeedCulled(
                slot="early",
                seed="s1",
                blueprint="norm",
                improvement=-0.5,
                reason="late",
                initiator="policy",
                epochs_total=3,
            )
        )
        env.emit(replace(episode_ended(), final_accuracy=91.25, epochs=1, germinated=1, culled=1))
    return out


def test_replay_prints_one_json_document_with_the_promised_keys(run: Path) -> None:
    document = json.loads(nissa("replay", run, "--json").stdout)
    events = document["events"]
    assert {"read", "by_kind", "unknown", "malformed", "dropped"} <= events.keys()
    assert (events["read"], events["malformed"], events["dropped"], events["unknown"]) == (8, 0, 0, {})
    assert events["by_kind"]["seed_germinated"] == 1
    assert sum(events["by_kind"].values()) == events["read"]
    (blueprint,), (board,), (best,) = document["blueprints"], document["scoreboards"], document["best_runs"]
    expected = {"group": "ppo", "blueprint": "norm", "germinated": 1, "fossilized": 0, "culled": 1}
    expected |= {"fossilization_rate": 0.0, "acc_delta_mean": None, "churn_mean": -0.5}
    assert expected.items() <= blueprint.items()
    expected = {"group": "ppo", "env": 0, "germinated": 1, "fossilized": 0, "culled": 1, "params_added": 0}
    expected |= {"host_params": 1000, "growth_ratio": 1.0, "compute_cost": 1.0, "fossilized_by_blueprint": {}}
    assert expected.items() <= board.items()
    expected = {"group": "ppo", "env": 0, "episode": 0, "peak_accuracy": 91.25, "growth_ratio": 1.12}
    assert (expected | {"efficiency": 91.25 / 1.12}).items() <= best.items()


def test_replay_prints_tables_for_people(run: Path) -> None:
    done = nissa("replay", run)
    assert done.returncode == 0
    assert "Run small: 8 events." in done.stdout
    assert all(title in done.stdout for title in ("Blueprints", "Scoreboard", "Best runs"))


def test_a_cut_log_is_replayed_and_what_was_skipped_is_said(run: Path) -> None:
    (segment,) = run.glob("events-*")
    segment.write_bytes(segment.read_bytes()[:-20])
    done = nissa("replay", run)
    assert done.returncode == 0
    assert "7 events, 1 malformed" in done.stdout
    assert "torn last line" in done.stdout
    document = json.loads(nissa("replay", segment, "--json").stdout)
    assert (document["events"]["read"], document["events"]["malformed"]) == (7, 1)
    assert "torn last line" in document["events"]["problems"][0]


def test_schema_prints_a_schema_that_every_line_of_a_log_obeys(run: Path) -> None:
    schema = json.loads(nissa("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    (segment,) = run.glob("events-*")
    for line in segment.read_text().splitlines():
        validator.validate(json.loads(line))


@pytest.mark.parametrize("command", ["replay", "serve"])
@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: None, "there is no such file or directory"),
        (lambda path: path.mkdir(), "this directory holds no run"),
        (lambda path: path.write_text(""), "It is empty"),
        (lambda path: path.write_text("hello\n"), "no line of it is an event"),
    ],
)
def test_what_is_no_run_is_one_clear_line(
    tmp_path: Path, command: str, make: Any, complaint: str, here: Command
) -> None:
    make(tmp_path / "run")
    refused(here(command, tmp_path / "run"), complaint)


@pytest.mark.parametrize("command", ["show", "report", "brief", "replay"])
def test_a_folder_of_runs_is_none_and_one_of_them_is_named(run: Path, command: str, here: Command) -> None:
    (run.parent / "no-run").mkdir()
    refused(here(command, run.parent), f"in it); {run} is one, in this directory")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("command", ["replay", "show"])
def test_a_terminal_that_lacks_characters_shows_the_rest(run: Path, command: str, encoding: str) -> None:
    done = subprocess.run(
        [*NISSA, command, run], capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": encoding}
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"ppo" in done.stdout


def test_a_closed_terminal_is_no_error(run: Path) -> None:
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *NISSA, "replay", run], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def refused(done: subprocess.CompletedProcess[str], complaint: str) -> None:
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str]) -> Command:
    """The same in this process, for what is over before it begins: torch takes seconds to load."""

    def run(*words: Any) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        try:
            status = main([*map(str, words)])
        except SystemExit as wrong:
            status = int(wrong.code or 0)
        return subprocess.CompletedProcess(words, status, *capfd.readouterr())

    return run


def test_a_port_in_use_is_one_clear_line_and_leaves_nothing_behind(run: Path, tmp_path: Path, here: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        refused(here("serve", run, "--port", number), "cannot listen on 127.0.0.1")
        refused(here("demo", "--metrics-port", number, "--out", tmp_path / "other"), str(number))
    assert not (tmp_path / "other").exists()


def test_names_with_brackets_are_printed_as_they_are(tmp_path: Path) -> None:
    with Telemetry("sweep[lr=0.1][/b]", out=tmp_path / "run") as telemetry:
        telemetry.scope(group="ppo[wide]").emit(SeedGerminated(slot="early", seed="s", blueprint="norm[2]", params=1))
    said = nissa("replay", tmp_path / "run").stdout
    assert all(name in said for name in ("sweep[lr=0.1][/b]", "ppo[wide]", "norm[2]"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("replay", "x" * 300), "File name too long"),
        (("serve", "RUN", "--address", "127.0.0..1", "--port", "0"), "cannot listen on 127.0.0..1"),
        (("serve", "RUN", "--address", "999.1.1.1", "--port", "0"), "cannot listen on 999.1.1.1"),
        (("demo", "--seed", "4294967296", "--out", "NEW"), "seed must be from 0 to"),
        (("demo", "--metrics-address", "127.0.0..1", "--out", "NEW"), "127.0.0..1"),
        (("demo", "--out", "RUN/manifest.json"), "manifest.json"),
    ],
)
def test_what_the_user_can_mend_is_one_clear_line(
    run: Path, words: tuple[str, ...], complaint: str, here: Command
) -> None:
    there = {"RUN": run, "NEW": run.parent / "new", "RUN/manifest.json": run / "manifest.json"}
    refused(here(*(there.get(word, word) for word in words)), complaint)
    assert not (run.parent / "new").exists()


def test_a_disk_that_is_full_is_one_clear_line(run: Path) -> None:
    command = " ".join([*NISSA, "replay", str(run), "--json", "> /dev/full"])
    refused(subprocess.run(command, shell=True, capture_output=True, text=True, check=False), "No space left")


def test_a_directory_that_holds_a_run_is_not_written_into(run: Path) -> None:
    refused(nissa("demo", "--out", run), "holds a run already")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("demo", "--episodes", "0"), "'0' is no whole number from 1 up"),
        (("demo", "--envs", "x"), "'x' is no whole number from 1 up"),
        (("demo", "--policy", "magic"), "invalid choice: 'magic'"),
        (("demo", "--metrics-port", "70000"), "'70000' is no port"),
        (("study", "--envs", "501"), "envs must be at most 500"),
        ((), "COMMAND"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_allowed(
    words: tuple[str, ...], complaint: str, here: Command
) -> None:
    done = here(*words)
    assert done.returncode == 2
    assert complaint in done.stderr


@pytest.mark.deep
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_small_study_prints_each_group_and_keeps_its_runs(tmp_path: Path, words: list[str]) -> None:
    sizes = ["--seeds", "2", "--envs", "1", "--episodes", "1", "--judged", "1", "--epochs", "1"]
    done = nissa("study", *sizes, "--out", tmp_path / "study", *words)
    assert done.returncode == 0, done.stderr
    assert all(group in done.stdout for group in ("ppo", "heuristic", "never"))
    if words:
        never = json.loads(done.stdout)["groups"]["never"]["figures"]["held_out"]
        assert never["training_delta"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert (tmp_path / "study" / "study-ppo-seed1" / "manifest.json").exists()


def test_output_that_nobody_reads_to_the_end_is_no_error(run: Path) -> None:
    command = " ".join([*NISSA, "replay", str(run), "--json", "| head -n 1"])
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_commands_that_do_not_train_load_no_torch(run: Path) -> None:
    program = (
        f"import sys; from nissa.cli.main import main\nmain(['replay', {str(run)!r}]); print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).splitlines()[-1] == "False"


def test_a_command_is_declared_by_the_module_that_the_table_names(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: nissa {command} ")


def test_a_command_loads_nothing_that_it_does_not_need() -> None:
    # What Prometheus is shown takes as long to load as a table takes to be asked.
    code = f"import sys; from nissa.cli.main import main; main(['schema']); print('{_SERVED}' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert importlib.import_module(_SERVED)
