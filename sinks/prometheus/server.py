"""/metrics over HTTP: Prometheus text, or OpenMetrics for who asks for it."""

import io
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from email.message import Message
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from nissa.sinks.prometheus.scrapers import ScrapeTimes
from nissa.sinks.prometheus.sockets import url

__all__ = ["MetricsServer"]

_PATIENCE = 10.0
"""Seconds that a client may take to send its request, or to take a part of the answer."""
_POLL = 0.1
"""Seconds after which the server looks whether it should end."""

_log = logging.getLogger("nissa")


class MetricsServer:
    """Serves what a collector knows, and the process's own metrics, to whoever scrapes at a socket; `start` begins."""

    def __init__(self, collector: Collector, listens: socket.socket) -> None:
        registry = CollectorRegistry()
        registry.register(collector)
        ProcessCollector(registry=registry)
        self._server = _Server(listens)
        self._server.set_app(_guarded(make_wsgi_app(registry)))
        self._thread: threading.Thread | None = None
        self._closed = False
        self.url = url(listens)
        """Where the metrics are."""

    def start(self) -> None:
        """Answer scrapes, on a daemon thread."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="nissa-metrics", daemon=True
        )
        self._thread.start()

    def wait_for_scrape(self, limit: float) -> bool:
        """Wait until all who are due within `limit` seconds began a scrape from now on; False if one did not come."""
        return self._thread is None or self._server.scrapes.wait(limit)

    def close(self) -> None:
        """Stop answering and give the port back. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._thread:
            self._server.shutdown()
        self._server.server_close()

    def after_fork(self) -> None:
        """In a forked child: let go of the port, which the parent goes on to serve."""
        self._closed = True
        self._server.socket.close()


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE
    server: "_Server"
    headers: Message | None = None  # type: ignore[assignment]  # until a request was read

    def handle(self) -> None:
        began = self.server.scrapes.clock()
        super().handle()
        if self.headers:
            self.server.scrapes.note(self.client_address[0], self.headers, began)

    def log_message(self, *_: Any) -> None:
        """Scrapes are not news."""

    def get_stderr(self) -> io.StringIO:
        """A client that hangs up is not news either."""
        return io.StringIO()


class _Server(ThreadingWSGIServer):
    def __init__(self, listens: socket.socket) -> None:
        self.scrapes = ScrapeTimes()
        self.address_family = listens.family
        super().__init__(listens.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listens
        self.server_name, self.server_port = listens.getsockname()[:2]
        self.setup_environ()

    def handle_error(self, *_: Any) -> None:
        _log.debug("a scrape broke off", exc_info=True)


def _guarded(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Answer 500 and say why in the log, where the collector fails."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except Exception:  # noqa: BLE001  # whatever it was, the next scrape may do better
            _log.exception("a scrape failed")
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b"a scrape failed; the log says why\n"]

    return answer
