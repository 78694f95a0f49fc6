"""Clients that mean ill, in a process of their own: `python -m tests.sinks.prometheus.attackers` says how many of each.

Idle ones say nothing, slow ones say a byte now and then or read none of their answer, and quick ones ask for a page
each second. Who is cut comes again.
"""

import argparse
import asyncio
import json
import resource
import socket
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

__all__ = ["KINDS"]

KINDS = ("idle", "slow", "quick")
_ASKS = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
_PAUSE = 1.0
"""Seconds until who was cut comes again, and between two pages of a quick one."""


async def main() -> None:
    """Attack, and print how often each kind was answered, and cut."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--seconds", type=float, required=True)
    asked = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    seen: Counter[str] = Counter()
    ways: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"idle": _idle, "slow": _slow, "quick": _quick}
    tasks = [
        asyncio.create_task(_again(kind, partial(way, nth, asked.port, seen), seen, nth / getattr(asked, kind)))
        for kind, way in ways.items()
        for nth in range(getattr(asked, kind))
    ]
    await asyncio.wait(tasks, timeout=asked.seconds)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    sys.stdout.write(json.dumps(seen))


async def _again(kind: str, way: Callable[[], Coroutine[Any, Any, None]], seen: Counter[str], late: float) -> None:
    # A second is enough for all to have come.
    await asyncio.sleep(late)
    while True:
        with suppress(OSError):
            await way()
        seen[f"{kind} came"] += 1
        await asyncio.sleep(_PAUSE)


async def _idle(nth: int, port: int, seen: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.read()
        seen["idle cut"] += 1
    finally:
        writer.close()


async def _slow(nth: int, port: int, seen: Counter[str]) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(client, ("127.0.0.1", port))
        if nth % 2:
            await loop.sock_sendall(client, _ASKS)
        try:
            for byte in _ASKS[:-4] * 100:
                await asyncio.sleep(0.5)
                await loop.sock_sendall(client, bytes([byte]))
        finally:
            seen["slow cut"] += 1


async def _quick(nth: int, port: int, seen: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_ASKS)
        page = await reader.read()
        seen[f"quick {page[9:12].decode() or 'cut'}"] += 1
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(main())
