"""What a collector writes beside a log is what one process writes into it, byte for byte, whenever it is killed."""

import json
import math
import os
import random
from pathlib import Path

import pytest

from nissa.pipeline.collector import CollectedElsewhereError, CollectedRun, collected_run
from nissa.pipeline.collector.derived_log import DerivedLog
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import tail
from nissa.sinks.run_log import lock
from tests.pipeline.collector.runs import DERIVED, LOG, collected, cuts, emitted_only, following, recorded


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A run in one process, with what follows."""
    return recorded(tmp_path_factory.mktemp("recorded") / "run")


def run_of(tmp_path: Path, log: bytes) -> Path:
    (tmp_path / LOG).write_bytes(log)
    return tmp_path


def killed(run: CollectedRun) -> None:
    """End it as a kill does: nothing is written out, and its files are let go."""
    os.close(run.derived._file)
    run.tail.close()


def differences(directory: Path) -> tuple[int, int, int]:
    result = replay(directory)
    assert result.compared
    return result.different, result.only_recorded, result.only_computed


def test_the_story_has_what_follows_in_it(log: bytes) -> None:
    kinds = {json.loads(line)["kind"] for line in following(log).splitlines()}
    assert {"alert_raised", "fidelity_changed", "trend_changed", "scoreboard_updated"} <= kinds


def test_what_is_derived_is_what_one_process_derives(tmp_path: Path, log: bytes) -> None:
    run = collected(run_of(tmp_path, emitted_only(log)))
    assert (tmp_path / DERIVED).read_bytes() == following(log)
    assert (run.ended, run.derived.known, run.derived.different, run.reading.malformed) == (True, 0, 0, 0)
    assert differences(tmp_path) == (0, 0, 0)
    assert run.tables.snapshot() == replay(tmp_path).tables.snapshot()


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_any_point_and_begun_again_it_writes_nothing_twice(
    tmp_path: Path, log: bytes, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, emitted = random.Random(seed), emitted_only(log)
    monkeypatch.setattr(tail, "_PIECE", 3_000)
    for piece in cuts(emitted, chance, 4):
        with (tmp_path / LOG).open("ab") as writing:
            writing.write(piece)
        run = CollectedRun(tmp_path, {}, FaultLog())
        for _ in range(chance.randrange(40)):
            run.step()
        killed(run)
        # A write may be cut off anywhere.
        os.truncate(tmp_path / DERIVED, chance.randint(0, (tmp_path / DERIVED).stat().st_size))
    assert collected(tmp_path).derived.different == 0
    assert (tmp_path / DERIVED).read_bytes() == following(log)


@pytest.mark.parametrize("seed", range(4))
def test_a_log_that_holds_what_follows_gets_nothing_beside_it(tmp_path: Path, log: bytes, seed: int) -> None:
    run = CollectedRun(run_of(tmp_path, b""), {}, FaultLog())
    # As a writer does, so that nobody takes a slow one for one that is gone.
    with (tmp_path / LOG).open("ab", buffering=0) as writing:
        assert lock(writing.fileno())
        for piece in cuts(log, random.Random(seed), 60):
            writing.write(piece)
            while run.step():
                pass
    while not run.finished:
        run.step()
    run.close()
    assert (tmp_path / DERIVED).read_bytes() == b""
    assert run.derived.written == 0


def test_of_lives_in_one_process_and_in_two_each_line_stands_once(tmp_path: Path, log: bytes) -> None:
    first, second = log[: len(log) // 2], log[len(log) // 2 :]
    first, second = first[: first.rindex(b'{"v":1,"kind"')], first[first.rindex(b'{"v":1,"kind"') :] + second
    collected(run_of(tmp_path, first + emitted_only(second)))
    assert (tmp_path / DERIVED).read_bytes() == following(second)
    assert differences(tmp_path) == (0, 0, 0)


def test_what_came_out_otherwise_before_is_told_and_left(tmp_path: Path, log: bytes) -> None:
    one, *others = following(log).splitlines(keepends=True)
    (tmp_path / DERIVED).write_bytes(one.replace(b'"run":"run"', b'"run":"fun"') + b"".join(others[:3]))
    run = collected(run_of(tmp_path, emitted_only(log)))
    assert (run.derived.known, run.derived.different, run.derived.written) == (4, 1, len(others) - 3)
    assert "1 derived otherwise than before" in run.summary()


def test_two_cannot_collect_one_run_at_once(tmp_path: Path) -> None:
    first = DerivedLog(tmp_path)
    with pytest.raises(CollectedElsewhereError, match="another process collects this run"):
        DerivedLog(tmp_path)
    first.close()
    DerivedLog(tmp_path).close()


def test_a_full_disk_is_waited_for(tmp_path: Path, log: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    write, failed = os.write, list[bytes]()

    def full(file: int, content: bytes) -> int:
        if len(failed) < 3:
            failed.append(bytes(content))
            raise OSError(28, "No space left on device")
        return write(file, content[:1000])

    monkeypatch.setattr(os, "write", full)
    run = collected(run_of(tmp_path, emitted_only(log)))
    assert (tmp_path / DERIVED).read_bytes() == following(log)
    assert run.finished


def test_a_last_line_without_an_end_is_read_as_a_replay_reads_it(tmp_path: Path, log: bytes) -> None:
    emitted = emitted_only(log)
    directory = run_of(tmp_path, emitted[: emitted.rindex(b'{"v":1,"kind":"run_ended"')].removesuffix(b"\n"))
    run = collected(directory)
    assert not run.ended
    assert run.reading.read == replay(directory).reading.read
    assert differences(directory) == (0, 0, 0)
    (tmp_path / LOG).write_bytes(emitted[:-20])
    run = collected(directory)
    assert (run.reading.malformed, run.ended) == (1, False)
    assert "died: there is no run_ended" in run.summary()


def test_where_the_trainer_is_known_to_be_gone_no_silence_is_waited_for(
    tmp_path: Path, log: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected_run, "_SILENCE", math.inf)
    emitted, lives = emitted_only(log), [True]
    directory = run_of(tmp_path, emitted[: emitted.rindex(b'{"v":1,"kind":"run_ended"')])
    run = CollectedRun(directory, {}, FaultLog(), lambda: lives[0])
    for _ in range(20):
        run.step()
    assert not run.finished
    lives.clear()
    lives.append(False)
    while run.step():
        pass
    run.close()
    assert (run.finished, run.ended) == (True, False)
