"""Tables hold what events hold, value by value."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from pyarrow import parquet

from nissa.events.codec import Unknown
from nissa.events.event import Event, Scope
from nissa.events.json_encoding import plain
from nissa.events.kind import KINDS
from nissa.events.kinds import AlertResolved, BatchCompleted, RunStarted
from nissa.pipeline.query.columns import columns, env_text
from nissa.pipeline.query.tables import ParquetTables
from tests.pipeline.query.asking import Ask, ask, told, write
from tests.samples import events


def table(folder: Path, happened: Event[Any]) -> dict[str, Any]:
    """The row of one event."""
    tables = ParquetTables(folder)
    tables(happened, 7)
    tables.close()
    name = "unknown_events" if isinstance(happened.payload, Unknown) else happened.payload.kind
    rows: list[dict[str, Any]] = parquet.read_table(folder / f"{name}.parquet").to_pylist(maps_as_pydicts="strict")
    assert len(rows) == 1
    return rows[0]


def same(left: Any, right: Any) -> bool:
    """Equal, also where a number is none, and where JSON text stands for what it says."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if left == right or right is None:
        return bool(left == right)
    if isinstance(left, str) and isinstance(right, int | str):
        return left == (str(right) if isinstance(right, int) else f'"{right}"')  # an environment
    return isinstance(left, str) and json.loads(left) == plain(right)


@settings(max_examples=200)
@given(original=events())
def test_every_field_of_every_kind_comes_back(tmp_path_factory: pytest.TempPathFactory, original: Event[Any]) -> None:
    row = table(tmp_path_factory.mktemp("one"), original)
    payload = asdict(original.payload)
    assert {name for name in payload if not same(row[name], payload[name])} == set()
    for name, value in zip(Scope._fields, original.scope, strict=True):
        assert same(row[f"told_{name}" if name in payload else name], value)
    assert (row["seq"], row["ordinal"], row["position"]) == (original.seq, original.ordinal, 7)


def test_what_was_emitted_in_the_demo_is_there_line_by_line(run: Path, demo_says: Ask) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in map(orjson.loads, (run / "events-000001.jsonl").read_bytes().splitlines()):
        if "cause" not in row:
            rows.setdefault(row["kind"], []).append(row)
    assert len(rows) > 15
    for kind, lines in rows.items():
        found = demo_says(f"select * from {kind} order by seq limit 500")
        assert demo_says(f"select count(*) as n from {kind}") == [{"n": len(lines)}]
        assert [row["seq"] for row in found] == [line["seq"] for line in lines[:500]]
        for row, line in zip(found, lines, strict=False):
            assert row["time"] == line["time"]
            texts = {name for name, value in line["data"].items() if row[name] != without_none(value)}
            assert {
                name for name in texts if without_none(read(row[name])) != without_none(line["data"][name])
            } == set()


def read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def without_none(value: Any) -> Any:
    """What is None is left out of a line, and what is at its default may be."""
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items() if item not in (None, {}, [])}
    return [without_none(item) for item in value] if isinstance(value, list) else value


def test_missing_broken_and_zero_are_three_things(tmp_path: Path) -> None:
    losses = [0.0, math.nan, math.inf, -math.inf]
    log = write(tmp_path / "log.jsonl", told(*(BatchCompleted(batch=0, loss=loss) for loss in losses)))
    sql = "select loss, accuracy, isnan(loss) as broken from batches"
    assert [[*row.values()] for row in ask(log, sql)] == [
        [0.0, None, False],
        ["NaN", None, True],
        ["Infinity", None, False],
        ["-Infinity", None, False],
    ]


def test_a_number_that_fits_no_column_is_null_and_told(tmp_path: Path) -> None:
    tables = ParquetTables(tmp_path)
    for happened in told(BatchCompleted(batch=1 << 63, loss=0.5), BatchCompleted(batch=3, loss=0.5)):
        tables(happened, 0)
    tables.close()
    assert parquet.read_table(tmp_path / "batch_completed.parquet")["batch"].to_pylist() == [None, 3]
    assert tables.problems == ["batch_completed.batch: 1 numbers do not fit in 64 bits: NULL"]


def test_a_kind_that_is_not_known_here_is_carried(tmp_path: Path) -> None:
    row = table(tmp_path, told(Unknown("moon_landed", {"on": ["sea"]}))[0])
    assert (row["kind"], row["data"]) == ("moon_landed", '{"on":["sea"]}')


def test_where_an_event_is_about_another_place_both_are_told() -> None:
    names = [column.name for column in columns(AlertResolved.kind)]
    assert {"env", "told_env", "epoch", "told_epoch", "run"} <= {*names}
    assert len(names) == len({*names})


def test_no_column_stands_twice() -> None:
    for kind in KINDS:
        names = [column.name for column in columns(kind)]
        assert len(names) == len({*names}), kind


def test_environments_that_are_two_stay_two() -> None:
    assert len({*map(env_text, (5, "5", '"5"', "five", -5, "-5"))}) == 5 + (env_text("5") != '"5"')


def test_settings_are_json(tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", told(RunStarted(hyperparameters={"lr": 0.1, "nested": {"a": [1]}})))
    assert ask(log, "select hyperparameters->'$.nested'->>'$.a[0]' as a from runs") == [{"a": "1"}]
