"""The lines of a recorded run: which files hold them, and how to read those that are compressed."""

import gzip
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from itertools import islice
from math import inf
from pathlib import Path
from typing import IO, Any

from nissa.pipeline.sources.read_report import Reading, UnreadableRunError
from nissa.pipeline.sources.splitting import LONGEST_LINE, check, split
from nissa.pipeline.sources.zstandard import open_zst
from nissa.sinks.run_log import PACKED, DamagedManifestError, listed_segments, segments

__all__ = ["LONGEST_LINE", "Lines", "check", "find", "lines"]

Lines = Iterator[tuple[str, bytes]]
"""Lines that are not blank, each with its file and number."""
_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20
_MOST_TIMES = 250
"""How many times its size a packed log may have; the heartbeats of an idle run, packed by xz, have 110."""
_ROOM = 16 << 20
"""Bytes that a small one may have, whatever its size."""
_MAGIC = 6
"""Bytes at the beginning of a file that say how it is compressed."""


def find(path: Path, reading: Reading) -> list[Path]:
    """The files of a run, in order: segments, or the one that another system wrote, or `path` itself.

    Raises UnreadableRunError if there is nothing at `path`, or a directory that is no run.
    """
    try:
        return _files(path, reading)
    except OSError as error:
        raise UnreadableRunError(f"{path}: {error.strerror}") from None


def lines(file: Path, reading: Reading) -> Lines:
    """The lines of a file. One that is compressed and was cut short ends where it was cut, and is told.

    Raises UnreadableRunError on a file that cannot be read.
    """
    try:
        with _open(file) as (content, most):
            yield from _numbered(file.name, _pieces(content, most))
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        reading.cut_short += 1
        reading.wrong(f"{file.name}: cut short or damaged, and read up to there: {error}")
    except OSError as error:
        raise UnreadableRunError(f"{file}: {error.strerror or error}") from None


def _numbered(name: str, pieces: Iterable[bytes]) -> Lines:
    for number, line in split(pieces):
        text = line.removeprefix(_BOM) if number == 1 else line
        if text.strip():
            yield f"{name}:{number}", text


def _pieces(content: IO[bytes], most: float) -> Iterator[bytes]:
    """The content, as it comes. Raises EOFError once it is more than `most` bytes."""
    size = 0
    while piece := content.read1(_PIECE):  # type: ignore[attr-defined]  # all that are opened here have it
        if (size := size + len(piece)) > most:
            raise EOFError(f"it unpacks to more than {_MOST_TIMES} times its size")
        yield piece


def _files(path: Path, reading: Reading) -> list[Path]:
    if not path.exists():
        raise UnreadableRunError(f"{path}: there is no such file or directory")
    if not path.is_dir():
        return [path]
    if files := segments(path):
        _check_manifest(path, files, reading)
        return files
    if files := [file for ending in reversed(PACKED) if (file := path / f"events.jsonl{ending}").exists()]:
        return files[:1]
    none = f"{path}: this directory holds no run (no events-*.jsonl or events.jsonl in it)"
    raise UnreadableRunError(none + _runs_within(path))


def _runs_within(path: Path) -> str:
    """Whoever names a folder of runs, or of a job, learns what a run in it is called; empty where there is none."""
    found = [*islice((inner for inner in sorted(path.iterdir()) if segments(inner)), 2)]
    others = "among others " if len(found) > 1 else ""
    return f"; {found[0]} is one, {others}in this directory" if found else ""


def _check_manifest(path: Path, files: list[Path], reading: Reading) -> None:
    """Say which closed segments are missing or shorter than they were."""
    try:
        closed = {segment["name"]: segment["bytes"] for segment in listed_segments(path)}
    except DamagedManifestError as error:
        return reading.wrong(f"{error}; reading all segments there are")
    plain = {file.name: file.stat().st_size for file in files if file.suffix == ".jsonl"}
    there = {file.name.partition(".jsonl")[0] + ".jsonl" for file in files}
    for name, size in closed.items():
        if name not in there:
            reading.wrong(f"{name}: missing, and {size} bytes when it was closed")
        elif plain.get(name, size) != size:
            reading.wrong(f"{name}: {plain[name]} bytes, but {size} when it was closed")
    return None


@contextmanager
def _open(file: Path) -> Iterator[tuple[IO[bytes], float]]:
    """The content of a file, decompressed if it begins as a compressed one does, and how many bytes it may have."""
    # What was read of a pipe does not come again, so its beginning is looked at and not taken.
    with file.open("rb") as content:
        start = content.peek(_MAGIC)
        opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
        if opener is None:
            yield content, inf
            return
        size = file.stat().st_size if file.is_file() else inf
        with opener(content) as unpacked:
            yield unpacked, max(_ROOM, _MOST_TIMES * size)


_OPENERS: dict[bytes, Callable[[BufferedReader], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": open_zst,
}
