"""A real Chromium, headless, driven over its DevTools protocol: without a port, through two pipes.

`apt-get install chromium`; without it, `chromium` skips.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until

__all__ = ["Page", "chromium"]

_QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


class Page:
    """An open page: `run` evaluates JavaScript in it. What goes wrong on it is in `problems`."""

    def __init__(self, sends: Any, hears: Any) -> None:
        self._sends, self._hears, self._number, self._session = sends, hears, 0, None
        self.problems: list[str] = []
        self.asked: list[str] = []
        """Addresses that it asked for."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """A command of the protocol, and its result."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        asked |= {"sessionId": self._session} if self._session else {}
        self._sends.write(json.dumps(asked).encode() + b"\0")
        while True:
            told = json.loads(self._line())
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
            self._hear(told.get("method"), told.get("params", {}))

    def open(self, url: str, *, width: int = 1280, dark: bool = False) -> None:
        """Load it in a window so wide, and wait until its script has drawn something."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && document.querySelector('.card canvas') !== null")

    def run(self, script: str) -> Any:
        """The value of an expression; a promise is waited for."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, script: str) -> None:
        """Until the expression is true."""
        until(lambda: self.run(script))

    def _hear(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.problems.append(json.dumps(params["args"]))

    def _line(self) -> bytes:
        told = bytearray()
        while not told.endswith(b"\0"):
            piece = self._hears.read(1)
            assert piece, "chromium ended"
            told += piece
        return bytes(told[:-1])


@contextmanager
def chromium(scratch: Path) -> Iterator[Callable[[], Page]]:
    """Pages of a browser that keeps what it must in `scratch`."""
    if (found := shutil.which("chromium")) is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    (theirs, ours), (back, answer) = os.pipe(), os.pipe()
    with os.fdopen(ours, "wb", buffering=0) as sends, os.fdopen(back, "rb") as hears:
        process = subprocess.Popen(
            [
                *("/bin/bash", "-c", f'exec "$0" "$@" 3<&{theirs} 4>&{answer}', found, *_QUIET),
                *("--remote-debugging-pipe", f"--user-data-dir={scratch}"),
            ],
            pass_fds=(theirs, answer),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs)
        os.close(answer)
        try:
            yield lambda: Page(sends, hears)
        finally:
            process.terminate()
            process.wait()
