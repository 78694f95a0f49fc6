"""Addresses for servers that must be told theirs before they take it."""

import os
import socket
from contextlib import suppress

__all__ = ["free_address"]

_HOST = "127.0.0.1"
_BEGIN, _COUNT = 20_000, 10_000
"""Below the ports that systems give to whoever asks for any."""
_PORTS = iter([_BEGIN + (97 * os.getpid() + n) % _COUNT for n in range(_COUNT)])
"""Each process begins elsewhere, lest two that look at once take the same."""


def free_address() -> tuple[str, int]:
    """A loopback address with a port that nobody has and nobody is given; no two calls of a process give the same.

    Raises OSError if there is none.
    """
    for port in _PORTS:
        with suppress(OSError), socket.socket() as probe:
            probe.bind((_HOST, port))
            return _HOST, port
    raise OSError(f"no free port at {_HOST}")
