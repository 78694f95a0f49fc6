"""Who writes a segment is seen by its lock, and whoever looks is in nobody's way."""

import fcntl
import time
from pathlib import Path

import pytest

from nissa.sinks.run_log import is_being_written, lock


def test_a_segment_is_being_written_as_long_as_its_writer_has_it(tmp_path: Path) -> None:
    (file := tmp_path / "events-000001.jsonl").touch()
    assert not is_being_written(file)
    with file.open("ab") as writing:
        assert lock(writing.fileno())
        assert is_being_written(file)
        with file.open("ab") as another:
            assert not lock(another.fileno())
    assert not is_being_written(file)
    assert not is_being_written(tmp_path / "nothing")


def test_a_writer_gets_its_lock_although_somebody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file := tmp_path / "events-000001.jsonl").touch()
    with file.open("rb") as looking, file.open("ab") as writing:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        assert lock(writing.fileno())
        assert is_being_written(file)


def test_a_file_system_without_locks_is_no_reason_not_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (tmp_path / "events-000001.jsonl").open("ab") as writing:
        assert lock(writing.fileno())
    assert not is_being_written(tmp_path / "events-000001.jsonl")
