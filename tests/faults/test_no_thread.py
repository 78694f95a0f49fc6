"""A machine that gives no more threads: the trainer goes on, and so does the run as soon as it gets one."""

import threading
from pathlib import Path

import pytest

from nissa import Telemetry
from nissa.events.kinds import BatchCompleted
from tests.faults.books import balanced, whole


def test_a_run_that_gets_no_thread_at_first_loses_what_came_before_it_and_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    telemetry = Telemetry("run", out=tmp_path / "run", linger=0.0)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        for batch in range(3):
            telemetry.emit(BatchCompleted(batch=batch, loss=1.0))
    telemetry.emit(BatchCompleted(batch=3, loss=1.0))
    telemetry.close()
    balanced(telemetry.state())
    assert telemetry.state().faults == {"emit": 3}
    assert whole(tmp_path / "run", 1).reading.by_kind["batch_completed"] == 1
