"""One client: a request comes in, an answer goes out, piece by piece as the client reads it."""

import asyncio
from collections.abc import Callable

from nissa.sinks.serving.messages import HEAD, Answer

__all__ = ["Connection"]

_END = b"\r\n\r\n"
_PIECE = 65_536
"""Bytes that are handed to the system at once."""


class Connection(asyncio.Protocol):
    """`heard` is called once, with the head of a request, or with all that fits if it is longer; `left` at its end."""

    def __init__(
        self, client: str, heard: Callable[["Connection", bytes], None], left: Callable[["Connection"], None]
    ) -> None:
        self.client = client
        self.opening: asyncio.Task[None] | None = None
        """What makes it; with TLS there is more than one step to that."""
        self._heard, self._left = heard, left
        self._transport: asyncio.Transport | None = None
        self._head, self._has_asked = bytearray(), False
        self._content = memoryview(b"")
        self._given: Callable[[], None] | None = None
        self._is_paused = self._was_cut = self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=1)
        if self._was_cut:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """A part of what is asked; what comes after that is not looked at."""
        if self._has_asked:
            return
        searched = max(0, len(self._head) - len(_END))
        self._head += data
        if (end := self._head.find(_END, searched)) >= 0 or len(self._head) > HEAD:
            self._has_asked = True
            self._heard(self, bytes(self._head[: end + len(_END)] if end >= 0 else self._head))

    def eof_received(self) -> bool:
        """It asks nothing more. Who has asked is answered; over TLS that is the end of both ways."""
        assert self._transport
        return self._has_asked and self._transport.get_extra_info("sslcontext") is None

    def pause_writing(self) -> None:
        """What was handed over is not read yet."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """It is read."""
        self._is_paused = False
        if self._is_answering:
            self._write()

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed."""
        self._left(self)
        if self._given and error is None and not self._was_cut:
            self._given()

    def answer(self, answer: Answer, given: Callable[[], None] | None = None, *, with_content: bool = True) -> None:
        """Give the answer, and close; `given` is called when it has gone out whole."""
        self._given = given
        head = answer.head()
        content = answer.content if with_content else b""
        if self._transport and not self._transport.is_closing():
            # In one go: each time that the system is asked, another thread may take the interpreter.
            self._content, self._is_answering = memoryview(content)[_PIECE:], True
            self._transport.write(head + content[:_PIECE])
            self._write()

    def cut(self) -> None:
        """Close it, whatever it does."""
        self._was_cut = True
        if self._transport:
            self._transport.abort()
        elif self.opening:
            self.opening.cancel()

    def _write(self) -> None:
        assert self._transport
        while self._content and not self._is_paused:
            piece, self._content = self._content[:_PIECE], self._content[_PIECE:]
            self._transport.write(piece)
        if not self._content:
            self._transport.close()
