"""A socket that waits for scrapes, taken before there is anything to answer them."""

import errno
import socket

__all__ = ["listening", "url"]

_BACKLOG = 16


def listening(address: str, port: int) -> socket.socket:
    """A socket at an address and a port (0: any free one). Raises OSError if it cannot be had."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        raise OSError(errno.EINVAL, f"{address!r} is no address") from None
    family, kind, protocol, _, place = found[0]
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(place)
        taken.listen(_BACKLOG)
    except OSError as error:
        taken.close()
        raise OSError(error.errno, f"{_shown(address)}:{port}: {error.strerror}") from None
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
