"""The lines from a place on are those that plain Python finds behind it."""

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.pipeline.cluster import log_lines
from nissa.pipeline.cluster.log_lines import read_on
from nissa.pipeline.cluster.place import Place

CONTENT = st.lists(st.sampled_from([b"\n", b"a", b"bc\n", b" z", b"\r\n", b"x" * 20, b"\n\n"])).map(b"".join)
Lines = list[tuple[str, bytes]]


def plainly(name: str, content: bytes, *, last: bool) -> Lines:
    lines = content.split(b"\n")
    ends = [b"\n"] * (len(lines) - 1) + [b""]
    numbered = enumerate(zip(lines, ends, strict=True), start=1)
    return [(f"{name}:{n}", line + end) for n, (line, end) in numbered if line.strip() and (end or not last)]


def read_all(directory: Path, place: Place, most: int) -> tuple[Lines, Place]:
    lines = Lines()
    while (found := read_on(directory, place, most)).place.is_behind(place):
        lines += found.lines
        place = found.place
    return lines, place


@settings(max_examples=100, deadline=None)
@given(contents=st.lists(CONTENT, min_size=1, max_size=4), data=st.data(), most=st.integers(1, 30))
def test_lines_equal_those_of_plain_python(contents: list[bytes], data: st.DataObject, most: int) -> None:
    place, found, expected = Place(), Lines(), Lines()
    with TemporaryDirectory() as name:
        for number, content in enumerate(contents, start=1):
            file, last = Path(name) / f"events-{number:06}.jsonl", number == len(contents)
            at = 0
            for cut in [*sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=3))), len(content)]:
                with file.open("ab") as written:
                    written.write(content[at:cut])
                at = max(at, cut)
                lines, place = read_all(Path(name), place, most)
                found += lines
            expected += plainly(file.name, content, last=last)
    assert found == expected


def test_a_packed_segment_is_read_from_where_the_plain_one_was_left(tmp_path: Path) -> None:
    (plain := tmp_path / "events-000001.jsonl").write_bytes(b"a\nb\nc\n")
    found = read_on(tmp_path, Place(), 3)
    (tmp_path / "events-000001.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "events-000002.jsonl").write_bytes(b"d\n")
    plain.unlink()
    lines, place = read_all(tmp_path, found.place, 3)
    assert [line for _, line in found.lines + lines] == [b"a\n", b"b\n", b"c\n", b"d\n"]
    assert read_all(tmp_path, place, 3) == ([], place)


def manifest(directory: Path, *names: str) -> None:
    rows = [{"name": name, "bytes": 2, "closed": True} for name in names]
    (directory / "manifest.json").write_text(json.dumps({"segments": rows}))


def test_a_segment_that_is_missing_is_told_and_waited_for(tmp_path: Path) -> None:
    for number in (1, 3):
        (tmp_path / f"events-{number:06}.jsonl").write_bytes(b"%d\n" % number)
    manifest(tmp_path, "events-000001.jsonl", "events-000002.jsonl", "events-000003.jsonl")
    found = read_on(tmp_path, Place(), 100)
    assert [line for _, line in found.lines] == [b"1\n"]
    assert found.problem.startswith("events-000002.jsonl: missing")
    (tmp_path / "events-000002.jsonl").write_bytes(b"2\n")
    after = read_on(tmp_path, found.place, 100)
    assert ([line for _, line in after.lines], after.problem) == ([b"2\n", b"3\n"], "")


def test_a_segment_that_its_writer_gave_up_is_passed_over_and_told(tmp_path: Path) -> None:
    for number in (1, 3):
        (tmp_path / f"events-{number:06}.jsonl").write_bytes(b"%d\n" % number)
    manifest(tmp_path, "events-000001.jsonl", "events-000003.jsonl")
    found = read_on(tmp_path, Place(), 100)
    assert [line for _, line in found.lines] == [b"1\n", b"3\n"]
    assert found.told == ["events-000002.jsonl: missing, and given up by its writer"]


def test_a_segment_that_was_removed_before_its_end_was_read_is_waited_for(tmp_path: Path) -> None:
    (first := tmp_path / "events-000001.jsonl").write_bytes(b"1\n2\n")
    found = read_on(tmp_path, Place(), 2)
    (tmp_path / "events-000002.jsonl").write_bytes(b"3\n")
    first.unlink()
    after = read_on(tmp_path, found.place, 100)
    assert (after.lines, after.problem[:19]) == ([], "events-000001.jsonl")


@pytest.mark.parametrize("length", [30, 200])
def test_of_a_line_that_never_ends_a_bounded_part_is_read_at_once(tmp_path: Path, length: int) -> None:
    (tmp_path / "events-000001.jsonl").write_bytes(b"x" * length)
    with patch.object(log_lines, "LONGEST_LINE", 50):
        found = read_on(tmp_path, Place(), 10)
    assert [len(line) for _, line in found.lines] == ([] if length < 50 else [61])
