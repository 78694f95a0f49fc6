"""What the trainer asks its collector, over a pair of sockets that nobody else has: one JSON document each way."""

import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import orjson

__all__ = ["answer", "ask"]

_ENDS = (OSError, EOFError)


def answer(connection: Connection, answers: Mapping[str, Callable[[], Any]]) -> None:
    """Answer what is asked, on a daemon thread, until the other side is gone."""

    def serve() -> None:
        try:
            while True:
                question = orjson.loads(connection.recv_bytes())
                content = answers[question["ask"]]()
                connection.send_bytes(orjson.dumps({"id": question["id"], "answer": content}))
        except _ENDS:
            return

    threading.Thread(target=serve, name="nissa-answers", daemon=True).start()


def ask(connection: Connection, question: str, number: int, timeout: float) -> Any:
    """The answer to a question, which bears a number of its own. Raises TimeoutError, also where nobody answers."""
    try:
        connection.send_bytes(orjson.dumps({"id": number, "ask": question}))
        while connection.poll(timeout):
            # An answer to a question that was given up comes late, and is passed over.
            reply = orjson.loads(connection.recv_bytes())
            if reply["id"] == number:
                return reply["answer"]
    except _ENDS as error:
        raise TimeoutError(f"the collector is gone: {error}") from None
    raise TimeoutError(f"the collector did not answer within {timeout:g} s")
