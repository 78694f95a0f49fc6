"""What a server gives of itself: a bounded answer to each request, a bounded time to each client, a place to few."""

import asyncio
import resource
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import pytest

from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.serving import Answer, Request, Server, Work, listening
from nissa.sinks.serving.room import places
from nissa.sinks.serving.turns import Turns
from tests.waiting import LIMIT, until

Place = tuple[str, int]


@contextmanager
def serving(route: Callable[[Request], Answer | Work], rest: float = 0.0) -> Iterator[Place]:
    listens = listening("127.0.0.1", 0)
    place: Place = listens.getsockname()
    server = Server(route, listens, name="served", rest=rest)
    server.start()
    try:
        yield place
    finally:
        server.close()


@pytest.fixture
def metrics() -> Iterator[Place]:
    listens = listening("127.0.0.1", 0)
    place: Place = listens.getsockname()
    server = MetricsServer(PrometheusSink(), listens)
    server.start()
    yield place
    server.close()


def connected(place: Place) -> socket.socket:
    return socket.create_connection(place, timeout=LIMIT)


def said(place: Place, request: bytes) -> bytes:
    """All that is answered to these bytes."""
    with connected(place) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def status(place: Place, request: bytes) -> int:
    return int(said(place, request).split()[1])


def hello(request: Request) -> Answer:
    return Answer(200, b"hello\n")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /metrics HTTP/1.1\r\n\r\n", 200),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", 200),
        (b"GET http://host/metrics HTTP/1.1\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics/../../etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"GET /%2e%2e/etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics\0 HTTP/1.1\r\n\r\n", 404),
        (b"GET /" + b"m" * 300 + b" HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", 405),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", 405),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", 405),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\xff\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 101 + b"\r\n", 431),
        (b"a" * 20_000, 431),
    ],
)
def test_each_request_has_its_answer(request_: bytes, expected: int, metrics: Place) -> None:
    assert status(metrics, request_) == expected


def test_who_hangs_up_its_half_of_the_line_is_answered() -> None:
    with serving(lambda _: Work("", lambda: Answer(200, b"done\n"))) as place, connected(place) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: client.recv(65_536), b"")).endswith(b"done\n")


def test_another_method_is_told_which_there_are(metrics: Place) -> None:
    assert b"\r\nAllow: GET, HEAD\r\n" in said(metrics, b"DELETE /metrics HTTP/1.1\r\n\r\n")


def test_head_is_answered_as_get_without_its_content() -> None:
    with serving(hello) as place:
        got, headed = (said(place, f"{method} / HTTP/1.1\r\n\r\n".encode()) for method in ("GET", "HEAD"))
    assert got == headed + b"hello\n"
    assert b"\r\nContent-Length: 6\r\n" in headed


def test_who_is_slow_is_cut_and_others_are_answered_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.sinks.serving.server._PATIENCE", 1.0)
    with serving(hello) as place, ExitStack() as stack:
        slow = [stack.enter_context(connected(place)) for _ in range(50)]
        for client in slow:
            client.sendall(b"GET / HTTP/1.1\r\nX-")
        assert status(place, b"GET / HTTP/1.1\r\n\r\n") == 200
        # A byte now and then does not win more time.
        until(lambda: is_cut(slow[0]))
        assert [client.recv(1) for client in slow[1:]] == [b""] * 49


def is_cut(client: socket.socket) -> bool:
    try:
        client.sendall(b"a")
    except OSError:
        return True
    return False


def test_where_no_place_is_left_who_asks_longest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.sinks.serving.server.places", lambda: 3)
    with serving(hello) as place, ExitStack() as stack:
        first, *others = (stack.enter_context(connected(place)) for _ in range(3))
        assert status(place, b"GET / HTTP/1.1\r\n\r\n") == 200
        assert first.recv(1) == b""
        for other in others:
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert other.recv(12) == b"HTTP/1.1 200"


def test_where_no_place_is_left_who_reads_slowly_goes_and_who_waits_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.sinks.serving.server.places", lambda: 2)
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Answer:
        begun.set()
        assert go_on.wait(LIMIT)
        return Answer(200, b"late\n")

    def route(request: Request) -> Answer | Work:
        return Answer(200, b"x" * 20_000_000) if request.path == "/big" else Work("late", slowly)

    with serving(route) as place, ExitStack() as stack:
        reads_not = stack.enter_context(connected(place))
        reads_not.sendall(b"GET /big HTTP/1.1\r\n\r\n")
        assert reads_not.recv(1) == b"H"
        waits = stack.enter_context(connected(place))
        waits.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert begun.wait(LIMIT)
        next_ = stack.enter_context(connected(place))
        next_.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read = len(b"".join(iter(lambda: received(reads_not), b"")))
        assert read < 20_000_000, "it was let go in the middle"
        go_on.set()
        for client in (waits, next_):
            assert b"".join(iter(lambda: client.recv(65_536), b"")).endswith(b"late\n")  # noqa: B023


def received(client: socket.socket) -> bytes:
    try:
        return client.recv(65_536)
    except ConnectionResetError:
        return b""


def test_a_quarter_of_the_files_that_a_process_may_open_is_left_to_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, expected in ((256, 64), (1024, 256), (1_000_000, 2_048), (resource.RLIM_INFINITY, 2_048), (2, 1)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert places() == expected


def test_who_ask_for_the_same_while_one_is_made_share_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    made, go_on = list[int](), threading.Event()

    def make() -> Answer:
        made.append(len(made))
        assert go_on.wait(LIMIT)
        return Answer(200, str(made[-1]).encode())

    with serving(lambda request: Work(request.path, make)) as place, ExitStack() as stack:
        first, *others = (stack.enter_context(connected(place)) for _ in range(20))
        first.sendall(b"GET / HTTP/1.1\r\n\r\n")
        until(lambda: made)
        for other in others:
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
        # It is taken after them, and answered by the server's own thread.
        assert status(place, b"POST / HTTP/1.1\r\n\r\n") == 405
        go_on.set()
        told = [b"".join(iter(lambda: client.recv(65_536), b""))[-1:] for client in (first, *others)]  # noqa: B023
    assert told == [b"0", *[b"1"] * 19]


def test_work_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rests = list[float]()

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    now, spent = iter([100.0, 101.0, 102.0, 103.0]), iter([7.0, 7.5, 8.0, 8.0])
    monkeypatch.setattr(time, "thread_time", lambda: next(spent))
    monkeypatch.setattr(asyncio, "sleep", rest)

    async def twice() -> None:
        turns = Turns[int](3.0, lambda: next(now))
        for key in range(2):
            await turns.take(key, lambda: 0)

    asyncio.run(twice())
    # The first ended at 101 and took half a second: the next begins a second and a half after, and 102 it is.
    assert rests == [-100.0, 0.5]


def test_too_many_different_things_at_once_are_refused() -> None:
    go_on = threading.Event()

    def make() -> Answer:
        assert go_on.wait(LIMIT)
        return Answer(200, b"done\n")

    with serving(lambda request: Work(request.path, make)) as place, ExitStack() as stack:
        clients = list[socket.socket]()
        for nth in range(20):
            # At once: who says nothing for a while is cut.
            clients.append(stack.enter_context(connected(place)))
            clients[-1].sendall(f"GET /{nth} HTTP/1.1\r\n\r\n".encode())
        until(lambda: len(select.select(clients, [], [], 0)[0]) == 3)
        go_on.set()
        told = Counter(client.recv(12) for client in clients)
    assert told == {b"HTTP/1.1 200": 17, b"HTTP/1.1 503": 3}, "one is being made, and sixteen wait"


def test_work_that_calls_exit_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.sinks.serving.server._ANSWER", 5.0)
    faults = [SystemExit(3)]

    def make() -> Answer:
        if faults:
            raise faults.pop()
        return Answer(200, b"made\n")

    with serving(lambda request: Work("same", make)) as place:
        assert [status(place, b"GET / HTTP/1.1\r\n\r\n") for _ in range(2)] == [500, 200]


def test_what_is_being_answered_is_finished_when_it_closes() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make() -> Answer:
        begun.set()
        assert go_on.wait(LIMIT)
        return Answer(200, b"done\n")

    with serving(lambda _: Work("", make)) as place:
        client = connected(place)
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert begun.wait(LIMIT)
    # The port is free again.
    socket.create_server(place).close()
    go_on.set()
    with client:
        assert b"".join(iter(lambda: client.recv(65_536), b"")).endswith(b"done\n")


def test_nothing_of_a_request_can_be_put_into_an_answer(metrics: Place) -> None:
    connection = HTTPConnection(*metrics, timeout=LIMIT)
    connection.putrequest("GET", "/x%0d%0aSet-Cookie:%20a=b")
    connection.endheaders()
    with connection.getresponse() as answer:
        assert answer.status == 404
        assert answer.headers["Set-Cookie"] is None
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    connection.close()
