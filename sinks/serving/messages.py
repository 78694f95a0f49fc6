"""What is asked, and what is answered: requests read within bounds, answers as they cross the wire."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from io import BytesIO
from urllib.parse import urlsplit

__all__ = ["HEAD", "Answer", "RefusedError", "Request", "Work", "read"]

HEAD = 16_384
"""Bytes of a request, which has no body."""
_LINE = 8_192
"""Bytes of its first line."""


@dataclass(frozen=True)
class Request:
    """Something asked: GET, or HEAD, which wants no content."""

    client: str
    """The address it came from."""
    method: str
    path: str
    query: str
    headers: Message


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    content: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self) -> bytes:
        """All of it but its content."""
        fields = {
            "Content-Type": self.kind,
            "Content-Length": str(len(self.content)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **self.headers,
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}", *(f"{n}: {v}" for n, v in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Work:
    """An answer that is still to be made, in its turn; whoever asks for the same `key` meanwhile is given the same.

    `given` is called when it has been given to who asked.
    """

    key: Hashable
    make: Callable[[], Answer]
    given: Callable[[], None] = lambda: None


class RefusedError(Exception):
    """A request that is not looked into, and the answer to it."""

    def __init__(self, status: int, why: str, **headers: str) -> None:
        super().__init__(why)
        self.answer = Answer(status, f"{why}\n".encode(), headers=headers)


def read(head: bytes, client: str) -> Request:
    """The request that came in, with the empty line behind it. Raises RefusedError."""
    line, _, rest = head.partition(b"\r\n")
    try:
        if len(head) > HEAD:
            raise HTTPException
        headers = parse_headers(BytesIO(rest))
    except HTTPException:
        raise RefusedError(431, f"a request has {HEAD:,} bytes and 100 headers at most") from None
    if len(line) > _LINE:
        raise RefusedError(414, f"the first line of a request has {_LINE:,} bytes at most")
    match line.decode("latin-1").split(" "):
        case [method, target, version] if version.startswith("HTTP/1."):
            return _request(client, method, target, headers)
    raise RefusedError(400, "that is no request in HTTP/1.1")


def _request(client: str, method: str, target: str, headers: Message) -> Request:
    if method not in ("GET", "HEAD"):
        raise RefusedError(405, "there is GET and HEAD", Allow="GET, HEAD")
    try:
        asked = urlsplit(target)
    except ValueError:
        raise RefusedError(400, "that is no address") from None
    return Request(client, method, asked.path, asked.query, headers)
