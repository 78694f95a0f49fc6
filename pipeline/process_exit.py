"""The ways out of a process that would lose events: SIGTERM, the interpreter's end, and a fork.

A SIGTERM that would kill the process closes every open pipeline first, and lets a close that is under way finish; the
next one does not wait. One that the trainer handles itself only makes them flush, because it may go on for a while.
"""

import atexit
import os
import signal
import threading
import time
import weakref
from types import FrameType
from typing import Any, Protocol

__all__ = ["unwatch", "watch"]


class _Closable(Protocol):
    def flush(self, timeout: float = ...) -> bool: ...
    def close(self, outcome: str = ..., error: str | None = ...) -> None: ...
    def closes_here(self) -> bool: ...
    def after_fork(self) -> None: ...


_FLUSH = 2.0
_LONGEST_CLOSE = 30.0
"""Seconds for which a close in another thread is waited for."""
_open: "weakref.WeakSet[_Closable]" = weakref.WeakSet()
_previous: list[Any] = []
"""Handlers that were there before ours; more than one where a trainer put its own on top and we came again."""
_dying = False
"""Whether the process is to end as soon as the close that SIGTERM interrupted is done."""
_depth = 0
"""Calls of our handler that are under way: one of the trainer's may call the one that it found, which is ours."""


def watch(pipeline: _Closable) -> None:
    """Have a pipeline closed, or flushed, on every way out. Signals can only be watched from the main thread."""
    _open.add(pipeline)
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is not _on_sigterm:
        _previous.append(signal.signal(signal.SIGTERM, _on_sigterm))


def unwatch(pipeline: _Closable) -> None:
    """The pipeline was closed. The last one gives the signal back to whom it belonged to."""
    _open.discard(pipeline)
    if _dying and not any(pipeline.closes_here() for pipeline in _open):
        _die()
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _on_sigterm
    if mine and not _open:
        # None is a handler that was not set from Python, and that Python cannot set again.
        signal.signal(signal.SIGTERM, _previous.pop() or signal.SIG_DFL)
        _previous.clear()


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    global _depth  # noqa: PLW0603  # a signal handler has nowhere else to keep it
    if _depth >= len(_previous):
        return
    previous = _previous[-1 - _depth]
    _depth += 1
    try:
        _pass_on(previous, number, frame)
    finally:
        _depth -= 1


def _pass_on(previous: Any, number: int, frame: FrameType | None) -> None:
    if callable(previous):
        for pipeline in list(_open):
            pipeline.flush(_FLUSH)
        previous(number, frame)
    elif previous is not signal.SIG_IGN:
        _close_all()


def _close_all() -> None:
    global _dying  # noqa: PLW0603  # as above
    if _dying:
        _die()
    for pipeline in list(_open):
        pipeline.close("interrupted", "SIGTERM")
    if any(pipeline.closes_here() for pipeline in _open):
        # This handler interrupts the very close that it would wait for.
        _dying = True
        return
    deadline = time.monotonic() + _LONGEST_CLOSE
    while _open and time.monotonic() < deadline:
        time.sleep(0.01)
    _die()


def _die() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _at_exit() -> None:
    for pipeline in list(_open):
        pipeline.close("interrupted", "the interpreter ended before the telemetry was closed")


def _after_fork() -> None:
    """In the child nothing is open, and a SIGTERM waits for nothing."""
    for pipeline in list(_open):
        pipeline.after_fork()
    _open.clear()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork)
