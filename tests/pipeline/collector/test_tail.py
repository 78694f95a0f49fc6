"""A log that is followed while it grows, however it is cut, gives the lines that plain Python finds in it."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.pipeline.sources import Reading, Tail, tail

LONGEST = 12
CONTENT = st.lists(st.sampled_from([b"\n", b"a", b"bc\n", b" z", b"\r\n", b"\x00", b"x" * 20, b"\n\n"])).map(b"".join)
Lines = list[tuple[str, bytes]]


def plainly(name: str, content: bytes, *, last: bool) -> Iterator[tuple[str, bytes]]:
    """The lines of a whole segment that are not blank; an end that is torn counts where another segment follows."""
    lines = content.split(b"\n")
    ends = [b"\n"] * (len(lines) - 1) + [b""]
    for number, (line, end) in enumerate(zip(lines, ends, strict=True), start=1):
        if line.strip() and (end or not last):
            yield f"{name}:{number}", line + end


def shown(lines: Lines) -> Lines:
    """Without a blank before it, which JSON has no use for; of a line that is too long, that it is."""
    bare = [(place, line.lstrip()) for place, line in lines]
    return [(place, line if len(line) < LONGEST else b"too long") for place, line in bare]


def read_all(tailing: Tail) -> Lines:
    return [line for batch in iter(tailing.read, []) for line in batch]


@settings(max_examples=150)
@given(
    contents=st.lists(CONTENT, min_size=1, max_size=4),
    packed=st.integers(0, 3),
    cuts=st.data(),
    piece=st.integers(1, 9),
)
def test_lines_equal_those_of_plain_python(contents: list[bytes], packed: int, cuts: st.DataObject, piece: int) -> None:
    found, expected = list[tuple[str, bytes]](), list[tuple[str, bytes]]()
    with (
        TemporaryDirectory() as name,
        patch.object(tail, "_PIECE", piece),
        patch.object(tail, "LONGEST_LINE", LONGEST),
        patch.object(tail, "_LINES", 2),
    ):
        tailing = Tail(Path(name), Reading())
        for number, content in enumerate(contents, start=1):
            file, last = Path(name) / f"events-{number:06}.jsonl", number == len(contents)
            if number <= packed and not last:
                file = file.with_suffix(".jsonl.gz")
                file.write_bytes(gzip.compress(content))
            else:
                cut = cuts.draw(st.integers(0, len(content)))
                for part in (content[:cut], content[cut:]):
                    with file.open("ab") as writing:
                        writing.write(part)
                    if cuts.draw(st.booleans()):
                        found += read_all(tailing)
            expected += plainly(file.name, content, last=last)
        found += read_all(tailing)
        assert tailing.waiting() == 0
        assert shown(found) == shown(expected)
        number, torn = contents[-1].count(b"\n") + 1, contents[-1].rpartition(b"\n")[2]
        expected = [(f"{file.name}:{number}", torn)] if torn.strip() else []
        assert shown(tailing.unfinished()) == shown(expected)
        tailing.close()


def test_there_is_nothing_to_read_while_there_is_no_run(tmp_path: Path) -> None:
    tailing = Tail(tmp_path / "run", Reading())
    assert (tailing.read(), tailing.waiting()) == ([], 0)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "events-000001.jsonl").write_bytes(b"a\nb")
    assert (tailing.waiting(), tailing.read(), tailing.waiting()) == (3, [("events-000001.jsonl:1", b"a\n")], 0)
    tailing.close()


@pytest.mark.parametrize("leaves", [True, False])
def test_a_segment_that_is_packed_away_between_two_looks_is_read_all_the_same(tmp_path: Path, leaves: bool) -> None:
    plain, packed = tmp_path / "events-000001.jsonl", tmp_path / "events-000001.jsonl.gz"
    packed.write_bytes(gzip.compress(b"a\n"))
    tailing = Tail(tmp_path, Reading())
    with patch.object(tail, "segments", lambda *_: [plain]):
        assert tailing.read() == []
    if leaves:
        assert tailing.read() == [("events-000001.jsonl.gz:1", b"a\n")]
    tailing.close()


def test_what_cannot_be_read_is_passed_over_and_told(tmp_path: Path) -> None:
    reading = Reading()
    (tmp_path / "events-000001.jsonl.gz").write_bytes(gzip.compress(b"a\n" * 99_999)[:60])
    (tmp_path / "events-000002.jsonl").write_bytes(b"b\n")
    tailing = Tail(tmp_path, reading)
    assert read_all(tailing)[-1] == ("events-000002.jsonl:1", b"b\n")
    assert reading.cut_short == 1
    tailing.close()


def test_a_torn_end_that_is_cut_off_by_who_goes_on_is_no_line(tmp_path: Path) -> None:
    first = tmp_path / "events-000001.jsonl"
    first.write_bytes(b"a\nto")
    tailing = Tail(tmp_path, Reading())
    assert read_all(tailing) == [("events-000001.jsonl:1", b"a\n")]
    first.write_bytes(b"a\n")
    (tmp_path / "events-000002.jsonl").write_bytes(b"b\n")
    assert read_all(tailing) == [("events-000002.jsonl:1", b"b\n")]
    tailing.close()
