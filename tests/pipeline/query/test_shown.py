"""What a notebook shows of runs and frames: the rows of the answer, as text whatever they are."""

import math
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import nissa
from nissa.events.kinds import BatchCompleted, EpisodeStarted
from tests.pipeline.query.asking import told, write

HOSTILE = "<script>hit()</script>\"'&amp;\x1b[31m"


def cells(shown: Any) -> list[list[str]]:
    html = shown._repr_html_()
    return [[unescape(cell) for cell in re.findall("<t[dh]>(.*?)</t[dh]>", row)] for row in html.split("<tr>")[1:]]


def test_a_frame_is_shown_as_its_rows(tmp_path: Path) -> None:
    log = write(
        tmp_path / "log.jsonl",
        told(*(BatchCompleted(batch=n, loss=n / 8) for n in range(3)), BatchCompleted(batch=3, loss=math.nan)),
    )
    frame = nissa.open(log).query("select batch, loss, accuracy from batches")
    assert cells(frame) == [
        ["batch", "loss", "accuracy"],
        *(["0", "0", ""], ["1", "0.125", ""], ["2", "0.25", ""], ["3", "NaN", ""]),
    ]


def test_of_many_rows_the_first_are_shown_and_it_says_so(tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", told(*(BatchCompleted(batch=n, loss=0.5) for n in range(30))))
    frame = nissa.open(log).batches
    assert len(cells(frame)) == 21
    assert "Only the first 20 rows are shown." in frame._repr_html_()


def test_runs_are_shown_a_row_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with nissa.Telemetry(name, out=tmp_path / name, console=False) as telemetry:
            telemetry.emit(BatchCompleted(batch=0, loss=0.5))
    head, *rows = cells(nissa.open(tmp_path / "a", tmp_path / "b"))
    assert [(row[head.index("run")], row[head.index("outcome")]) for row in rows] == [
        ("a", "completed"),
        ("b", "completed"),
    ]


def test_names_are_text(tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", told(EpisodeStarted(policy=HOSTILE)))
    html = nissa.open(log).query("select policy from episode_started")._repr_html_()
    assert "<script" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;hit()" in html


@pytest.mark.parametrize("sql", ["select nothing", "select * from nowhere"])
def test_what_cannot_be_shown_says_why(sql: str, tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", told(BatchCompleted(batch=0, loss=0.5)))
    assert re.match("<p>.*(nothing|nowhere).*</p>", nissa.open(log).query(sql)._repr_html_())


def test_whole_numbers_beyond_64_bits_are_shown(tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", told(BatchCompleted(batch=0, loss=0.5)))
    number = "1" + 20 * "0"
    assert cells(nissa.open(log).query(f"select {number}::hugeint as one")) == [["one"], [number]]
