r"""Which lines do the bytes of a log hold? Found in one pass, whatever they are: blank, without an end, or too long.

>>> list(split([b"\n\n{}\n  \nto", b"rn"]))
[(3, b'{}\n'), (5, b'torn')]
"""

import re
from collections.abc import Iterable, Iterator

from nissa.events.codec import LONGEST_LINE, MalformedLineError

__all__ = ["LONGEST_LINE", "check", "split"]

_NEXT = re.compile(rb"([ \t\r\n]*+)([^\n]*+\n?)")
"""What JSON takes for blank, and a line. Each byte is looked at once; at the end nothing is found, and that counts."""


def split(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, each with its number, counted from 1, and with its end if it has one."""
    number, line = 1, _Line()
    for piece in pieces:
        at = 0
        if line.size:
            at = piece.find(b"\n") + 1 or len(piece)
            line.add(piece[:at])
            if line.ended:
                yield number, line.taken()
                number += 1
        for found in _NEXT.finditer(piece, at):
            blank, part = found.groups()
            if blank:
                number += blank.count(b"\n")
            if part.endswith(b"\n"):
                yield number, part
                number += 1
            elif part:
                line.add(part)
    if line.size:
        yield number, line.taken()


def check(line: bytes) -> None:
    """Raises MalformedLineError on a line that is too long to be an event."""
    if len(line) > LONGEST_LINE:
        raise MalformedLineError(f"longer than {LONGEST_LINE >> 20} MiB")


class _Line:
    """A line as it comes, piece by piece; its end stays, also where what is before it is too much."""

    def __init__(self) -> None:
        self.size = 0
        self.ended = False
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        """Take the next part in; what is too much is not kept."""
        if (room := LONGEST_LINE + 1 - self.size) > 0:
            self._parts.append(part[:room])
        self.size += len(part)
        self.ended = part.endswith(b"\n")

    def taken(self) -> bytes:
        """The line; the next one begins."""
        line = b"".join(self._parts)
        cut = self.ended and not line.endswith(b"\n")
        self.size, self.ended, self._parts = 0, False, []
        return line + b"\n" if cut else line
