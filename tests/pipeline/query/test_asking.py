"""A question reads the runs that it names, and does nothing else; whatever is wrong with it is said in one line."""

import threading
from pathlib import Path

import pytest

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.query import QueryError, asked, found_runs
from nissa.pipeline.sources import UnreadableRunError
from tests.pipeline.query.asking import ask, told, write

FOR_EVER = "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 7"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of one batch."""
    return write(tmp_path / "log.jsonl", told(BatchCompleted(batch=0, loss=0.5)))


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("insert into batches select * from batches", "only SELECT is allowed, not INSERT"),
        ("create table mine as select 1", "only SELECT is allowed, not CREATE"),
        ("drop view batches", "only SELECT is allowed, not DROP"),
        ("copy (select 1) to '{file}'", "only SELECT is allowed, not COPY"),
        ("attach '{file}' as other", "only SELECT is allowed, not ATTACH"),
        ("install httpfs", "only SELECT is allowed, not LOAD"),
        ("set enable_external_access = true", "only SELECT is allowed, not SET"),
        ("select * from read_text('{other}')", "a query reads the runs that it names, and nothing else"),
        ("select * from read_parquet('{other}')", "a query reads the runs that it names, and nothing else"),
        ("select * from glob('/*')", "a query reads the runs that it names, and nothing else"),
        ("explain analyze copy (select 1) to '{file}'", "a query reads the runs that it names, and nothing else"),
        ("select * from '{other}'", "there is no view {other}"),
        ("select * from log", "there is no view log"),
        ("select * from batchs", "there is no view batchs. Did you mean batches?"),
        ("select losss from batches", 'Referenced column "losss" not found'),
        ("select group from batches", 'the column is "group", in double quotes'),
        ("select 1; select 2", "give one query"),
        ("", "give one query"),
        ("selec 1", 'syntax error at or near "selec"'),
        ("select loss + kind from batches, kinds", "explicit type casts"),
        ("select error('own')", "own"),
    ],
)
def test_what_is_refused_is_refused_in_one_line(log: Path, tmp_path: Path, sql: str, told: str) -> None:
    (other := tmp_path / "other").write_text("secret")
    places = {"file": tmp_path / "file", "other": other}
    with pytest.raises(QueryError) as error:
        ask(log, sql.format(**places))
    assert told.format(**places) in str(error.value)
    assert "\n" not in str(error.value)
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.suffix != ".tables") == ["log.jsonl", "other"]


def test_tables_of_runs_that_are_not_named_are_out_of_reach(log: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", told(BatchCompleted(batch=0, loss=0.25)))
    (tables,) = found_runs(other)
    hidden = tables.folder("told") / "batch_completed.parquet"
    assert hidden.exists()
    with pytest.raises(QueryError, match="nothing else"):
        ask(log, f"select * from batches, read_parquet('{hidden}')")


def test_variables_of_the_program_are_not_looked_into(log: Path) -> None:
    import pyarrow

    secret = pyarrow.table({"x": [1]})
    with pytest.raises(QueryError, match="there is no view secret"):
        ask(log, "select * from secret")
    assert len(secret) == 1


def test_a_query_that_runs_for_ever_is_ended(log: Path) -> None:
    with (
        pytest.raises(QueryError, match=r"it took longer than 0\.2 s"),
        asked(found_runs(log), FOR_EVER, 0.2) as answer,
    ):
        answer.batches.read_all()


def test_the_limit_holds_while_rows_are_read(log: Path) -> None:
    sql = "select a.range, b.range from range(100000000) a, range(100000000) b"
    with pytest.raises(QueryError, match="it took longer than"), asked(found_runs(log), sql, 0.2) as answer:
        for _ in answer.batches:
            pass


def test_nothing_is_left_running_after_an_answer(log: Path) -> None:
    before = threading.active_count()
    ask(log, "select 1 as one")
    with asked(found_runs(log), "select 1 as one", 60.0):
        assert threading.active_count() == before + 1
    for thread in threading.enumerate():
        thread.join(1.0) if isinstance(thread, threading.Timer) else None
    assert threading.active_count() == before


def test_views_are_found_whatever_their_letters_are(log: Path) -> None:
    assert ask(log, 'select LOSS from "BATCHES"') == [{"loss": 0.5}]
    assert ask(log, "explain select * from batches")


def test_a_path_that_fits_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRunError, match="nothing that it fits"):
        found_runs(tmp_path / "no*")


def test_a_run_is_asked_once_however_often_it_is_named(log: Path) -> None:
    assert len(found_runs(log, log.parent / "*.jsonl", str(log))) == 1
