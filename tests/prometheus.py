"""A real Prometheus: Debian's, on a loopback port, stopped by its process id."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from tests.addresses import free_address
from tests.waiting import LIMIT

__all__ = ["Prometheus", "Samples"]

_CONFIG = """
global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}
scrape_configs:
  - job_name: nissa
    file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]
"""

Samples = list[tuple[dict[str, str], float]]


class Prometheus:
    """A running server: it scrapes what it is told to, and answers PromQL.

    `more` is appended to its configuration. A series without an end mark is shown for the time `lookback`.
    """

    def __init__(self, directory: Path, more: str = "", lookback: str = "5m") -> None:
        self._targets, self._known = directory / "targets.json", list[str]()
        self.url = "http://{}:{}".format(*free_address())
        (directory / "prometheus.yml").write_text(_CONFIG + more)
        options = {
            "config.file": directory / "prometheus.yml",
            "storage.tsdb.path": directory / "data",
            "web.listen-address": urlsplit(self.url).netloc,
            "web.external-url": self.url,
            "query.lookback-delta": lookback,
            "enable-feature": "exemplar-storage",
        }
        command = ["prometheus", *(f"--{name}={value}" for name, value in options.items())]
        with (directory / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=subprocess.STDOUT)

    def scrape(self, url: str) -> str:
        """Begin to scrape a /metrics, wait until that worked once, and return its `instance` label.

        A new target is noticed within five seconds or so, and scraped each second from then on. One that takes too
        long fails, and hides all series until the next one: ask for the moment of one that worked.
        """
        instance = urlsplit(url).netloc
        self._known.append(instance)
        fresh = self._targets.with_suffix(".new")
        fresh.write_text(json.dumps([{"targets": self._known}]))
        fresh.replace(self._targets)
        self.scraped(instance)
        return instance

    def scraped(self, instance: str) -> float:
        """Wait for a scrape that worked and began after this call, and return the moment at which it is remembered."""
        up = f'up{{instance="{instance}"}}'
        worked = f"timestamp({up}) > {time.time()} and {up} == 1"
        moments: list[float] = []

        def seen() -> list[float]:
            moments.extend(moment for _, moment in self.query(worked))
            return moments

        self.wait(seen)
        return moments[0]

    def query(self, promql: str, at: float | None = None) -> Samples:
        """Labels and value of each series, now or at a moment. Raises HTTPError on bad PromQL."""
        when = {} if at is None else {"time": f"{at:.3f}"}
        rows = self.get("query", query=promql, **when)["result"]
        return [(row["metric"], float(row["value"][1])) for row in rows]

    def get(self, endpoint: str, **parameters: str) -> Any:
        """The data of an endpoint of /api/v1."""
        try:
            with urlopen(f"{self.url}/api/v1/{endpoint}?{urlencode(parameters)}", timeout=LIMIT) as answer:
                return json.load(answer)["data"]
        except HTTPError as error:
            # It holds the connection open.
            error.close()
            raise

    def wait(self, condition: Callable[[], object]) -> None:
        """Until the condition holds. Raises TimeoutError, or what the condition raised last."""
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                if condition():
                    return
                error: Exception = TimeoutError(f"not within {LIMIT} seconds")
            except OSError as failure:
                error = failure
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise error
            time.sleep(0.1)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=LIMIT)
