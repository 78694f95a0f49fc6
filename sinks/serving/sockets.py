"""A socket that waits for requests, taken before there is anything to answer them."""

import errno
import logging
import socket
from ipaddress import ip_address

from nissa.sinks.serving.guard import OPEN, Guard

__all__ = ["is_loopback", "listening", "url"]

_BACKLOG = 1024
"""Connections that wait to be taken: the system turns others away for a second, and a scrape would be missed."""

_log = logging.getLogger("nissa")


def listening(address: str, port: int, guard: Guard = OPEN) -> socket.socket:
    """A socket at an address and a port (0: any free one). Raises OSError, which names both, if it cannot be had.

    Where others reach it whom the guard does not keep out, a line in the log says so.
    """
    try:
        taken = _bound(address, port)
    except UnicodeError:
        raise OSError(errno.EINVAL, f"{_shown(address)}:{port}: that is no address") from None
    except OSError as error:
        raise OSError(error.errno, f"{_shown(address)}:{port}: {error.strerror}") from None
    host, number = taken.getsockname()[:2]
    if not is_loopback(host) and (lacking := guard.lacks()):
        _log.warning("%s:%s: %s", _shown(host), number, lacking)
    return taken


def is_loopback(host: str) -> bool:
    """Whether only this machine is reached by it.

    >>> is_loopback("127.9.9.9"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def url(listens: socket.socket, path: str, guard: Guard = OPEN) -> str:
    """Where a path is that is served there."""
    host, port = listens.getsockname()[:2]
    return f"http{'s' if guard.tls else ''}://{_shown(host)}:{port}{path}"


def _bound(address: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(place)
        taken.listen(_BACKLOG)
    except BaseException:
        taken.close()
        raise
    return taken


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
