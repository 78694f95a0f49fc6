"""Sinks that do whatever a sink can do wrong. Each fault is a run that goes on under it, and is closed in the end."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from nissa import Telemetry
from nissa.events.event import Event
from tests.faults.books import of_sink
from tests.waiting import LIMIT, hanging, until

__all__ = ["bursting_at_times", "hanging_sink", "left_behind", "losing_its_server", "raising", "slow"]


def _run(out: Path, sink: Callable[[Event[Any]], Any]) -> Telemetry:
    return Telemetry("run", out=out, sinks={"broken": sink}, linger=0.0)


@contextmanager
def left_behind(out: Path, sink: Callable[[Event[Any]], Any]) -> Iterator[Telemetry]:
    """A run with a sink that is not waited for in the end: the rest of the pipeline is worked off first."""
    telemetry = _run(out, sink)
    try:
        yield telemetry
    finally:
        until(lambda: not telemetry.state().queued and not of_sink(telemetry.state(), "log").queued)
        telemetry.close(timeout=1.0)


@contextmanager
def raising(out: Path) -> Iterator[Telemetry]:
    """It takes nothing."""

    def sink(event: Event[Any]) -> None:
        raise OSError("on purpose")

    with left_behind(out, sink) as telemetry:
        yield telemetry
    assert not of_sink(telemetry.state(), "broken").written


@contextmanager
def bursting_at_times(out: Path) -> Iterator[Telemetry]:
    """One call in twenty fails, so that a retry helps: nothing is lost."""
    calls = count(1)

    def sink(event: Event[Any]) -> None:
        if not next(calls) % 20:
            raise ConnectionError("on purpose")

    with _run(out, sink) as telemetry:
        yield telemetry
        assert telemetry.flush(LIMIT)
    state = of_sink(telemetry.state(), "broken")
    assert (state.failed, state.retries > 0, state.breaker) == (0, True, "closed")


@contextmanager
def slow(out: Path) -> Iterator[Telemetry]:
    """It takes half a millisecond for each event."""
    with _run(out, lambda event: time.sleep(0.0005)) as telemetry:
        yield telemetry
        assert telemetry.flush(LIMIT)
    assert not of_sink(telemetry.state(), "broken").failed


@contextmanager
def hanging_sink(out: Path) -> Iterator[Telemetry]:
    """It never comes back from the first event; a close of a second leaves it behind."""
    with hanging() as hang:
        with left_behind(out, hang) as telemetry:
            yield telemetry
        assert telemetry.state().faults["broken"] == 1


class _Server:
    """Acknowledges each line by a byte. It may be stopped, and started again at its port."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.port = 0
        self.start()

    def start(self) -> None:
        self._listens = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listens.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, args=(self._listens, self._open), daemon=True).start()

    def _serve(self, listens: socket.socket, opened: list[socket.socket]) -> None:
        with suppress(OSError):
            while True:
                client, _ = listens.accept()
                opened.append(client)
                with suppress(OSError), client.makefile("rb") as lines:
                    for line in lines:
                        self.seen.add(line)
                        client.sendall(b"k")

    def stop(self) -> None:
        for each in (self._listens, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class _Sender:
    """Sends the number of each event, and waits for the byte."""

    def __init__(self, port: int) -> None:
        self._port, self._socket = port, socket.socket()

    def __call__(self, event: Event[Any]) -> None:
        line = f"{event.seq}.{event.ordinal}\n".encode()
        try:
            self._socket.sendall(line)
            if self._socket.recv(1) != b"k":
                raise ConnectionError("no answer")
        except OSError:
            self._socket.close()
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=LIMIT)
            raise


@contextmanager
def losing_its_server(out: Path) -> Iterator[Telemetry]:
    """Its server is gone when the run begins, comes, goes, and comes back: what it has is what was written."""
    server = _Server()
    server.stop()
    with _run(out, _Sender(server.port)) as telemetry:
        telemetry.log({"alive": 1.0})
        until(lambda: of_sink(telemetry.state(), "broken").breaker == "open")
        server.start()
        assert telemetry.flush(LIMIT)
        server.stop()
        yield telemetry
        server.start()
        assert telemetry.flush(LIMIT)
    server.stop()
    state = of_sink(telemetry.state(), "broken")
    # What came, and whose byte was lost on the way back, was sent again, and may have failed then.
    assert state.written <= len(server.seen) <= state.written + state.failed
    assert 0 < state.failed < state.written
