"""Is a stream a terminal? It is asked before anything is loaded that draws."""

from typing import TextIO

__all__ = ["is_terminal"]


def is_terminal(stream: TextIO) -> bool:
    """False too for one that is closed, or that only knows how to write, as what some put in stderr's place."""
    try:
        return bool(stream.isatty())
    except Exception:  # noqa: BLE001  # whatever it is, it is no reason for a trainer not to start
        return False
