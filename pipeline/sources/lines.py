"""The lines of a recorded run: which files hold them, and how to read those that are compressed."""

import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from nissa.events.codec import LONGEST_LINE, MalformedLineError
from nissa.pipeline.sources.read_report import Reading, UnreadableRunError
from nissa.pipeline.sources.zstandard import open_zst
from nissa.sinks.run_log import PACKED, DamagedManifestError, listed_segments, segments

__all__ = ["LONGEST_LINE", "Lines", "check", "find", "lines"]

Lines = Iterator[tuple[str, bytes]]
"""Lines that are not blank, each with its file and number."""
_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20
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
        with _open(file) as content:
            yield from _numbered(file.name, content)
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        reading.cut_short += 1
        reading.wrong(f"{file.name}: cut short or damaged, and read up to there: {error}")
    except OSError as error:
        raise UnreadableRunError(f"{file}: {error.strerror or error}") from None


def check(line: bytes) -> None:
    """Raises MalformedLineError on a line that is too long to be an event."""
    if len(line) > LONGEST_LINE:
        raise MalformedLineError(f"longer than {LONGEST_LINE >> 20} MiB")


def _numbered(name: str, content: IO[bytes]) -> Lines:
    number = 0
    while line := content.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = _without_rest(line, content)
        if number == 1:
            line = line.removeprefix(_BOM)
        if line.strip():
            yield f"{name}:{number}", line


def _without_rest(line: bytes, content: IO[bytes]) -> bytes:
    """The beginning of a line, ended as if it were whole; the content behind it is that of the next."""
    while (piece := content.readline(_PIECE)) and not piece.endswith(b"\n"):
        pass
    return line + b"\n" if piece else line


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
    raise UnreadableRunError(f"{path}: this directory holds no run (no events-*.jsonl or events.jsonl in it)")


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
def _open(file: Path) -> Iterator[IO[bytes]]:
    """The content of a file, decompressed if it begins as a compressed one does."""
    # What was read of a pipe does not come again, so its beginning is looked at and not taken.
    with file.open("rb") as content:
        start = content.peek(_MAGIC)
        opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), nullcontext)
        with opener(content) as unpacked:
            yield unpacked


_OPENERS: dict[bytes, Callable[[BufferedReader], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": open_zst,
}
