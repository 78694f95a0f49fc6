"""An Alertmanager with the shipped configuration, and the webhook that it notifies; both on free loopback ports."""

import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from tests.addresses import free_address
from tests.waiting import LIMIT

__all__ = ["Alertmanager", "Webhook", "hurried"]

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def hurried(text: str) -> str:
    """A configuration in which a minute lasts a second: each duration is a sixtieth, and nothing else is changed."""

    def sixtieth(found: re.Match[str]) -> str:
        return f"{int(found[1]) * _SECONDS[found[2]] * 1000 // 60}ms"

    return re.sub(r"(?<=[\[ ])(\d+)([smh])(?=[\])]|$)", sixtieth, text, flags=re.MULTILINE)


class Webhook:
    """What an on-call person would be sent: (name, status, labels) of each alert, in order."""

    def __init__(self) -> None:
        self.told = told = list[tuple[str, str, dict[str, str]]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.extend((row["labels"]["alertname"], row["status"], row["labels"]) for row in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """A notification is no news for the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        """Give the port back."""
        self._server.shutdown()
        self._server.server_close()


class Alertmanager:
    """A running Alertmanager, sixty times as fast as shipped, that notifies a webhook."""

    def __init__(self, shipped: Path, directory: Path, webhook: str) -> None:
        config = yaml.safe_load(hurried(shipped.read_text()))
        config["receivers"][0]["webhook_configs"] = [{"url": webhook}]
        (directory / "alertmanager.yml").write_text(json.dumps(config))
        self.address = "{}:{}".format(*free_address())
        options = {
            "config.file": directory / "alertmanager.yml",
            "storage.path": directory / "notified",
            "web.listen-address": self.address,
            "cluster.listen-address": "",
        }
        command = ["prometheus-alertmanager", *(f"--{name}={value}" for name, value in options.items())]
        with (directory / "alertmanager.log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=subprocess.STDOUT)

    def ready(self) -> bool:
        """Whether it takes alerts."""
        try:
            with urlopen(f"http://{self.address}/-/ready", timeout=LIMIT) as answer:
                return bool(answer.status == 200)
        except URLError:
            return False

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=LIMIT)
