"""Runs as data frames, and as folders of files."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

import nissa
from nissa.events.kinds import BatchCompleted, EpochCompleted
from nissa.pipeline.query import MissingPackageError, QueryError, export, exporting, found_runs
from nissa.pipeline.sources import UnreadableRunError
from nissa.sinks.packages import needed
from tests.pipeline.query.asking import told, write


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An epoch with all of its parts, one without, and a batch that broke."""
    epochs = [EpochCompleted(n_val=360, val_loss=0.5, seed_grad_norms={"early": 0.25}), EpochCompleted()]
    return write(tmp_path / "log.jsonl", told(*epochs, BatchCompleted(batch=3, loss=math.nan)))


def test_a_frame_of_pandas_keeps_whole_numbers_and_what_is_missing(log: Path) -> None:
    frame = nissa.open(log).epochs.to_pandas()
    assert str(frame.dtypes["n_val"]) == "int64[pyarrow]"
    assert frame["n_val"].isna().tolist() == [False, True]
    assert frame["n_val"][0] == 360
    loss = nissa.open(log).batches.to_pandas()["loss"]
    assert not loss.isna()[0]
    assert math.isnan(loss[0])


def test_a_frame_of_polars_is_the_same_table(log: Path) -> None:
    frame = nissa.open(str(log)).epochs
    assert frame.to_polars()["n_val"].to_list() == frame.arrow()["n_val"].to_pylist() == [360, None]
    assert nissa.open(log).batches.to_polars()["loss"].is_nan().to_list() == [True]


def test_frames_are_read_when_they_are_asked_for(log: Path) -> None:
    frame = nissa.open(log).query("select count(*) as n from epochs")
    assert frame.arrow()["n"].to_pylist() == [2]
    log.write_bytes(log.read_bytes().replace(b'"seq":1,', b'"seq":9,') + log.read_bytes().split(b"\n")[0][:5])
    assert frame.arrow()["n"].to_pylist() == [2]
    write(log, told(EpochCompleted()))
    assert frame.arrow()["n"].to_pylist() == [1]


def test_what_there_is_can_be_listed_and_what_is_not_is_said(log: Path) -> None:
    runs = nissa.open(log)
    assert {"epochs", "batch_completed", "query"} <= {*dir(runs)}
    with pytest.raises(AttributeError, match="there is no view 'epoch'; there are runs, episodes, epochs"):
        runs.epoch  # noqa: B018
    with pytest.raises(QueryError, match="only SELECT"):
        runs.query("drop view epochs").arrow()
    with pytest.raises(UnreadableRunError, match="no such file"):
        nissa.open(log.parent / "none")
    with pytest.raises(TypeError, match=r'such as open\("runs/x"\)'):
        nissa.open()


@pytest.mark.parametrize(
    ("package", "way", "install"),
    [("pandas", "to_pandas", "pandas"), ("polars", "to_polars", "polars"), ("duckdb", "arrow", "nissa[query]")],
)
def test_a_package_that_is_missing_is_named_with_what_to_install(
    log: Path, monkeypatch: pytest.MonkeyPatch, package: str, way: str, install: str
) -> None:
    frame = nissa.open(log).epochs
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError) as error:
        getattr(frame, way)()
    assert str(error.value) == f"{package} is not installed: pip install '{install}'"


def test_the_command_says_what_to_install(log: Path) -> None:
    code = "import sys; sys.modules['duckdb'] = sys.modules['pyarrow'] = None; from nissa.cli.main import main; "
    command = f"{code} sys.exit(main(['query', {str(log)!r}, 'select 1']))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "nissa query: pyarrow is not installed: pip install 'nissa[query]'\n"


def test_a_package_that_is_broken_is_not_called_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_package.py").write_text("import there_is_no_such_package")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_package"):
        needed("broken_package")


def test_files_of_parquet_are_what_the_views_say(log: Path, tmp_path: Path) -> None:
    rows, complaints = export(found_runs(log), tmp_path / "out", "parquet")
    assert complaints == []
    assert rows.items() >= {"runs": 1, "epochs": 2, "batches": 1, "alerts": 1, "epoch_completed": 2}.items()
    for view, count in rows.items():
        found = parquet.read_table(tmp_path / "out" / f"{view}.parquet")
        asked = nissa.open(log).query(f"from {view}").arrow()
        assert (len(found), found.schema.names) == (count, asked.schema.names)
        assert str(found.to_pylist()) == str(asked.to_pylist())  # as text, a NaN is like another


def test_files_of_csv_have_all_digits_and_say_what_is_in_them(log: Path, tmp_path: Path) -> None:
    rows, _ = export(found_runs(log), tmp_path / "out", "csv")
    assert rows["epochs"] == 2
    with (tmp_path / "out/epochs.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (float(first["val_loss"]), second["val_loss"]) == (0.5, "")
    assert json.loads(first["seed_grad_norms"]) == {"early": 0.25}
    with (tmp_path / "out/batches.csv").open(newline="") as file:
        assert [row["loss"] for row in csv.DictReader(file)] == ["NaN"]
    with (tmp_path / "out/columns.csv").open(newline="") as file:
        units = {(row["view"], row["column"]): row["unit"] for row in csv.DictReader(file)}
    assert units["epochs", "val_accuracy"] == "percent"
    assert {view for view, _ in units} == {*rows}


def test_an_export_is_there_whole_or_not_at_all(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(exporting, "write_parquet", fail)
    with pytest.raises(OSError, match="no space left"):
        export(found_runs(log), tmp_path / "out", "parquet")
    assert [entry for entry in tmp_path.iterdir() if "out" in entry.name] == []
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="out exists already: choose another folder"):
        export(found_runs(log), tmp_path / "out", "parquet")
