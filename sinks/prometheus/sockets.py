"""A socket that waits for scrapes, taken before there is anything to answer them."""

import errno
import socket

__all__ = ["listening", "url"]

_BACKLOG = 16


def listening(address: str, port: int) -> socket.socket:
    """A socket at an address and a port (0: any free one). Raises OSError, which names both, if it cannot be had."""
    try:
        return _bound(address, port)
    except UnicodeError:
        raise OSError(errno.EINVAL, f"{_shown(address)}:{port}: that is no address") from None
    except OSError as error:
        raise OSError(error.errno, f"{_shown(address)}:{port}: {error.strerror}") from None


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


def url(listens: socket.socket) -> str:
    """Where the metrics are that are served there."""
    host, port = listens.getsockname()[:2]
    return f"http://{_shown(host)}:{port}/metrics"
