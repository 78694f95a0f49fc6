"""Names of runs, groups, environments, slots and seeds are content: no outlet takes one for a path, or for an order."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nissa.cli.main import main
from nissa.events.kinds import BatchCompleted, EpochCompleted, SeedCulled, SeedGerminated, SlotSnapshot
from nissa.pipeline.packs import check_pack
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks import TensorBoardSink
from tests.samples import episode_ended, episode_started, run_started

NAMES = {
    "upwards": "../../escaped",
    "absolute": "/tmp/nissa-escaped/x",
    "nul": "a\0b",
    "encoded": "%2e%2e%2fescaped",
    "long": "n" * 300,
    "windows": "..\\..\\escaped",
    "dots": "..",
    "page": "\"><script>window.hit=1</script><img src=x onerror='window.hit=1'>",
    "terminal": "\x1b[2J\x1b]0;mine\x07\r\u202e\x9b31m",
    "formula": "=cmd|' /C calc'!A0",
}
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
WRITERS = [
    ("report", "RUN", "-o", "OUT"),
    ("pack", "RUN", "-o", "OUT"),
    ("export", "RUN", "-o", "OUT", "--format", "csv"),
    ("export", "RUN", "-o", "OUT", "--format", "parquet"),
    ("query", "RUN", "SELECT * FROM seeds", "--parquet", "OUT"),
    ("backfill", "RUN", "OUT"),
    ("compare", "RUN", "RUN", "--plot", "OUT.svg"),
    ("compare", "RUN", "RUN"),
    ("brief", "RUN"),
    ("brief", "RUN", "--json"),
    ("replay", "RUN"),
    ("show", "RUN", "--epoch", "1"),
    ("traces", "RUN", "--marks"),
    ("collect", "RUN"),
]


RUN = "../../escaped\x1b[2J<script>window.hit=1</script>%2e%2e%2f\0" + "n" * 300


def told(out: Path) -> Path:
    """A run in which whatever has a name has one of those."""
    with Telemetry(RUN, out=out, console=False) as telemetry:
        telemetry.emit(run_started())
        for name in NAMES.values():
            env = telemetry.scope(group=name, env=name, episode=0, epoch=1)
            env.emit(replace(episode_started(), policy=name))
            env.emit(SeedGerminated(slot=name, seed=name, blueprint=name, params=16))
            env.emit(BatchCompleted(batch=0, loss=float("nan"), seed_grad_norms={name: 1.0}))
            slots = [SlotSnapshot(slot=name, stage="TRAINING", epochs_in_stage=1, blueprint=name)]
            env.emit(EpochCompleted(val_loss=1.0, val_accuracy=50.0, slots=slots))
            env.emit(SeedCulled(slot=name, seed=name, blueprint=name, reason=name, initiator=name, epochs_total=2))
            telemetry.log({name: 1.0}, step=1)
            env.emit(episode_ended())
    return out


def there(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run some folders deep, so that ways upwards lead to places that are looked at."""
    work = tmp_path / "a/b/work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CACHE_HOME", str(work / "cache"))
    yield told(work / "run")
    assert not Path("/tmp/nissa-escaped").exists()
    assert {name for name in there(tmp_path) if not f"{name}/".startswith("a/b/work/")} == {"a", "a/b"}


def test_no_outlet_writes_but_where_it_is_told_nor_what_steers_a_terminal(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = run.parent
    for nth, words in enumerate(WRITERS):
        before, named = there(work), f"out{nth}"
        asked = [str(run) if word == "RUN" else word.replace("OUT", named) for word in words]
        status = main(asked)
        said = "".join(capsys.readouterr())
        assert status in (0, 1) or words[0] == "compare", said
        assert not STEERS.search(said), words
        new = {name for name in there(work) - before if not name.startswith(("cache", "run/", named))}
        assert new == set(), f"{words}: {new}"
    assert "<script>window" not in (work / "out0").read_text()
    assert "whole" in str(check_pack(work / "out1"))


def test_a_terminal_is_shown_csv_that_does_not_steer_it_and_a_file_gets_it_exact(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for is_terminal in (True, False):
        monkeypatch.setattr(sys.stdout, "isatty", lambda is_terminal=is_terminal: is_terminal)
        assert main(["query", str(run), "SELECT DISTINCT slot FROM seeds", "--csv"]) == 0
        said = capsys.readouterr().out
        assert bool(STEERS.search(said)) is not is_terminal
        slots = {row["slot"] for row in csv.DictReader(io.StringIO(said, newline=""))}
        assert slots & {NAMES["terminal"]} == (set() if is_terminal else {NAMES["terminal"]})


def test_curves_of_tensorboard_stay_in_their_folder(run: Path) -> None:
    before, sink = there(run.parent), TensorBoardSink(run.parent / "curves")
    with Telemetry("again", sinks={"curves": sink}, console=False) as telemetry:
        for where in (RUN, *NAMES.values()):
            telemetry.scope(group=where, env=where, episode=0, epoch=1).emit(BatchCompleted(batch=0, loss=1.0))
    new = there(run.parent) - before
    assert new
    assert {name.split("/")[0] for name in new} == {"curves"}


def test_nothing_is_unpickled(root: Path) -> None:
    floors = ("cli", "events", "grafana", "integrations", "operators", "pipeline", "sinks", "trainer")
    code = {file: file.read_text() for floor in floors for file in (root / floor).rglob("*.py")}
    assert code
    for file, text in code.items():
        assert not re.search(r"^\s*(import|from) (pickle|shelve|marshal|dill|joblib)\b", text, re.MULTILINE), file
        for call in re.findall(r"torch\.load\([^\n]*|allow_pickle[^\n]*|yaml\.(?:unsafe|full)_load[^\n]*", text):
            assert "weights_only=True" in call, file
