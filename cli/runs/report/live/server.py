"""A page over HTTP, and what is new of its runs. It answers two addresses, and has no file to give."""

import logging
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from nissa.cli.runs.report.live.folder import Folder
from nissa.cli.runs.report.live.followed import Followed
from nissa.cli.runs.report.page import html_page, no_entry, told_apart
from nissa.events.json_encoding import plain

__all__ = ["PageServer"]

_PATIENCE = 10.0
"""Seconds that a client may take to send its request, or to take a part of the answer."""
_AT_ONCE = 8
"""Clients that are answered at once; more are turned away."""
_ASKED = 50
"""Runs that one request may ask for: as many as a page may show."""

_log = logging.getLogger("nissa")


class PageServer:
    """Serves what a folder knows, at a socket; `start` begins."""

    def __init__(self, folder: Folder, listens: socket.socket) -> None:
        self._server = _Server(folder, listens)
        host, port = listens.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="nissa-ui-server", daemon=True)

    def start(self) -> None:
        """Answer, on a daemon thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering, and give the port back."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Folder, listens: socket.socket) -> None:
        self.address_family = listens.family
        super().__init__(listens.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.folder = listens, folder
        self.loopback = _is_loopback(listens.getsockname()[0])
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        """On a thread, of which there are few; without one the client is turned away."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, *_: Any) -> None:
        _log.debug("a request broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server: _Server

    def setup(self) -> None:
        """Patience is with the whole request: by each piece, a slow client could stay for ever."""
        super().setup()
        self._late = threading.Timer(_PATIENCE, self._shut)
        self._late.daemon = True
        self._late.start()

    def finish(self) -> None:
        self._late.cancel()
        super().finish()

    def do_GET(self) -> None:
        self._late.cancel()
        try:
            asked, meant = urlsplit(self.path), not self.server.loopback or self._meant()
            want = _wanted(parse_qs(asked.query).get("want", [""])[0])
        except ValueError:
            self._answer(400, "text/plain", b"that is no address of a page\n")
            return
        if not meant:
            # A page from elsewhere may have a name of its own for 127.0.0.1: it is not to read runs.
            self._answer(421, "text/plain", b"ask for 127.0.0.1 or localhost\n")
        elif asked.path == "/":
            self._answer(200, "text/html; charset=utf-8", html_page([], live=True).encode())
        elif asked.path == "/data":
            self._answer(200, "application/json", _told(self.server.folder, want))
        else:
            self._answer(404, "text/plain", b"there is / and /data\n")

    def log_message(self, *_: Any) -> None:
        """Requests are not news."""

    def _meant(self) -> bool:
        host = self.headers.get("Host", "")
        return _is_loopback(urlsplit(f"//{host}").hostname or "")

    def _shut(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _wanted(want: str) -> list[tuple[str, int]]:
    """Keys and revisions of a list of "key:revision". Raises ValueError on a number of too many digits."""
    pairs = (each.partition(":") for each in want.split(",")[:_ASKED])
    return [(key, int(revision) if revision.isdecimal() else -1) for key, _, revision in pairs]


def _told(folder: Folder, want: Sequence[tuple[str, int]]) -> bytes:
    """The list of runs, and what is drawn of those that are wanted, and have another revision now."""
    runs, told = folder.runs, {}
    for key, revision in want:
        if key in runs and (page := _page(runs[key], revision)):
            told[key] = page
    entries = told_apart([_entry(run) for run in runs.values()])
    return orjson.dumps(plain({"runs": entries, "pages": told, "note": folder.note()}))


def _entry(run: Followed) -> dict[str, Any]:
    """A run that cannot be told takes no other with it."""
    try:
        return run.entry()
    except Exception as error:  # noqa: BLE001  # the others are listed
        _log.debug("%s cannot be told", run.directory, exc_info=True)
        return no_entry(run.directory, run.key, error)


def _page(run: Followed, revision: int) -> dict[str, Any] | None:
    """One that cannot be drawn takes no other with it."""
    try:
        return run.pages(revision)
    except Exception as error:  # noqa: BLE001  # the others are answered
        _log.debug("%s cannot be drawn", run.directory, exc_info=True)
        return {"verdict": f"cannot be drawn: {type(error).__name__}", "article": "", "curves": [], "revision": -1}
