"""The server: asyncio on a thread of its own. Each client has a time for its request, and one for its answer."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any

from nissa.sinks.serving.connection import Connection
from nissa.sinks.serving.guard import OPEN, Guard
from nissa.sinks.serving.messages import Answer, RefusedError, Request, Work, read
from nissa.sinks.serving.room import Room, places
from nissa.sinks.serving.turns import BusyError, Turns

__all__ = ["Server"]

_PATIENCE = 5.0
"""Seconds for a request, with the handshake of TLS."""
_ANSWER = 30.0
"""Seconds for an answer: to be made and to be read."""
_FAREWELL = 2.0
"""Seconds in which answers are finished when it closes, and for which its owner waits at most."""
_RATE, _CREDIT = 2_000, 0.05
"""Connections that are taken in a second, and seconds' worth of them that may come at once: more would take too much of
the interpreter."""
_BURST, _BREATH = 8, 0.01
"""Connections that are taken before others are served, and seconds that an error is waited after."""
_POLL = 0.25
"""Seconds between two looks for whose time is up."""

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
        self._closed, self._cpu = False, 0.0

    @property
    def is_running(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive() and not self._closed

    def start(self) -> None:
        """Answer, on a daemon thread."""
        self._thread.start()
        self._began.wait()

    def cpu(self) -> float:
        """Seconds that its threads have computed, without the answer that is being made."""
        return self._cpu + (self._work.cpu + self._passwords.cpu if self._loop else 0.0)

    def close(self) -> None:
        """Take no more requests and give the port back; what is being answered is finished. Again, it does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._over.wait(_FAREWELL)
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
        self._work, self._passwords = Turns[Answer](self._rest), Turns[bool](1.0)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda _, told: _log.debug("a connection failed: %s", told))
        self._room, self._tasks = Room(places(), _PATIENCE, _ANSWER), set[asyncio.Task[None]]()
        self._listens.setblocking(False)
        taking, looking = asyncio.create_task(self._take()), asyncio.create_task(self._look())
        self._began.set()
        await self._stop.wait()
        taking.cancel()
        await asyncio.wait([taking])
        self._listens.close()
        self._over.set()
        await self._say_farewell()
        looking.cancel()

    async def _say_farewell(self) -> None:
        end = time.monotonic() + _FAREWELL
        while self._room.is_answering() and time.monotonic() < end:
            await asyncio.sleep(_POLL)
        if there := self._room.everybody():
            for who in there:
                self._room.let_go(who)
            # What was cut is closed by the next round.
            await asyncio.sleep(_POLL)

    async def _take(self) -> None:
        loop, taken, due = asyncio.get_running_loop(), 0, 0.0
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
            who = Connection(client, self._heard, self._room.leave)
            self._room.asks(who)
            who.opening = self._spawn(self._open(connection, who))
            who.opening.add_done_callback(partial(self._opened, connection, who))
            due = max(due + 1 / _RATE, time.monotonic() - _CREDIT)
            taken += 1
            if taken % _BURST == 0:
                await asyncio.sleep(due - time.monotonic())

    async def _look(self) -> None:
        while True:
            for who in self._room.late():
                self._room.let_go(who)
            self._cpu = time.thread_time()
            await asyncio.sleep(_POLL)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self, connection: socket.socket, who: Connection) -> None:
        secured = {"ssl_handshake_timeout": _PATIENCE, "ssl_shutdown_timeout": 1.0} if self._guard.tls else {}
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: who, connection, ssl=self._guard.tls, **secured
        )

    def _opened(self, connection: socket.socket, who: Connection, task: "asyncio.Task[None]") -> None:
        """Who did not get so far is gone."""
        if task.cancelled() or task.exception():
            connection.close()
            self._room.leave(who)

    def _heard(self, who: Connection, head: bytes) -> None:
        self._room.waits(who)
        try:
            request = read(head, who.client)
        except RefusedError as refused:
            self._give(who, refused.answer)
        else:
            self._spawn(self._reply(who, request))

    async def _reply(self, who: Connection, request: Request) -> None:
        answer, given = await self._answered(request)
        self._give(who, answer, given, with_content=request.method == "GET")

    def _give(
        self, who: Connection, answer: Answer, given: Callable[[], None] | None = None, *, with_content: bool = True
    ) -> None:
        self._room.reads(who)
        who.answer(answer, given, with_content=with_content)

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
