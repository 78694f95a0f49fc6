"""The lines of a run that still goes on, as they come: what is not whole yet is waited for."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from nissa.events.codec import LONGEST_LINE
from nissa.pipeline.sources.lines import lines
from nissa.pipeline.sources.read_report import Reading
from nissa.sinks.run_log import segments

__all__ = ["Tail"]

_PIECE = 1 << 18
"""Bytes that are read at once."""
_Batch = list[tuple[str, bytes]]


class Tail:
    """Reads the segments of a run from the first line on. One of them is complete once there is one behind it.

    The directory may be empty yet, or not be there. What is torn where another segment follows is counted in `reading`.
    """

    def __init__(self, directory: Path, reading: Reading, prefix: str = "events") -> None:
        self._directory, self._reading, self._prefix = directory, reading, prefix
        self._read = 0
        self._segment: Path | None = None
        self._batches = self._follow()

    def read(self) -> _Batch:
        """The next whole lines, each with its file and number; none if there are no more yet."""
        return next(self._batches)

    def waiting(self) -> int:
        """Bytes that were written and not read."""
        return sum(file.stat().st_size for file in self._later()) + max(0, self._size() - self._read)

    def close(self) -> None:
        """Let go of the file."""
        self._batches.close()

    def _follow(self) -> Generator[_Batch, None, None]:
        while True:
            if following := self._later():
                self._segment, self._read = following[0], 0
                yield from self._plain(self._segment) if self._segment.suffix == ".jsonl" else self._packed()
            else:
                yield []

    def _packed(self) -> Iterator[_Batch]:
        for line in lines(self._segment or Path(), self._reading):
            yield [line]
        self._read = self._size()

    def _plain(self, file: Path) -> Iterator[_Batch]:
        number, rest = 0, bytearray()
        for piece in _pieces(file, self._later):
            self._read += len(piece)
            *whole, end = piece.split(b"\n")
            found = []
            for line in whole:
                number += 1
                found.append((f"{file.name}:{number}", bytes(rest + line + b"\n")))
                rest.clear()
            # Of a line that never ends, as much is kept as makes it too long.
            rest += end[: max(0, LONGEST_LINE + 1 - len(rest))]
            yield [line for line in found if line[1].strip()]
        if rest:
            self._reading.malformed += 1
            self._reading.wrong(f"{file.name}:{number + 1}: torn line")

    def _later(self) -> list[Path]:
        found = segments(self._directory, self._prefix)
        return [file for file in found if self._segment is None or _order(file) > _order(self._segment)]

    def _size(self) -> int:
        return self._segment.stat().st_size if self._segment and self._segment.exists() else 0


def _pieces(file: Path, later: Callable[[], list[Path]]) -> Iterator[bytes]:
    """The content of a file until another one follows it; empty while nothing comes."""
    with file.open("rb", buffering=0) as content:
        left = False
        while True:
            if piece := content.read(_PIECE):
                yield piece
            elif left:
                return
            elif later():
                # The writer makes the next segment before it ends this one: once more.
                left = True
            else:
                yield b""


def _order(file: Path) -> str:
    return file.name.partition(".jsonl")[0]
