"""Where are the metrics to be served? As a user says it."""

__all__ = ["address"]

_LOCAL = "127.0.0.1"
"""Where /metrics is served if only a port is given: nobody else sees it there."""


def address(metrics: object) -> tuple[str, int]:
    """Where to serve /metrics: a port of this machine, "host:port", or (host, port). Port 0 is any free one.

    >>> address(9464), address("0.0.0.0:9464"), address("[::1]:0")
    (('127.0.0.1', 9464), ('0.0.0.0', 9464), ('::1', 0))

    Raises ValueError on anything else.
    """
    match metrics:
        case bool() | (_, bool()):
            pass
        case int(port) if 0 <= port <= 65535:
            return _LOCAL, port
        case (str(host), int(port)) if 0 <= port <= 65535:
            return host, port
        case str():
            host, colon, number = metrics.rpartition(":")
            if colon and host and number.isascii() and number.isdecimal() and int(number) <= 65535:
                return host.removeprefix("[").removesuffix("]"), int(number)
    raise ValueError(f'metrics must be a port such as 9464, "host:port" or (host, port), not {metrics!r}')
