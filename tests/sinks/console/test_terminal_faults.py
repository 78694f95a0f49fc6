"""A terminal that is none, is shared with others of ours, is another job's, or fails; and what is given back then."""

import fcntl
import os
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, Literal, TextIO

import pytest

from nissa.events.event import Event, Scope
from nissa.events.kinds import AlertRaised, BatchCompleted, EpochCompleted, RunStarted
from nissa.pipeline.telemetry import Telemetry
from nissa.pipeline.wiring import one_process, two_processes
from nissa.sinks.console import LiveLines, News, shared_terminal
from nissa.sinks.console.progress_text import progress_text
from nissa.sinks.console.shared_terminal import SharedTerminal
from nissa.sinks.serving import listening
from tests.waiting import until

PROGRESS = {"epochs": 1, "planned": None, "reached": "", "batch": None, "alerts": 0, "seconds": 0.0}


class Writes:
    """All that some put in the place of stderr."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.flushed = 0

    def write(self, text: str) -> int:
        self.text.append(text)
        return len(text)

    def flush(self) -> None:
        self.flushed += 1


@pytest.fixture
def tty(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, TextIO]]:
    """The other end of a terminal, and the stream that a trainer has of it."""
    monkeypatch.setenv("TERM", "xterm")
    master, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with os.fdopen(its, "w") as stream:
        yield master, stream
    os.close(master)


def written(tty: tuple[int, TextIO]) -> bytes:
    """All that has come: what is written comes a moment later, so a mark behind it is waited for."""
    os.write(tty[1].fileno(), b"\0")
    came = b""
    while not came.endswith(b"\0"):
        came += os.read(tty[0], 65536)
    return came[:-1]


def files() -> int:
    return len(os.listdir("/proc/self/fd"))


def ignore(_name: str, _error: BaseException) -> None:
    pass


def nothing() -> dict[str, Any]:
    return {"lines": [], "progress": PROGRESS}


@pytest.mark.parametrize("console", [None, True])
def test_a_stderr_that_only_writes_or_is_closed_stops_no_trainer(
    console: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = StringIO()
    closed.close()
    for stream in (Writes(), closed):
        monkeypatch.setattr(sys, "stderr", stream)
        with Telemetry("x", console=console) as telemetry:
            telemetry.emit(BatchCompleted(batch=0, loss=1.0))


@pytest.mark.parametrize("collector", [None, "process"])
def test_what_a_run_has_taken_is_given_back_where_its_terminal_fails(
    collector: Literal["process"] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no terminal")

    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with monkeypatch.context() as patch:
        patch.setattr(two_processes if collector else one_process, "live_lines", fails)
        with pytest.raises(RuntimeError, match="no terminal"):
            Telemetry("x", out=tmp_path, collector=collector, metrics=port, console=True)

    def again() -> bool:
        try:
            Telemetry("x", out=tmp_path, metrics=port, resume=True).close()
        except (OSError, ValueError):
            return False
        return True

    until(again)


def test_a_lock_that_is_held_at_a_fork_does_not_hold_the_child() -> None:
    lines = LiveLines(nothing, StringIO(), ignore)
    with lines._closing._cond:  # type: ignore[attr-defined]
        child = threading.Thread(target=lines.after_fork, daemon=True)
        child.start()
        child.join(5)
        assert not child.is_alive()
    assert lines._closing.is_set()


def test_drawing_leaves_the_stream_of_the_trainer_alone() -> None:
    class Plain(Writes):
        def isatty(self) -> bool:
            return False

    stream = Plain()
    event = Event(0, 0.0, Scope("x"), EpochCompleted(val_loss=1.0))
    news = News()
    news(event)
    lines = LiveLines(news.news, stream, ignore)  # type: ignore[arg-type]
    lines._show()
    assert [text for text in stream.text if not text.strip()] == []
    assert len(stream.text) == 1
    assert stream.flushed == 0


@pytest.mark.parametrize("end", ["never started", "closed", "forked"])
def test_a_terminal_that_was_opened_is_closed(end: str, tty: tuple[int, TextIO]) -> None:
    before = files()
    lines = LiveLines(nothing, tty[1], ignore)
    assert files() == before + 1
    if end == "closed":
        lines.start()
    (lines.after_fork if end == "forked" else lines.close)()
    assert files() == before


def test_an_error_gives_the_row_back(tty: tuple[int, TextIO]) -> None:
    def news() -> dict[str, Any]:
        return asked.pop()

    asked, told = [nothing()], threading.Event()
    lines = LiveLines(news, tty[1], lambda _name, _error: told.set())
    lines.start()
    assert told.wait(10)
    shown = written(tty)
    assert b"\x1b[1;23r" in shown
    assert b"\x1b[r" in shown


def test_a_run_without_an_end_has_a_time_that_can_be_written() -> None:
    endless = PROGRESS | {"planned": sys.maxsize, "seconds": 90.0}
    assert "0:01:30, about 999999999 days" in progress_text(endless).plain


def test_epochs_that_the_row_shows_push_no_alert_out_and_are_not_missed(tty: tuple[int, TextIO]) -> None:
    news = News()
    lines = LiveLines(news.news, tty[1], ignore)
    for look in range(2):
        alert = AlertRaised(alert=f"d{look}", severity="critical", clause="limit", what="m")
        news(Event(1000 * look, 1.0, Scope("x"), alert))
        for n in range(1, 301):
            news(Event(1000 * look + n, 1.0, Scope("x"), EpochCompleted(val_loss=1.0)))
        lines._show()
        shown = written(tty)
        assert f"d{look}".encode() in shown
        assert b"more than can be read" not in shown
    lines.close()


def test_a_job_in_the_background_keeps_no_row(tty: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = LiveLines(nothing, tty[1], ignore)
    lines._show()
    assert b"\x1b[1;23r" in written(tty)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _file: os.getpgrp() + 1)
    lines._show()
    lines._show()
    shown = written(tty)
    assert b"\x1b[r" in shown
    assert b"\x1b[1;23r" not in shown
    lines.close()


def test_the_second_on_a_terminal_has_its_row_when_the_first_is_done(tty: tuple[int, TextIO]) -> None:
    first, second = (SharedTerminal(tty[1], rows=True) for _ in range(2))
    first.status("first")
    second.status("second")
    assert b"second" not in written(tty)
    assert second.size is None
    first.release()
    second.status("second")
    assert b"second" in written(tty)
    first.close()
    second.close()
    assert not shared_terminal._KEEPERS


def test_a_time_of_zero_is_the_beginning() -> None:
    news = News()
    for time in (0.0, 5.0):
        news(Event(0, time, Scope("x"), BatchCompleted(batch=0, loss=1.0)))
    assert news.news()["progress"]["seconds"] == 5.0


def test_a_run_that_goes_on_counts_from_where_it_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[News] = []

    class Kept(News):
        def __init__(self, *how: Any) -> None:
            super().__init__(*how)
            made.append(self)

    monkeypatch.setattr("nissa.sinks.console.News", Kept)
    for epochs in (10, 1):
        with Telemetry("x", out=tmp_path, resume=True, console=True) as telemetry:
            telemetry.emit(RunStarted(n_envs=1, n_episodes=1, max_epochs=20))
            for _ in range(epochs):
                telemetry.emit(EpochCompleted(val_loss=1.0))
            telemetry.flush(60)
    assert "11 of 20 epochs" in progress_text(made[1].news()["progress"]).plain
