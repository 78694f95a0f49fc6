"""Addresses for servers that must be told theirs before they take it."""

import os
import socket
from contextlib import suppress

__all__ = ["free_address"]

_PORTS = iter(range(20_000, 30_000))


def free_address() -> tuple[str, int]:
    """A loopback address that is this process's own, by its id, and a port there; no two calls give the same.

    A port of 127.0.0.1 that was free a moment ago may be anybody's by now. Raises OSError if there is none.
    """
    process = os.getpid()
    host = f"127.{process >> 16 & 255}.{process >> 8 & 255}.{process & 255}"
    for port in _PORTS:
        with suppress(OSError), socket.socket() as probe:
            probe.bind((host, port))
            return host, port
    raise OSError(f"no free port at {host}")
