"""A page over HTTP, and what is new of its runs. It answers two addresses, and has no file to give."""

import logging
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from nissa.cli.runs.report.live.folder import Folder
from nissa.cli.runs.report.live.followed import Followed
from nissa.cli.runs.report.page import html_page, no_entry, told_apart
from nissa.events.json_encoding import plain
from nissa.sinks.serving import OPEN, Answer, Guard, Request, Server, Work, is_loopback, url

__all__ = ["PageServer"]

_ASKED = 50
"""Runs that one request may ask for: as many as a page may show."""
_ALONE = {"Content-Security-Policy": "frame-ancestors 'none'", "Referrer-Policy": "no-referrer"}
"""What a page cannot say of itself, which says all else that it may do."""

_log = logging.getLogger("nissa")


class PageServer:
    """Serves what a folder knows, at a socket; `start` begins."""

    def __init__(self, folder: Folder, listens: socket.socket, guard: Guard = OPEN) -> None:
        self._folder, self.is_local = folder, is_loopback(listens.getsockname()[0])
        self._page = Answer(200, html_page([], live=True).encode(), "text/html; charset=utf-8", _ALONE)
        self._server = Server(self._route, listens, guard, name="nissa-ui-server")
        self.url = url(listens, "/", guard)

    def start(self) -> None:
        """Answer, on a daemon thread."""
        self._server.start()

    def close(self) -> None:
        """Stop answering, and give the port back."""
        self._server.close()

    def _route(self, request: Request) -> Answer | Work:
        try:
            meant = not self.is_local or _is_meant(request.headers.get("Host", ""))
            want = _wanted(parse_qs(request.query).get("want", [""])[0])
        except ValueError:
            return Answer(400, b"that is no address of a page\n")
        if not meant:
            # A page from elsewhere may have a name of its own for 127.0.0.1: it is not to read runs.
            return Answer(421, b"ask for 127.0.0.1 or localhost\n")
        if request.path == "/":
            return self._page
        if request.path == "/data":
            return Work(tuple(want), partial(_data, self._folder, want))
        return Answer(404, b"there is / and /data\n")


def _is_meant(host: str) -> bool:
    return is_loopback(urlsplit(f"//{host}").hostname or "")


def _wanted(want: str) -> list[tuple[str, int]]:
    """Keys and revisions of a list of "key:revision". Raises ValueError on a number of too many digits."""
    pairs = (each.partition(":") for each in want.split(",")[:_ASKED])
    return [(key, int(revision) if revision.isdecimal() else -1) for key, _, revision in pairs]


def _data(folder: Folder, want: Sequence[tuple[str, int]]) -> Answer:
    return Answer(200, _told(folder, want), "application/json")


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
