"""/metrics under attack: `python -m tests.sinks.prometheus.attack` tells what it costs the scraper and the trainer.

A real Prometheus scrapes a training each second: alone, while the clients attack another process of this machine, and
while they attack the training's own /metrics. What the machine's cores cost is told by the second.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.telemetry import Telemetry
from tests.prometheus import Prometheus
from tests.samples import episode_started
from tests.sinks.prometheus.attackers import KINDS

__all__ = ["Found", "Training", "While", "attacked"]

_ELSEWHERE = """
import sys
from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.serving import listening
server = MetricsServer(PrometheusSink(), listening("127.0.0.1", 0))
server.start()
print(server.url, flush=True)
sys.stdin.read()
"""


class Found(NamedTuple):
    """Of a while: scrapes that worked, of how many; seconds of steps; what clients saw."""

    worked: int
    scrapes: int
    steps: list[float]
    clients: dict[str, int]

    def told(self) -> str:
        """In a line."""
        p99 = quantiles(self.steps, n=100)[98]
        times = (
            f"step median {1e3 * median(self.steps):.2f} ms, p99 {1e3 * p99:.2f} ms, max {1e3 * max(self.steps):.1f} ms"
        )
        clients = "; ".join(f"{what} {count:,}" for what, count in sorted(self.clients.items()))
        return f"{self.worked} of {self.scrapes} scrapes; {times} ({len(self.steps):,} steps)" + f"; {clients}" * bool(
            clients
        )


class Training:
    """A small network that learns, and tells each step."""

    def __init__(self, telemetry: Telemetry) -> None:
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
        self._network = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
        self._optimizer = torch.optim.Adam(self._network.parameters())
        self._inputs, self._labels = torch.randn(64, 64), torch.randint(0, 10, (64,))
        self._loss = torch.nn.CrossEntropyLoss()
        self._scope = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
        self._scope.emit(episode_started())
        self._batch = 0

    def step(self) -> float:
        """The seconds that a step takes."""
        began = time.perf_counter()
        self._optimizer.zero_grad()
        loss = self._loss(self._network(self._inputs), self._labels)
        loss.backward()
        self._optimizer.step()
        self._scope.emit(BatchCompleted(batch=self._batch, loss=loss.item()))
        self._batch += 1
        return time.perf_counter() - began


class While(NamedTuple):
    """Who attacks what, for how long."""

    seconds: float
    port: int | None = None
    counts: Mapping[str, int] = {}


def attacked(training: Training, prometheus: Prometheus, instance: str, asked: While) -> Found:
    """Train meanwhile, and be scraped."""
    seconds, port, counts = asked
    clients = None
    if port:
        options = [word for kind, count in counts.items() for word in (f"--{kind}", str(count))]
        command = [sys.executable, "-m", "tests.sinks.prometheus.attackers", str(port), *options]
        clients = subprocess.Popen([*command, "--seconds", str(seconds + 2)], stdout=subprocess.PIPE, text=True)
        time.sleep(2.0)
    began, steps = time.time(), list[float]()
    while time.time() < began + seconds:
        steps.append(training.step())
    worked, scrapes = scraped(prometheus, instance, began, time.time())
    said, _ = clients.communicate() if clients else ("{}", None)
    return Found(worked, scrapes, steps, json.loads(said))


def scraped(prometheus: Prometheus, instance: str, began: float, ended: float) -> tuple[int, int]:
    """How many scrapes worked, and how many there were."""
    (series,) = prometheus.get(
        "query", query=f'up{{instance="{instance}"}}[{int(ended - began)}s]', time=f"{ended:.3f}"
    )["result"]
    values = [float(value) for _, value in series["values"]]
    return int(sum(values)), len(values)


@contextmanager
def served_elsewhere() -> Iterator[int]:
    """The port of a /metrics in another process."""
    with subprocess.Popen(
        [sys.executable, "-c", _ELSEWHERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        yield int(urlsplit(other.stdout.readline()).port or 0)
        other.terminate()


def main() -> None:
    """Attack, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind, count in zip(KINDS, (1000, 50, 1000), strict=True):
        parser.add_argument(f"--{kind}", type=int, default=count, help=f"({count})")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each while (12)")
    parser.add_argument("--collector", action="store_true", help="/metrics is served by a collector's process")
    asked = parser.parse_args()
    counts = {kind: getattr(asked, kind) for kind in KINDS}
    with tempfile.TemporaryDirectory() as scratch, served_elsewhere() as elsewhere:
        prometheus = Prometheus(Path(scratch))
        try:
            collector: Literal["process"] | None = "process" if asked.collector else None
            with Telemetry(
                "attacked", out=Path(scratch) / "run", metrics=0, linger=0, collector=collector
            ) as telemetry:
                training, url = Training(telemetry), str(telemetry.metrics_url)
                for _ in range(200):
                    training.step()
                instance = prometheus.scrape(url)
                ports = {"alone": None, "others attacked": elsewhere, "attacked": urlsplit(url).port}
                for name, port in ports.items():
                    found = attacked(training, prometheus, instance, While(asked.seconds, port, counts))
                    sys.stdout.write(f"{name}: {found.told()}\n")
        finally:
            prometheus.stop()


if __name__ == "__main__":
    main()
