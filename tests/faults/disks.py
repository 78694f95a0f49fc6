"""Disks that fill up, hang, vanish, or may not be written. Each fault is a run that goes on under it."""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nissa import Telemetry
from nissa.events.event import Event
from nissa.sinks.run_log import DEAD_LETTERS, segments
from tests.faults.books import lines, of_sink
from tests.faults.sinks import left_behind
from tests.waiting import until

__all__ = [
    "At",
    "filling_up",
    "freed",
    "hanging_dead_letters",
    "hanging_disk",
    "read_only",
    "vanishing",
]

_LARGEST = 100_000
_MIDDLE = 150
"""The number of the event in whose midst something happens."""
_NOBODY = 65534
_NEW_NAMESPACE = 0x00020000


class At:
    """Does something when the event of a number is delivered, on the hub's thread."""

    inline = True

    def __init__(self, number: int, what: Callable[[], object]) -> None:
        self._number, self._what = number, what

    def __call__(self, event: Event[Any]) -> None:
        if (event.seq, event.ordinal) == (self._number, 0):
            self._what()


def _descriptor(out: Path) -> int:
    """Of the segment that is being written."""
    wanted = str(segments(out)[-1].resolve())
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}") == wanted:
                return int(name)
    raise AssertionError("nobody writes the log")


@contextmanager
def filling_up(out: Path) -> Iterator[Telemetry]:
    """No file may grow beyond 100 kB: the kernel takes a part of a write, and then refuses."""
    _grow_to(_LARGEST)
    try:
        telemetry = Telemetry("run", out=out, linger=0.0)
        try:
            yield telemetry
        finally:
            telemetry.close(timeout=1.0)
    finally:
        _grow_to(None)
    assert segments(out)[-1].stat().st_size == _LARGEST
    assert of_sink(telemetry.state(), "log").written == lines(out)


def _grow_to(size: int | None) -> None:
    """How large a file may become; None for any size."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if size is None else size, most))


@contextmanager
def freed(out: Path) -> Iterator[Telemetry]:
    """A disk is full, and has room again in the end: nothing is lost.

    A real one of 16 MB, seen by this process alone, with which it goes; where that is not allowed, no file may grow.
    """
    small, ballast = _is_small(out.parent), out.parent / "ballast"
    with Telemetry("run", out=out, linger=0.0) as telemetry:
        if small:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        else:
            _grow_to(1)
        yield telemetry
        until(lambda: of_sink(telemetry.state(), "log").breaker == "open")
        ballast.unlink(missing_ok=True)
        _grow_to(None)
        until(lambda: telemetry.flush(1.0))


def _is_small(place: Path) -> bool:
    """Mount a small disk there; False where we may not."""
    private = ["mount", "--make-rprivate", "/"]
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    return not ctypes.CDLL(None).unshare(_NEW_NAMESPACE) and not any(
        subprocess.run(command, capture_output=True, check=False).returncode for command in (private, mount)
    )


@contextmanager
def hanging_disk(out: Path) -> Iterator[Telemetry]:
    """The disk hangs: the segment is a pipe that is full, and that nobody reads."""
    telemetry = Telemetry("run", out=out, linger=0.0)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    os.dup2(writing, _descriptor(out))
    os.close(writing)
    try:
        yield telemetry
    finally:
        telemetry.close(timeout=1.0)
        os.close(reading)
    assert telemetry.state().faults["log"] >= 1
    assert (of_sink(telemetry.state(), "log").written, lines(out)) == (0, 0)


@contextmanager
def hanging_dead_letters(out: Path) -> Iterator[Telemetry]:
    """The file of dead letters is one whose opening hangs, and a sink fails: it alone waits for it."""

    def sink(event: Event[Any]) -> None:
        raise OSError("on purpose")

    out.mkdir()
    os.mkfifo(out / DEAD_LETTERS)
    try:
        with left_behind(out, sink) as telemetry:
            yield telemetry
    finally:
        os.close(os.open(out / DEAD_LETTERS, os.O_RDWR | os.O_NONBLOCK))


@contextmanager
def vanishing(out: Path) -> Iterator[Telemetry]:
    """The run directory is removed in the middle: what follows is in a new one, and what was removed counts as lost."""
    with Telemetry("run", out=out, sinks={"remover": At(_MIDDLE, lambda: shutil.rmtree(out))}, linger=0.0) as telemetry:
        yield telemetry
    assert telemetry.state().faults["log"] >= 1
    assert 0 < lines(out) <= of_sink(telemetry.state(), "log").written


@contextmanager
def read_only(out: Path) -> Iterator[Telemetry]:
    """From the middle on nothing may be made or replaced in the run directory: what is open is still written."""

    def close_off() -> None:
        out.chmod(0o500)
        if not os.geteuid():
            os.seteuid(_NOBODY)

    telemetry = Telemetry("run", out=out, sinks={"warden": At(_MIDDLE, close_off)}, linger=0.0)
    try:
        yield telemetry
        telemetry.close()
    finally:
        if not os.getuid():
            os.seteuid(0)
        out.chmod(0o700)
    # The manifest at the end, and what was not written yet, as often as there was time to try it.
    assert telemetry.state().faults["log"] >= 1
    assert of_sink(telemetry.state(), "log").written == lines(out)
