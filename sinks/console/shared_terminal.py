r"""A terminal that the trainer writes to as well: lines between its own output, and one row at the bottom kept for us.

The row is kept by a scroll region, as by Debian's apt: whatever is printed scrolls above it, bars of others too. Each
drawing sets it anew, and leaves the cursor and its line where they were relative to each other. So it holds when the
size changes, and when something else took the region back.
"""

import os
from io import TextIOWrapper
from typing import TextIO

from nissa.sinks.terminals import is_terminal

__all__ = ["SharedTerminal"]

_DOWN_UP, _SAVE, _RESTORE = "\x1bD\x1b[A", "\x1b7", "\x1b8"
"""A line further down is made, if there is none; then back."""
_LEAST_ROWS, _LEAST_COLUMNS = 5, 20
"""Of a terminal that has a row to spare."""
_KEEPERS: "dict[str | None, SharedTerminal]" = {}
"""Who has the row of a terminal: two would draw over each other."""


class SharedTerminal:
    """Writes to a stream's file, and never waits for a terminal: what does not go out now goes out with the next call.

    No lock of the stream is taken, so that a forked child finds none held. Raises OSError where nobody reads any more.
    """

    def __init__(self, stream: TextIO, *, rows: bool) -> None:
        self._stream, self._rows = stream, rows
        (self._file, self._name), self._rest = _own(stream), b""
        self._shown = self._closed = False

    @property
    def size(self) -> os.terminal_size | None:
        """Columns and lines; None where no row can be kept, and while the row is somebody else's."""
        if self._file is None or _KEEPERS.get(self._name, self) is not self or _in_background(self._file):
            return None
        return self._room()

    def _room(self) -> os.terminal_size | None:
        if not self._rows or self._file is None or self._closed:
            return None
        try:
            size = os.get_terminal_size(self._file)
        except OSError:
            return None
        return size if size.lines >= _LEAST_ROWS and size.columns >= _LEAST_COLUMNS else None

    def ready(self) -> bool:
        """Whether all that was to be written is out."""
        self._write(b"")
        return not self._rest and not self._closed

    def line(self, text: str) -> None:
        """Write a line below what is there; one that somebody has begun is left as it is."""
        size = self._room()
        self._write(f"{_fresh(size.columns) if size else ''}{text}\n".encode(errors="replace"))

    def status(self, text: str) -> None:
        """Show a text in the row at the bottom, if there is one."""
        if (size := self.size) and _KEEPERS.setdefault(self._name, self) is self:
            self._shown = True
            region, bottom = f"\x1b[1;{size.lines - 1}r", f"\x1b[{size.lines};1H\x1b[2K"
            self._write(f"{_DOWN_UP}{_SAVE}{region}{bottom}{text}{_RESTORE}".encode(errors="replace"))

    def release(self) -> None:
        """Give the row back."""
        if self._shown and (size := self._room()):
            self._shown = False
            self._write(f"{_SAVE}\x1b[r\x1b[{size.lines};1H\x1b[2K{_RESTORE}".encode())
            self._leave_row()

    def close(self) -> None:
        """Write nothing any more. It gives no row back: a forked child closes what its parent goes on with."""
        self._leave_row()
        # Once: its number may be another file's by then.
        closed, self._closed = self._closed, True
        if self._file is not None and self._name and not closed:
            os.close(self._file)

    def _leave_row(self) -> None:
        if _KEEPERS.get(self._name) is self:
            del _KEEPERS[self._name]

    def _write(self, data: bytes) -> None:
        if self._closed:
            return
        self._rest += data
        if self._rest and self._file is None:
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


def _in_background(file: int) -> bool:
    """Whether a shell has the terminal for another job, which a row of ours would disturb."""
    try:
        return os.tcgetpgrp(file) != os.getpgrp()
    except OSError:
        return False


def _own(stream: TextIO) -> tuple[int | None, str | None]:
    """A file of our own for the same terminal, and its name: ours alone never blocks.

    The stream's number, without a name, where it is no terminal or not to be opened. Neither for what stands in a
    file's place, as a notebook's stderr does: the number that it tells is that of the kernel's own.
    """
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None, None
    if not is_terminal(stream):
        return (number if isinstance(stream, TextIOWrapper) else None), None
    try:
        name = os.ttyname(number)
        return os.open(name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK), name
    except OSError:
        return number, None
