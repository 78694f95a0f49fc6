"""Lines are found as `bytes.split` finds them, wherever the pieces of a log end; what is packed absurdly is said."""

import gzip
import lzma
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from nissa.pipeline.sources import splitting
from nissa.pipeline.sources.read_report import UnreadableRunError
from nissa.pipeline.sources.splitting import split
from nissa.sinks.run_log import segments
from tests.pipeline.sources.reading import read
from tests.sinks.test_run_log import written

PACKS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def plainly(content: bytes) -> list[tuple[int, bytes]]:
    """The same by the whole content at once; blanks at the beginning of a line are no part of it."""
    rows = content.split(b"\n")
    ends = [b"\n"] * (len(rows) - 1) + [b""]
    found = [(n, (row + end).lstrip()) for n, (row, end) in enumerate(zip(rows, ends, strict=True), start=1)]
    return [(n, row) for n, row in found if row]


@given(
    st.lists(st.sampled_from([b"\n", b" ", b"\r\n", b"\t", b"{}", b"x", b"\0"]), max_size=60),
    st.sets(st.integers(0, 60)),
)
@example([b"x"], {0, 1})
def test_lines_are_the_same_however_the_bytes_come(parts: list[bytes], cuts: set[int]) -> None:
    content = b"".join(parts)
    pieces = [content[begin:end] for begin, end in pairwise([0, *sorted(cuts), len(content) + 60])]
    assert list(split(filter(None, pieces))) == plainly(content)


def test_of_a_line_that_is_too_long_the_beginning_is_kept_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "LONGEST_LINE", 10)
    pieces = [b"{}\n" + b"x" * 7, b"x" * 7, b"x" * 7, b"x\n{}\n", b"y" * 11, b"y" * 99]
    assert list(split(pieces)) == [(1, b"{}\n"), (2, b"x" * 11 + b"\n"), (3, b"{}\n"), (4, b"y" * 11)]


@pytest.mark.parametrize("ending", PACKS)
@pytest.mark.parametrize("filling", [b"\n", *(pytest.param(one, marks=pytest.mark.deep) for one in (b" ", b"\0"))])
def test_a_log_that_unpacks_to_absurdly_much_is_read_up_to_there_and_told(
    tmp_path: Path, ending: str, filling: bytes
) -> None:
    line = segments(written(tmp_path / "run", 1))[0].read_bytes()
    (tmp_path / f"log{ending}").write_bytes(PACKS[ending](line + filling * (200 << 20) + b"\n" + line))
    _, reading = read(tmp_path / f"log{ending}")
    assert (reading.read, reading.cut_short) == (1, 1)
    assert "unpacks to more than 250 times its size" in reading.problems[-1]
    (tmp_path / f"bare{ending}").write_bytes(PACKS[ending](filling * (200 << 20)))
    with pytest.raises(UnreadableRunError, match="unpacks to more than 250 times"):
        read(tmp_path / f"bare{ending}")


@pytest.mark.parametrize("ending", PACKS)
def test_a_log_with_a_long_run_of_blanks_is_read_to_its_end(tmp_path: Path, ending: str) -> None:
    first, second = segments(written(tmp_path / "run", 2))[0].read_bytes().splitlines(keepends=True)
    (tmp_path / f"log{ending}").write_bytes(PACKS[ending](first + b"\n" * (15 << 20) + second + b"torn"))
    events, reading = read(tmp_path / f"log{ending}")
    assert [event.seq for event in events] == [0, 1]
    assert f":{(15 << 20) + 3}: torn last line" in reading.problems[0]
