"""A stand-in for a JobManager's REST: it gives the answers that a real one gave, or others."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["JOB", "NO_MANAGERS", "RECORDED", "answering", "recorded", "saying"]

RECORDED = Path(__file__).parent / "recorded"
"""Of Flink 2.3: what its REST answered, and what a job wrote into OUT/progress."""


def recorded() -> dict[str, Any]:
    """Answers by path."""
    answers: dict[str, Any] = json.loads((RECORDED / "rest.json").read_text())
    return answers


JOB: dict[str, Any] = recorded()["/jobs/overview"]["jobs"][0]
"""The job that was recorded."""


@contextmanager
def answering(answers: dict[str, Any]) -> Iterator[str]:
    """The URL of a server that gives these answers, as they stand when somebody asks; text is sent as it is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path)
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


NO_MANAGERS = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "an answer that breaks off": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n{"jobs":',
    "a head without an end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    "lists in lists": b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
    "a list": b"HTTP/1.1 200 OK\r\n\r\n[]",
    "no jobs": b'HTTP/1.1 200 OK\r\n\r\n{"jobs": null}',
}
"""What whoever listens at a port may say."""


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """The URL of one who says this to whatever is asked."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            self.request.sendall(answer)

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
