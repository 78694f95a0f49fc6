"""/metrics over HTTP: answers whoever asks, is silent about who hangs up, and gives its port back."""

import gzip
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.server import MetricsServer
from nissa.sinks.serving import listening
from nissa.sinks.serving.server import _ANSWER, _PATIENCE
from tests.waiting import LIMIT, until


class Failing(Collector):
    def collect(self) -> Iterator[Metric]:
        raise RuntimeError("no metrics today")


class Endless(Collector):
    """More than the socket's buffers hold, so that an answer waits for its reader."""

    def collect(self) -> Iterator[Metric]:
        yield Metric("big", "x" * 20_000_000, "gauge")


def serving(collector: Collector, address: str = "127.0.0.1") -> MetricsServer:
    server = MetricsServer(collector, listening(address, 0))
    server.start()
    return server


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    server = serving(PrometheusSink())
    yield server
    server.close()


def get(url: str, **headers: str) -> tuple[str, bytes]:
    request = Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urlopen(request, timeout=LIMIT) as answer:
        return answer.headers["Content-Type"], answer.read()


def place(server: MetricsServer) -> tuple[str, int]:
    parts = urlsplit(server.url)
    return str(parts.hostname), int(parts.port or 0)


def test_a_plain_request_gets_prometheus_text_and_the_process_own_metrics(server: MetricsServer) -> None:
    kind, body = get(server.url)
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"\nnissa_pipeline_accepted_total 0.0\n" in body
    assert b"\nprocess_resident_memory_bytes " in body


def test_who_asks_for_openmetrics_gets_it(server: MetricsServer) -> None:
    read: Callable[[str], Iterable[Metric]] = text_string_to_metric_families
    kind, body = get(server.url, Accept="application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert "nissa_pipeline_accepted" in {family.name for family in read(body.decode())}


def test_who_takes_gzip_gets_it(server: MetricsServer) -> None:
    assert b"nissa_pipeline_accepted_total" in gzip.decompress(get(server.url, Accept_Encoding="gzip")[1])


def test_some_metrics_can_be_asked_for_alone(server: MetricsServer) -> None:
    _, body = get(f"{server.url}?name[]=nissa_scrapes_total")
    assert [line for line in body.decode().splitlines() if line[0] != "#"] == ["nissa_scrapes_total 0.0"]


def test_a_port_in_use_is_an_error_at_once(server: MetricsServer) -> None:
    with pytest.raises(OSError, match="in use"):
        MetricsServer(PrometheusSink(), listening(*place(server)))


def test_a_host_that_does_not_exist_is_an_error_at_once() -> None:
    with pytest.raises(OSError, match=r"."):
        listening("256.256.256.256", 0)


def test_close_gives_the_port_back_at_once_and_may_be_repeated(server: MetricsServer) -> None:
    get(server.url)
    server.close()
    server.close()
    again = MetricsServer(PrometheusSink(), listening(*place(server)))
    again.close()


def test_close_does_not_wait_for_a_server_that_never_started() -> None:
    server = MetricsServer(PrometheusSink(), listening("127.0.0.1", 0))
    server.close()
    MetricsServer(PrometheusSink(), listening(*place(server))).close()


def test_close_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    serving(PrometheusSink()).close()
    until(lambda: set(threading.enumerate()) <= before)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 on this machine")
def test_ipv6_works_too() -> None:
    try:
        server = serving(PrometheusSink(), "::1")
    except OSError:
        pytest.skip("no IPv6 loopback on this machine")
    assert server.url.startswith("http://[::1]:")
    assert b"nissa_" in get(server.url)[1]
    server.close()


def test_a_collector_that_fails_is_told_to_the_scraper_and_to_the_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serving(Failing())
    with pytest.raises(HTTPError, match="500") as error:
        get(server.url)
    error.value.close()
    server.close()
    assert "no metrics today" in caplog.text
    assert "Traceback" not in capfd.readouterr().err


def test_clients_that_hang_up_in_the_middle_leave_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    server = serving(Endless())
    answered = (ASKS, b"\x16\x03\x01 no HTTP\r\n\r\n")
    for request in (b"", b"GET /met", *answered):
        with socket.create_connection(place(server), timeout=LIMIT) as client:
            # Linger 0: the connection is reset, not ended in good order.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(request)
            # Once the answer has begun, the reset comes in the middle of it.
            assert request not in answered or client.recv(1)
    # Connections are taken in their order, so all of them have been.
    get(server.url)
    server.close()
    until(lambda: set(threading.enumerate()) <= before)
    assert capfd.readouterr().err == ""


ASKS = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def test_clients_that_hang_do_not_block_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.sinks.serving.server._PATIENCE", 2 * LIMIT)
    monkeypatch.setattr("nissa.sinks.serving.server._ANSWER", 2 * LIMIT)
    server = serving(Endless())
    with socket.create_connection(place(server)), socket.create_connection(place(server)) as reads_not:
        reads_not.sendall(ASKS)
        assert len(get(server.url)[1]) > 20_000_000
    server.close()


def test_a_client_that_hangs_does_not_stay_for_ever(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert 0 < _PATIENCE <= 5 < _ANSWER <= 30
    monkeypatch.setattr("nissa.sinks.serving.server._PATIENCE", 0.3)
    monkeypatch.setattr("nissa.sinks.serving.server._ANSWER", 2.0)
    before = set(threading.enumerate())
    server = serving(Endless())
    with socket.create_connection(place(server)) as asks_nothing, socket.create_connection(place(server)) as reads_not:
        reads_not.sendall(ASKS)
        asks_nothing.settimeout(LIMIT)
        assert asks_nothing.recv(1) == b""
        assert reads_not.recv(1), "it was answered, as far as there was room"
        server.close()
        until(lambda: set(threading.enumerate()) <= before)
    assert capfd.readouterr().err == ""


def test_a_forked_child_lets_go_of_the_port_and_the_parent_serves_on(server: MetricsServer) -> None:
    child = os.fork()
    if child == 0:
        try:
            server.after_fork()
            server.close()
            os._exit(0 if server._server._listens.fileno() == -1 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert b"nissa_" in get(server.url)[1]
