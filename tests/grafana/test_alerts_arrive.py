"""From a fault in a trainer to who is told of it: /metrics, Prometheus with our rules, Alertmanager, a webhook.

A minute of the rules and of Alertmanager's configuration lasts a second here; expressions and limits are as shipped.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.conftest import Prometheus
from tests.grafana.rules import FILES
from tests.grafana.servers import Alertmanager, Webhook, free_port, hurried

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
    reason="no servers on this machine: apt-get install prometheus prometheus-alertmanager",
)
_MORE = """
rule_files: ["*.rules.yaml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{address}"]}}]}}]}}
"""


class Trainer:
    """The process of `tests.grafana.trainer`, always at the same address, as a supervisor restarts it."""

    def __init__(self, root: Path) -> None:
        self._root, self._port = root, free_port()
        self.url = f"http://127.0.0.1:{self._port}/metrics"
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.grafana.trainer", str(self._port)]
        self.process = subprocess.Popen(command, cwd=self._root, stdin=subprocess.PIPE, text=True)
        return self.process

    def order(self, word: str) -> None:
        pipe: IO[str] | None = self.process.stdin
        assert pipe
        pipe.write(f"{word}\n")
        pipe.flush()

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    webhook = Webhook()
    yield webhook
    webhook.stop()


@pytest.fixture
def alertmanager(root: Path, tmp_path: Path, webhook: Webhook) -> Iterator[Alertmanager]:
    server = Alertmanager(root / "grafana" / "alertmanager.yaml", tmp_path, webhook.url)
    yield server
    server.stop()


@pytest.fixture
def watching(tmp_path: Path, alertmanager: Alertmanager) -> Iterator[Prometheus]:
    """Prometheus with our rules, which tells Alertmanager."""
    for file in FILES:
        (tmp_path / f"{file.stem}.rules.yaml").write_text(hurried(file.read_text()))
    server = Prometheus(tmp_path, _MORE.format(address=alertmanager.address))
    yield server
    server.stop()


@pytest.fixture
def trainer(root: Path) -> Iterator[Trainer]:
    trainer = Trainer(root)
    yield trainer
    trainer.stop()


def test_who_is_on_call_hears_of_a_fault_and_of_its_end_and_of_nothing_else(
    watching: Prometheus, alertmanager: Alertmanager, webhook: Webhook, trainer: Trainer
) -> None:
    def arrives(alert: str, status: str) -> Callable[[], bool]:
        return lambda: [row[:2] for row in webhook.told][-1:] == [(alert, status)]

    watching.wait(alertmanager.ready)
    watching.scrape(trainer.url)
    watching.wait(lambda: watching.query('nissa_alert_active{alert="non_finite"} == 0'))

    trainer.order("break")
    watching.wait(arrives("NissaNonFinite", "firing"))
    trainer.order("mend")
    watching.wait(arrives("NissaNonFinite", "resolved"))

    trainer.stop()
    watching.wait(arrives("NissaRunDied", "firing"))
    watching.wait(lambda: watching.query('ALERTS{alertname="NissaScrapeStale", alertstate="firing"}'))
    trainer.start()
    watching.wait(arrives("NissaRunDied", "resolved"))

    trainer.order("end")
    assert trainer.process.wait(timeout=20) == 0
    watching.wait(lambda: watching.query("max_over_time(up[1m]) == 1 unless up == 1"))
    told = [row[:2] for row in webhook.told]
    _stays(watching)
    assert [row[:2] for row in webhook.told] == told, "a run that ended is no alert"
    assert {labels["run"] for _, _, labels in webhook.told} == {"live"}
    assert {name for name, _ in told} == {"NissaNonFinite", "NissaRunDied"}, "what is implied is not told"


def _stays(watching: Prometheus) -> None:
    """Five seconds of Prometheus' time: twice as long as a death takes to be told."""
    ((_, since),) = watching.query("vector(time())")
    watching.wait(lambda: watching.query(f"vector(time()) > {since + 5}"))
