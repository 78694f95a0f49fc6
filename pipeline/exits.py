"""The ways out of a process that would lose events: SIGTERM, the interpreter's end, and a fork.

A SIGTERM that would kill the process closes every open pipeline first. One that the trainer handles itself only makes
them flush, because the trainer may go on for a while.
"""

import atexit
import os
import signal
import threading
import weakref
from types import FrameType
from typing import Any, Protocol

__all__ = ["unwatch", "watch"]


class _Closable(Protocol):
    def flush(self, timeout: float = ...) -> bool: ...
    def close(self, outcome: str = ..., error: str | None = ...) -> None: ...
    def after_fork(self) -> None: ...


_open: "weakref.WeakSet[_Closable]" = weakref.WeakSet()
_FLUSH = 2.0
_previous: dict[str, Any] = {}


def watch(pipeline: _Closable) -> None:
    """Have a pipeline closed, or flushed, on every way out. Signals can only be watched from the main thread."""
    _open.add(pipeline)
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is not _on_sigterm:
        _previous["handler"] = signal.signal(signal.SIGTERM, _on_sigterm)


def unwatch(pipeline: _Closable) -> None:
    """The pipeline was closed. The last one gives the signal back to whom it belonged to."""
    _open.discard(pipeline)
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _on_sigterm
    if mine and not _open:
        signal.signal(signal.SIGTERM, _previous.pop("handler", signal.SIG_DFL))


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    previous = _previous.get("handler", signal.SIG_DFL)
    if callable(previous):
        for pipeline in list(_open):
            pipeline.flush(_FLUSH)
        previous(number, frame)
    elif previous is not signal.SIG_IGN:
        for pipeline in list(_open):
            pipeline.close("interrupted", "SIGTERM")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def _at_exit() -> None:
    for pipeline in list(_open):
        pipeline.close("interrupted", "the interpreter ended before the telemetry was closed")


def _after_fork() -> None:
    for pipeline in list(_open):
        pipeline.after_fork()
    _open.clear()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork)
