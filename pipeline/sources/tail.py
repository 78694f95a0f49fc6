"""The lines of a run that still goes on, as they come: what is not whole yet is waited for."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from nissa.events.codec import LONGEST_LINE
from nissa.pipeline.sources.lines import lines
from nissa.pipeline.sources.read_report import Reading, UnreadableRunError
from nissa.sinks.run_log import segments

__all__ = ["Tail"]

_PIECE = 1 << 18
"""Bytes that are read at once."""
_LINES = 256
"""Lines of a packed segment that are handed on at once."""
_BOM = b"\xef\xbb\xbf"
_Batch = list[tuple[str, bytes]]


class Tail:
    """Reads the segments of a run from the first line on. One of them is complete once there is one behind it.

    The directory may be empty yet, or not be there. A segment that cannot be read is passed over, and `reading` told.
    """

    def __init__(self, directory: Path, reading: Reading, prefix: str = "events") -> None:
        self._directory, self._reading, self._prefix = directory, reading, prefix
        self._segment: Path | None = None
        self._read = self._number = 0
        self._rest = bytearray()
        self._batches = self._follow()

    def read(self) -> _Batch:
        """The next lines that are not blank, each with its file and number; none if there are no more yet."""
        return next(self._batches)

    def unfinished(self) -> _Batch:
        """The last line, if it has no end, to be asked once nobody writes any more."""
        return self._torn()

    def waiting(self) -> int:
        """Bytes that were written and not read."""
        return sum(map(_size, self._later())) + max(0, _size(self._segment) - self._read)

    def close(self) -> None:
        """Let go of the file."""
        self._batches.close()

    def _follow(self) -> Generator[_Batch, None, None]:
        while True:
            if following := self._later():
                try:
                    yield from (
                        self._plain(following[0]) if following[0].suffix == ".jsonl" else self._packed(following[0])
                    )
                except FileNotFoundError:
                    # Packed away, or removed, since it was listed.
                    yield []
            else:
                yield []

    def _batches_of(self, file: Path) -> Iterator[_Batch]:
        return self._plain(file) if file.suffix == ".jsonl" else self._packed(file)

    def _packed(self, file: Path) -> Iterator[_Batch]:
        self._begin(file)
        content = lines(file, self._reading)
        try:
            while batch := list(islice(content, _LINES)):
                yield batch
        except UnreadableRunError as error:
            self._reading.cut_short += 1
            self._reading.wrong(str(error))
        self._read = _size(file)

    def _plain(self, file: Path) -> Iterator[_Batch]:
        for piece in self._pieces(file):
            if not piece:
                yield []
            elif batch := [(place, line) for place, line in self._split(piece) if line.strip()]:
                yield batch
        torn = self._torn()
        # Whoever goes on with a run cuts it off.
        if torn and _size(file) >= self._read:
            yield torn

    def _pieces(self, file: Path) -> Iterator[bytes]:
        """The content of a file until another one follows it; empty while nothing comes."""
        with file.open("rb", buffering=0) as content:
            self._begin(file)
            left = False
            while True:
                if piece := content.read(_PIECE):
                    self._read += len(piece)
                    yield piece
                elif left:
                    return
                elif self._later():
                    # The writer makes the next segment before it ends this one: once more.
                    left = True
                else:
                    yield b""

    def _begin(self, file: Path) -> None:
        self._segment, self._read, self._number = file, 0, 0

    def _split(self, piece: bytes) -> Iterator[tuple[str, bytes]]:
        *whole, end = piece.split(b"\n")
        for line in whole:
            self._number += 1
            text = b"".join((self._rest, line, b"\n"))
            self._rest.clear()
            yield self._place(), text.removeprefix(_BOM) if self._number == 1 else text
        # Of a line that never ends, as much is kept as makes it too long.
        self._rest += end[: max(0, LONGEST_LINE + 1 - len(self._rest))]

    def _torn(self) -> _Batch:
        line = bytes(self._rest)
        self._rest.clear()
        self._number += 1
        return [(self._place(), line)] if line.strip() else []

    def _place(self) -> str:
        return f"{self._segment.name if self._segment else ''}:{self._number}"

    def _later(self) -> list[Path]:
        found = segments(self._directory, self._prefix)
        return [file for file in found if self._segment is None or _order(file) > _order(self._segment)]


def _order(file: Path) -> str:
    return file.name.partition(".jsonl")[0]


def _size(file: Path | None) -> int:
    with suppress(OSError):
        return file.stat().st_size if file else 0
    return 0
