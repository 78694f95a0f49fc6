"""From a fault in a trainer to who is told of it: /metrics, Prometheus with our rules, Alertmanager, a webhook.

A minute of the rules and of Alertmanager's configuration lasts a second here; expressions and limits are as shipped.
All rules are in one group: where they are in several, what one group knows of another is up to an evaluation old, which
is five seconds as shipped, and would be a minute here.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
import yaml

from tests.addresses import free_address
from tests.grafana.rules import FILES
from tests.grafana.servers import Alertmanager, Webhook, hurried
from tests.prometheus import Prometheus, Samples
from tests.waiting import LIMIT

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
        self._root, self._place = root, [str(part) for part in free_address()]
        self.url = "http://{}:{}/metrics".format(*self._place)
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.grafana.trainer", *self._place]
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
    groups = [group for file in FILES for group in yaml.safe_load(hurried(file.read_text()))["groups"]]
    rules = [rule for group in groups for rule in group["rules"]]
    (tmp_path / "all.rules.yaml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
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
        before = len(webhook.told)
        return lambda: (alert, status) in [row[:2] for row in webhook.told[before:]]

    watching.wait(alertmanager.ready)
    instance = watching.scrape(trainer.url)
    lives = [watching.scraped(instance)]
    watching.wait(lambda: watching.query('nissa_alert_active{alert="non_finite"} == 0'))

    heard = arrives("NissaNonFinite", "firing")
    trainer.order("break")
    watching.wait(heard)
    heard = arrives("NissaNonFinite", "resolved")
    trainer.order("mend")
    watching.wait(heard)

    watching.wait(lambda: watching.query("vector(1) unless on () ALERTS"))
    lives.append(watching.scraped(instance))
    heard = arrives("NissaRunDied", "firing")
    trainer.stop()
    watching.wait(heard)
    watching.wait(lambda: watching.query('ALERTS{alertname="NissaScrapeStale", alertstate="firing"}'))
    heard = arrives("NissaRunDied", "resolved")
    trainer.start()
    watching.wait(heard)

    lives += [watching.scraped(instance), watching.scraped(instance)]
    trainer.order("end")
    assert trainer.process.wait(timeout=LIMIT) == 0
    watching.wait(lambda: watching.query("max_over_time(up[1m]) == 1 unless up == 1"))
    # What says that scrapes fail is right if one failed of a trainer that lived, on a machine that is very busy.
    right = {"NissaScrapeStale"} if failed(watching, *lives[:2]) or failed(watching, *lives[2:]) else set[str]()
    told = [row[:2] for row in webhook.told if row[0] not in right]
    _stays(watching)
    assert [row[:2] for row in webhook.told if row[0] not in right] == told, "a run that ended is no alert"
    assert {labels["run"] for _, _, labels in webhook.told} == {"live"}
    assert {name for name, _ in told} == {"NissaNonFinite", "NissaRunDied"}, "what is implied is not told"


def failed(watching: Prometheus, start: float, end: float) -> Samples:
    """Whether a scrape from one moment to another did not work."""
    return watching.query(f"min_over_time(up[{1000 * (end - start):.0f}ms]) == 0", end)


def _stays(watching: Prometheus) -> None:
    """Five seconds of Prometheus' time: twice as long as a death takes to be told."""
    ((_, since),) = watching.query("vector(time())")
    watching.wait(lambda: watching.query(f"vector(time()) > {since + 5}"))
