r"""A terminal that the trainer writes to as well: lines between its own output, and one row at the bottom kept for us.

The row is kept by a scroll region, as by Debian's apt: whatever is printed scrolls above it, bars of others too. Each
drawing sets it anew, and leaves the cursor and its line where they were relative to each other. So it holds when the
size changes, and when something else took the region back.
"""

import os
from typing import TextIO

__all__ = ["SharedTerminal"]

_DOWN_UP, _SAVE, _RESTORE = "\x1bD\x1b[A", "\x1b7", "\x1b8"
"""A line further down is made, if there is none; then back."""
_LEAST_ROWS, _LEAST_COLUMNS = 5, 20
"""Of a terminal that has a row to spare."""


class SharedTerminal:
    """Writes to a stream's file, and never waits for a terminal: what does not go out now goes out with the next call.

    No lock of the stream is taken, so that a forked child finds none held. Raises OSError where nobody reads any more.
    """

    def __init__(self, stream: TextIO, *, rows: bool) -> None:
        self._stream, self._rows = stream, rows
        self._file, self._rest = _own(stream), b""
        self._shown = False

    @property
    def size(self) -> os.terminal_size | None:
        """Columns and lines; None where no row can be kept."""
        if not self._rows or self._file is None:
            return None
        try:
            size = os.get_terminal_size(self._file)
        except OSError:
            return None
        return size if size.lines >= _LEAST_ROWS and size.columns >= _LEAST_COLUMNS else None

    def ready(self) -> bool:
        """Whether all that was to be written is out."""
        self._write(b"")
        return not self._rest

    def line(self, text: str) -> None:
        """Write a line below what is there; one that somebody has begun is left as it is."""
        size = self.size
        self._write(f"{_fresh(size.columns) if size else ''}{text}\n".encode(errors="replace"))

    def status(self, text: str) -> None:
        """Show a text in the row at the bottom, if there is one."""
        if size := self.size:
            self._shown = True
            region, bottom = f"\x1b[1;{size.lines - 1}r", f"\x1b[{size.lines};1H\x1b[2K"
            self._write(f"{_DOWN_UP}{_SAVE}{region}{bottom}{text}{_RESTORE}".encode(errors="replace"))

    def release(self) -> None:
        """Give the row back."""
        if self._shown and (size := self.size):
            self._shown = False
            self._write(f"{_SAVE}\x1b[r\x1b[{size.lines};1H\x1b[2K{_RESTORE}".encode())

    def _write(self, data: bytes) -> None:
        self._rest += data
        if self._file is None:
            self._stream.write(self._rest.decode(errors="replace"))
            self._rest = b""
        while self._rest and self._file is not None:
            try:
                self._rest = self._rest[os.write(self._file, self._rest) :]
            except BlockingIOError:
                return


def _fresh(columns: int) -> str:
    """To the beginning of a line, of the next one unless the cursor is at one: as zsh does before its prompt."""
    return f"{' ' * (columns - 1)}\r\x1b[K"


def _own(stream: TextIO) -> int | None:
    """A file of our own for the same terminal: ours alone never blocks. The stream's number where it is none."""
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    try:
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
        return os.open(os.ttyname(number), flags) if stream.isatty() else number
    except OSError:
        return number
