"""What the trainer asks its collector, over a pair of sockets that nobody else has: one JSON document each way.

Of JSON's dialects it is Python's, which has a form for NaN and the infinities.
"""

import json
import logging
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["answer", "ask", "ends"]

_ENDS = (OSError, EOFError)
_STUCK = 2
"""Seconds for the next part of an answer, once it has begun."""
_log = logging.getLogger("nissa")


def answer(connection: Connection, answers: Mapping[str, Callable[[], Any]]) -> threading.Thread:
    """Answer what is asked, on a daemon thread that ends when the other side is gone."""

    def serve() -> None:
        try:
            while True:
                question = json.loads(connection.recv_bytes())
                reply = {"id": question["id"], **_answered(answers[question["ask"]])}
                connection.send_bytes(json.dumps(reply).encode())
        except _ENDS:
            return

    thread = threading.Thread(target=serve, name="nissa-answers", daemon=True)
    thread.start()
    return thread


def ends() -> tuple[Connection, socket.socket]:
    """Two ends: one to ask, which waits for no part of an answer for ever, and one to hand to a new process."""
    mine, its = socket.socketpair()
    limit = struct.pack("ll", _STUCK, 0)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    return Connection(mine.detach()), its


def ask(connection: Connection, question: str, number: int, timeout: float) -> Any:
    """The answer to a question, which bears a number of its own. Raises TimeoutError, also where nobody answers.

    Where an answer breaks off, the connection is closed, and whoever answers is taken to be gone.
    """
    try:
        connection.send_bytes(json.dumps({"id": number, "ask": question}).encode())
        while connection.poll(timeout):
            # An answer to a question that was given up comes late, and is passed over.
            reply = json.loads(connection.recv_bytes())
            if reply["id"] == number:
                return _content(reply)
    except _ENDS as error:
        connection.close()
        raise TimeoutError(f"the collector is gone: {error}") from None
    raise TimeoutError(f"the collector did not answer within {timeout:g} s")


def _answered(content: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"answer": content()}
    except Exception as error:  # noqa: BLE001  # the next question may be luckier
        _log.exception("a question of the trainer's failed")
        return {"error": repr(error)}


def _content(reply: dict[str, Any]) -> Any:
    if "error" in reply:
        raise TimeoutError(f"the collector failed to answer: {reply['error']}")
    return reply["answer"]
