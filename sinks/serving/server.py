"""The server: asyncio on a thread of its own. Each client has a time for its request, and one for its answer."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from nissa.sinks.serving.guard import OPEN, Guard
from nissa.sinks.serving.messages import HEAD, Answer, RefusedError, Request, Work, read
from nissa.sinks.serving.room import Room, places
from nissa.sinks.serving.turns import BusyError, Turns

__all__ = ["Server"]

_PATIENCE = 5.0
"""Seconds for a request, with the handshake of TLS."""
_ANSWER = 30.0
"""Seconds for an answer: to be made and to be read."""
_FAREWELL = 2.0
"""Seconds in which answers are finished when it closes."""
_BURST, _BREATH = 8, 0.004
"""Connections that are taken in one go, and seconds until the next: more would take too much of the interpreter."""
_PIECE = 65_536
"""Bytes that are handed to a connection at once."""

_log = logging.getLogger("nissa")


class Server:
    """Answers at a socket with what `route` says of a request: an answer, or work that ends in one.

    `route` is called on the server's thread and must not wait; work is done in turns, with rests `rest` times as long.
    One connection is one request. `start` begins.
    """

    def __init__(
        self,
        route: Callable[[Request], Answer | Work],
        listens: socket.socket,
        guard: Guard = OPEN,
        *,
        name: str,
        rest: float = 0.0,
    ) -> None:
        self._route, self._listens, self._guard, self._rest = route, listens, guard, rest
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False

    @property
    def is_running(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive() and not self._closed

    def start(self) -> None:
        """Answer, on a daemon thread."""
        self._thread.start()
        self._began.wait()

    def close(self) -> None:
        """Take no more requests and give the port back; what is being answered is finished. Again, it does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._over.wait()
        self._listens.close()

    def after_fork(self) -> None:
        """In a forked child: let go of the port, which the parent goes on to serve."""
        self._closed = True
        self._listens.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError:
            _log.exception("nothing is served")
        finally:
            self._began.set()
            self._over.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda _, told: _log.debug("a connection failed: %s", told))
        self._room, self._tasks = Room(places()), set[asyncio.Task[None]]()
        self._work, self._passwords = Turns[Answer](self._rest), Turns[bool](1.0)
        self._listens.setblocking(False)
        taking = asyncio.create_task(self._take())
        self._began.set()
        await self._stop.wait()
        taking.cancel()
        await asyncio.wait([taking])
        self._listens.close()
        self._over.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_FAREWELL)

    async def _take(self) -> None:
        loop, taken = asyncio.get_running_loop(), 0
        while True:
            try:
                connection, (client, *_) = await loop.sock_accept(self._listens)
            except OSError:
                # No file is left to this process, or whoever came is gone again.
                await asyncio.sleep(_BREATH)
                continue
            try:
                await self._room.made()
            except asyncio.CancelledError:
                connection.close()
                raise
            task = loop.create_task(self._attend(connection, client))
            self._room.asks(task)
            self._tasks.add(task)
            task.add_done_callback(partial(self._gone, connection))
            taken += 1
            if taken % _BURST == 0:
                await asyncio.sleep(_BREATH)

    def _gone(self, connection: socket.socket, task: "asyncio.Task[None]") -> None:
        # Who was let go before it began has nothing else that closes it.
        connection.close()
        self._room.leave(task)
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.debug("an answer broke off", exc_info=error)

    async def _attend(self, connection: socket.socket, client: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await self._opened(connection)
        except (OSError, TimeoutError):
            return
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await self._converse(reader, writer, client)
        finally:
            writer.transport.abort()

    async def _opened(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(HEAD, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        secured = {"ssl_handshake_timeout": _PATIENCE, "ssl_shutdown_timeout": 1.0} if self._guard.tls else {}
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._guard.tls, **secured)
        transport.set_write_buffer_limits(high=0)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str) -> None:
        me, given, with_content = asyncio.current_task(), None, True
        assert me
        try:
            async with asyncio.timeout(_PATIENCE):
                request = await read(reader, client)
        except RefusedError as refused:
            answer = refused.answer
        else:
            self._room.waits(me)
            with_content = request.method == "GET"
            async with asyncio.timeout(_ANSWER):
                answer, given = await self._answered(request)
        self._room.reads(me)
        async with asyncio.timeout(_ANSWER):
            await _sent(writer, answer.head(), answer.content if with_content else b"")
        if given:
            given()

    async def _answered(self, request: Request) -> tuple[Answer, Callable[[], None] | None]:
        try:
            if not await self._admitted(request.headers.get("Authorization", "")):
                return Answer(401, b"a name and its password are asked\n", headers=_ASKS), None
            found = self._route(request)
            if isinstance(found, Answer):
                return found, None
            return await self._work.take(found.key, found.make), found.given
        except BusyError:
            return Answer(503, b"too much is asked at once\n", headers={"Retry-After": "1"}), None
        except Exception:  # noqa: BLE001  # whatever it was, the next request may do better
            _log.exception("a request failed")
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"that failed; the log says why\n"), None

    async def _admitted(self, authorization: str) -> bool:
        if self._guard.knows(authorization) or not authorization:
            return self._guard.knows(authorization)
        return await self._passwords.take(authorization, lambda: self._guard.admits(authorization))


_ASKS = {"WWW-Authenticate": 'Basic realm="nissa", charset="UTF-8"'}


async def _sent(writer: asyncio.StreamWriter, head: bytes, content: bytes) -> None:
    writer.write(head)
    whole = memoryview(content)
    for begin in range(0, len(content), _PIECE):
        writer.write(whole[begin : begin + _PIECE])
        await writer.drain()
    writer.close()
    await writer.wait_closed()
