"""`nissa query` and `nissa export`, as they are typed."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from pyarrow import parquet

from nissa.cli.main import main
from nissa.events.kinds import BatchCompleted, EpochCompleted
from nissa.pipeline.query import VIEWS, asking, described
from tests.pipeline.query.asking import told, write
from tests.pipeline.query.test_asking import FOR_EVER
from tests.waiting import until

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two epochs and a batch."""
    epochs = [EpochCompleted(val_accuracy=accuracy) for accuracy in (90.123456789, None)]
    return write(tmp_path / "log.jsonl", told(*epochs, BatchCompleted(batch=0, loss=0.5)))


def test_a_table_is_for_people(log: Path, capsys: Captured) -> None:
    assert main(["query", str(log), "select env, val_accuracy, slots from epochs"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["env", "val_accuracy", "slots"]
    assert [row.split() for row in rows] == [["0", "90.1235", "[]"], ["0", "-", "[]"]]


def test_json_has_all_digits(log: Path, capsys: Captured) -> None:
    assert main(["query", str(log), "--json", "select val_accuracy, [1, 2] as l, 1 as x, 2 as x from epochs"]) == 0
    accuracies = [90.123456789, None]
    rows = [{"val_accuracy": accuracy, "l": [1, 2], "x": 1, "x_1": 2} for accuracy in accuracies]
    assert json.loads(capsys.readouterr().out) == rows
    assert main(["query", "--json", str(log), "select * from epochs where false"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_csv_has_all_digits(log: Path, capsys: Captured) -> None:
    assert main(["query", str(log), "select epoch, val_accuracy, true as yes from epochs", "--csv"]) == 0
    rows = [*csv.reader(StringIO(capsys.readouterr().out))]
    assert rows == [["epoch", "val_accuracy", "yes"], ["1", "90.123456789", "true"], ["1", "", "true"]]


def test_a_file_of_parquet_keeps_types_and_is_not_overwritten(log: Path, tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "epochs.parquet"
    words = ["query", str(log), "select * from epochs", "--parquet", str(file)]
    assert main(words) == 0
    assert parquet.read_table(file)["val_accuracy"].to_pylist() == [90.123456789, None]
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".epochs")] == []


def test_rows_beyond_a_table_are_told(log: Path, capsys: Captured) -> None:
    assert main(["query", str(log), "select range from range(1001)"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "  999",
        "Only the first 1,000 rows are shown: --csv prints all.",
    ]


def test_sums_times_and_names_are_plain(log: Path, capsys: Captured) -> None:
    sql = (
        "select sum(batch) as s, date '2026-01-02' as d, interval 1 day as i, '\x9b' as n, 'a'::blob as b from batches"
    )
    assert main(["query", str(log), sql, "--json"]) == 0
    out = capsys.readouterr().out
    assert "\x9b" not in out
    (row,) = json.loads(out)
    assert (row["s"], row["d"], row["n"], row["b"]) == (0, "2026-01-02", "\x9b", "61")


def test_a_line_that_is_no_event_is_counted_and_told(log: Path, capsys: Captured) -> None:
    log.write_bytes(b'{"kind": 3}\n' + log.read_bytes())
    for _ in range(2):  # the second answer comes from the tables that were kept
        assert main(["query", str(log), "select count(*) as n from epochs", "--json"]) == 1
        out, err = capsys.readouterr()
        assert json.loads(out) == [{"n": 2}]
        assert err.startswith(f"nissa query: {log}: 1 of the lines are no events")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nissa query: give runs and a query: nissa query runs/x 'select"),
        (["LOG"], "nissa query: give runs and a query"),
        (["LOG", "drop table epochs"], "nissa query: only SELECT is allowed, not DROP"),
        (["LOG", "select * from epoch"], "nissa query: there is no view epoch. Did you mean epochs?"),
        (["none", "select 1"], "nissa query: none: there is no such file"),
        (["LOG", FOR_EVER, "--timeout", "0.2"], "nissa query: it took longer than 0.2 s"),
        (["--views", "epoch"], "nissa query: there is no view epoch: there are runs, episodes, epochs"),
    ],
)
def test_what_can_be_mended_is_said_in_one_line(log: Path, capsys: Captured, words: list[str], told: str) -> None:
    assert main(["query", *(str(log) if word == "LOG" else word for word in words)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(told)


@pytest.mark.parametrize("words", [["--timeout", "0"], ["--timeout", "x"], ["--jsn"], ["--csv", "--json"]])
def test_options_are_checked(log: Path, capsys: Captured, words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["query", str(log), *words, "select 1"])
    assert "nissa query: error:" in capsys.readouterr().err


def test_ctrl_c_ends_a_query_with_a_line(log: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "nissa.cli.main",
        "query",
        str(log),
        f"{FOR_EVER} + (select count(*) from batches)",
    ]
    tables = log.parent / f".{log.name}.tables"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as query:
        until(lambda: [*tables.glob("*-told")])
        os.kill(query.pid, signal.SIGINT)
        out, err = query.communicate(timeout=60)
    assert (query.returncode, out, err) == (2, "", "nissa query: interrupted\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
@pytest.mark.parametrize("step", ["connected", "_check"])
def test_ctrl_c_is_known_in_both_its_forms_at_every_step(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, step: str, error: BaseException
) -> None:
    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(asking, step, interrupted)
    assert main(["query", str(log), "select 1"]) == 2
    assert capsys.readouterr().err == "nissa query: interrupted\n"


def test_views_are_listed_with_columns_types_and_units(capsys: Captured) -> None:
    assert main(["query", "--views"]) == 0
    out = capsys.readouterr().out
    for view in VIEWS:
        assert f"{view.name}: {view.row}\n" in out
    assert re.search(r"^val_accuracy +DOUBLE +percent +Validation accuracy after the epoch", out, re.MULTILINE)
    assert re.search(r"^slots +STRUCT\(\.\.\.\)\[\] +- +Every slot", out, re.MULTILINE)
    assert main(["query", "--views", "batch_completed", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["column"] for row in found] == [row.column for row in described("batch_completed")]


def test_an_export_says_what_it_wrote(log: Path, tmp_path: Path, capsys: Captured) -> None:
    words = ["export", str(log), "-o", str(tmp_path / "out"), "--format", "csv"]
    assert main(words) == 0
    files = len([*(tmp_path / "out").glob("*.csv")]) - 1
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'out'}: {files} files, ")
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("nissa export: ")


def test_the_page_lists_the_views_there_are(root: Path, capsys: Captured) -> None:
    assert main(["query", "--views", "--markdown"]) == 0
    page = (root / "docs/query.md").read_text()
    begin, end = "<!-- views: `nissa query --views --markdown` -->\n", "<!-- end of views -->"
    assert page.partition(begin)[2].partition(end)[0] == capsys.readouterr().out
