"""/metrics over HTTP: Prometheus text, or OpenMetrics for who asks for it."""

import gzip
import socket
from functools import partial
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector

from nissa.sinks.prometheus.scrapers import ScrapeTimes
from nissa.sinks.serving import OPEN, Answer, Guard, Request, Server, Work, url

__all__ = ["MetricsServer"]

_REST = 3.0
"""How many times as long as a page takes to make is waited before the next: whoever asks all the time has a quarter."""
_PATH = "/metrics"
_OPENMETRICS = "application/openmetrics-text"


class MetricsServer:
    """Serves what a collector knows, and the process's own metrics, to whoever scrapes at a socket; `start` begins."""

    def __init__(self, collector: Collector, listens: socket.socket, guard: Guard = OPEN) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        self.scrapes = ScrapeTimes()
        self._server = Server(self._route, listens, guard, name="nissa-metrics", rest=_REST)
        self.url = url(listens, _PATH, guard)
        """Where the metrics are."""

    def start(self) -> None:
        """Answer scrapes, on a daemon thread."""
        self._server.start()

    def wait_for_scrape(self, limit: float) -> bool:
        """Wait until all who are due within `limit` seconds began a scrape from now on; False if one did not come."""
        return not self._server.is_running or self.scrapes.wait(limit)

    def cpu(self) -> float:
        """Seconds that its threads have computed, without the answer that is being made."""
        return self._server.cpu()

    def close(self) -> None:
        """Stop answering and give the port back. Closing again does nothing."""
        self._server.close()

    def after_fork(self) -> None:
        """In a forked child: let go of the port, which the parent goes on to serve."""
        self._server.after_fork()

    def _route(self, request: Request) -> Answer | Work:
        if request.path != _PATH:
            return Answer(404, b"there is /metrics\n")
        began, headers = self.scrapes.clock(), request.headers
        # Of all that a client may say of formats, two pages come, so that those who say it otherwise share them.
        format_ = f"{_OPENMETRICS}; version=1.0.0" if _OPENMETRICS in headers.get("Accept", "") else ""
        names = tuple(sorted({*parse_qs(request.query).get("name[]", ())}))
        key = format_, gzip_accepted(headers.get("Accept-Encoding", "")), names
        return Work(key, partial(self._page, *key), partial(self.scrapes.note, request.client, headers, began))

    def _page(self, accepted: str, zipped: bool, names: tuple[str, ...]) -> Answer:
        encoded, kind = choose_encoder(accepted)
        # Only its type says that it has no registry's methods.
        asked = self._registry.restricted_registry(names) if names else self._registry
        content = encoded(asked)
        if not zipped:
            return Answer(200, content, kind)
        return Answer(200, gzip.compress(content), kind, {"Content-Encoding": "gzip"})
