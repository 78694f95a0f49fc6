"""The run directory: what was flushed is there, whatever happens to the process, the disk or the last line."""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nissa.events.codec import encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, RunEnded
from nissa.pipeline.dispatch.fault_log import FaultLog
from nissa.pipeline.hub.sink_worker import SinkWorker
from nissa.pipeline.sources import splitting as source
from nissa.pipeline.sources.reader import Reading, UnreadableRunError, read_log
from nissa.sinks.run_log import RunLog, segments
from tests.samples import event, run_started
from tests.waiting import LIMIT, until


def batch(number: int) -> Event[Any]:
    return event(
        BatchCompleted(batch=number, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={}), seq=number
    )


def written(directory: Path, count: int, **options: Any) -> Path:
    log = RunLog(directory, **options)
    for number in range(count):
        log(batch(number))
        log.flush()
    log.close()
    return directory


def read(path: Path) -> tuple[list[int], Reading]:
    reading = Reading()
    return [e.seq for e in read_log(path, reading)], reading


def test_what_was_written_is_read_in_order_across_segments(tmp_path: Path) -> None:
    directory = written(tmp_path / "run", 50, rotate=1000)
    assert len(segments(directory)) > 5
    assert all(file.stat().st_size < 1400 for file in segments(directory))
    numbers, reading = read(directory)
    assert (numbers, reading.problems, reading.dropped) == (list(range(50)), [], 0)


def derived(number: int) -> Event[Any]:
    return replace(batch(number), ordinal=1)


def odd(number: int) -> Event[Any]:
    """One that takes more than the usual to write it."""
    return event(BatchCompleted(batch=number, loss=math.nan), seq=number)


def started(number: int) -> Event[Any]:
    return event(run_started(), seq=number)


def ended(number: int) -> Event[Any]:
    return event(RunEnded(outcome="completed", duration=1.0), seq=number)


told = st.lists(st.tuples(st.sampled_from([batch, derived, odd, started, ended]), st.integers(0, 2)), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told, st.integers(1, 9), st.sampled_from([300, 1 << 20]), st.booleans())
def test_events_taken_together_are_those_taken_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, told: Any, most: int, rotate: int, resumed: bool
) -> None:
    numbers = [*accumulate((1 + gap for _, gap in told), initial=0)]
    events = [make(number) for (make, _), number in zip(told, numbers, strict=False)]
    directories = [tmp_path_factory.mktemp("run") for _ in range(2)]
    for directory, together in zip(directories, (1, most), strict=True):
        if resumed:
            written(directory, 3)
        log = RunLog(directory, rotate=rotate if together == 1 else 1 << 20, resume=resumed)
        for n in range(0, len(events), together):
            run = events[n : n + together]
            usual = all(e.payload.kind != "run_started" and not is_odd(e) for e in run)
            assert log.take_all(run) is usual
            for e in () if usual else run:
                log(e)
        log.close()
    one, other = (b"".join(file.read_bytes() for file in segments(directory)) for directory in directories)
    assert one == other
    one, other = (orjson.loads((directory / "manifest.json").read_bytes()) for directory in directories)
    emitted = [e.seq for e in events if not e.ordinal]
    before = emitted[:1] if resumed else [0]
    gaps = emitted[-1] + 1 - before[0] - len(emitted) if emitted else 0
    whole = bool(emitted) and not gaps and isinstance([e for e in events if not e.ordinal][-1].payload, RunEnded)
    for manifest in (one, other):
        assert (manifest["closed"], manifest["whole"], manifest["lost"]) == (True, whole, gaps)
    for manifest in (one, other):
        rows = manifest["segments"]
        assert sum(row["events"] for row in rows) == len(events) + 3 * resumed
        named = [row for row in rows[resumed:] if row["events"]]
        assert [named[0]["first_seq"], named[-1]["last_seq"]] == [events[0].seq, events[-1].seq] if named else True


def is_odd(e: Event[Any]) -> bool:
    return isinstance(e.payload, BatchCompleted) and math.isnan(e.payload.loss)


def test_the_manifest_tells_what_each_segment_holds(tmp_path: Path) -> None:
    directory = written(tmp_path / "run", 50, rotate=1000)
    manifest = orjson.loads((directory / "manifest.json").read_bytes())
    assert manifest["closed"] is True
    assert sum(segment["events"] for segment in manifest["segments"]) == 50
    for segment in manifest["segments"]:
        lines = (directory / segment["name"]).read_bytes().splitlines()
        assert len(lines) == segment["events"]
        if lines:
            numbers = [orjson.loads(lines[0])["seq"], orjson.loads(lines[-1])["seq"]]
            assert numbers == [segment["first_seq"], segment["last_seq"]]


def test_a_missing_or_shortened_segment_is_reported(tmp_path: Path) -> None:
    directory = written(tmp_path / "run", 50, rotate=1000)
    first, second, *_ = segments(directory)
    first.unlink()
    second.write_bytes(second.read_bytes()[:-10])
    _, reading = read(directory)
    assert [problem.split(":")[0] for problem in reading.problems[:2]] == [first.name, second.name]
    assert reading.dropped > 0
    assert reading.malformed == 1


def test_the_context_is_there_as_soon_as_the_run_has_started(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run")
    log(event(run_started(), time=12.0))
    context = orjson.loads((tmp_path / "run" / "context.json").read_bytes())
    assert (context["run"], context["time"], context["base_seed"], context["host_params"]) == ("test", 12.0, 7, 1250)
    log.close()


def test_a_disk_without_room_for_the_context_costs_neither_the_start_of_the_run_nor_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    log = RunLog(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        log(event(run_started()))
        with pytest.raises(OSError, match="No space"):
            log.flush()
    log.flush()
    assert (tmp_path / "run" / "context.json").exists()
    log.close()
    assert read(tmp_path / "run")[0] == [0]


def test_a_directory_that_holds_a_run_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    directory = written(tmp_path / "run", 3)
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    with pytest.raises(FileExistsError, match="holds a run already"):
        RunLog(directory)
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before


RANK = """
import sys
from pathlib import Path
from nissa import Telemetry
with Telemetry("rank", out=Path(sys.argv[1]), resume=sys.argv[2] == "resume"):
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["anew", "resume"])
def test_two_ranks_in_one_directory_are_told_that_each_needs_its_own(tmp_path: Path, how: str) -> None:
    command = [sys.executable, "-c", RANK, str(tmp_path / "run"), how]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout
        assert first.stdout.readline() == "writing\n"
        second = subprocess.run(command, capture_output=True, text=True, check=False, input="")
        first.communicate("")
    assert first.returncode == 0
    assert second.returncode == 1
    told = second.stderr.splitlines()[-1]
    assert told.startswith(f"FileExistsError: {tmp_path / 'run'} is being written by another run now: each process")
    assert told.endswith("In a notebook, close the Telemetry of the cell that ran before")


def test_ranks_that_begin_at_the_same_moment_are_told_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "run", 3)
    monkeypatch.setattr("nissa.sinks.run_log.log.segments", lambda _: [])
    with pytest.raises(FileExistsError, match="is being written by another run now"):
        RunLog(tmp_path / "run")


@settings(
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_a_log_cut_at_any_byte_is_read_up_to_the_last_whole_line(tmp_path: Path, data: st.DataObject) -> None:
    lines = [encode(batch(number)) for number in range(4)]
    whole = b"".join(lines)
    cut = data.draw(st.integers(len(lines[0]), len(whole)))
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole[:cut])
    numbers, reading = read(path)
    ends = [sum(map(len, lines[: n + 1])) for n in range(4)]
    # A last line that only lacks its newline is whole.
    assert numbers == [n for n, end in enumerate(ends) if end - 1 <= cut]
    torn = cut not in ends and cut + 1 not in ends
    assert reading.malformed == torn
    assert ("torn last line" in "".join(reading.problems)) == torn


def test_kill_9_at_any_moment_costs_at_most_what_was_not_flushed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from nissa.pipeline.telemetry import Telemetry\n"
        "from nissa.events.kinds import BatchCompleted\n"
        "t = Telemetry('killed', out=Path(sys.argv[1]))\n"
        "for n in range(10**9):\n"
        "    t.emit(BatchCompleted(batch=n, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={}))\n"
        "    if n % 500 == 0: print(n if t.flush(60) else 'stuck', flush=True)\n"
    )
    for flushes in (1, 5, 12):
        directory = tmp_path / str(flushes)
        process = subprocess.Popen([sys.executable, "-c", program, directory], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        told = [process.stdout.readline() for _ in range(flushes)]
        process.send_signal(signal.SIGKILL)
        flushed = int([*told, *process.stdout][-1])
        process.stdout.close()
        process.wait()
        numbers, reading = read(directory)
        assert numbers[-1] >= flushed
        assert numbers == list(range(len(numbers)))
        assert reading.malformed <= 1


def test_a_full_disk_loses_nothing_that_can_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, real, full = RunLog(tmp_path / "run"), os.write, [True]

    def write(file: int, data: bytes) -> int:
        if full[0]:
            if len(data) > 40:
                return real(file, bytes(data[:40]))
            raise OSError(28, "No space left on device")
        return real(file, data)

    log(batch(0))
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        log.flush()
    log(batch(1))
    full[0] = False
    log.close()
    assert read(tmp_path / "run")[0] == [0, 1]


def test_a_disk_that_is_full_for_long_costs_nothing_up_to_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    log = RunLog(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        for number in range(1000):
            log(batch(number))
        assert log.take_all([batch(1000), batch(1001)])
        patched.setattr("nissa.sinks.run_log.log._MOST", 100_000)
        with pytest.raises(OSError, match="No space"):
            log(batch(1002))
    log.close()
    assert read(tmp_path / "run")[0] == list(range(1002))


def test_a_real_full_disk_is_counted_and_survived(tmp_path: Path) -> None:
    """/dev/full takes no byte: the segment is a link to it, as a full disk would be."""
    faults = FaultLog()
    log = RunLog(tmp_path / "run")
    real, full = os.dup(log._file), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._file)
    outlet = SinkWorker("log", log, faults, capacity=1000)
    for number in range(100):
        outlet(batch(number))
    until(lambda: outlet.state().breaker == "open")
    assert not outlet.flush(time.monotonic() + 0.1)
    assert faults.counts["log"] > 0
    os.dup2(real, log._file)
    assert outlet.flush(time.monotonic() + LIMIT)
    assert outlet.state().breaker == "closed"
    outlet.stop()
    outlet.join(time.monotonic() + LIMIT)
    assert read(tmp_path / "run")[0] == list(range(100))
    os.close(real)
    os.close(full)


def test_on_a_full_disk_written_is_what_is_in_the_file_and_each_event_has_one_fate(tmp_path: Path) -> None:
    """A file that may not grow any more: the kernel takes a part of a write, and then refuses."""
    program = (
        "import resource, signal, sys, time; from pathlib import Path; from nissa.pipeline.telemetry import Telemetry\n"
        "from nissa.events.kinds import BatchCompleted\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))\n"
        "t = Telemetry('full', out=Path(sys.argv[1]))\n"
        "log = lambda: t.state().sinks[0]\n"
        "for n in range(2_000): t.emit(BatchCompleted(batch=n, loss=1.0))\n"
        "while log().breaker == 'closed': time.sleep(0.01)\n"
        "print(log().written, log().given, flush=True)\n"
        "t.close(timeout=2.0)\n"
        "s = log()\n"
        "print(s.written, s.given - s.written - s.failed - sum(s.dropped.values()), s.queued, flush=True)\n"
        "print(t.state().queued, t.state().faults.get('books', 0), flush=True)\n"
    )
    done = subprocess.check_output([sys.executable, "-c", program, tmp_path / "run", "100000"], text=True)
    (segment,) = segments(tmp_path / "run")
    inside = segment.read_bytes().count(b"\n")
    before, after, hub = ([int(word) for word in line.split()] for line in done.splitlines())
    assert segment.stat().st_size == 100_000
    assert 0 < inside < before[1]
    assert before[0] == inside
    assert (after, hub) == ([inside, 0, 0], [0, 0])


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_rotation_that_fails_at_any_step_loses_nothing_and_writes_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    log, failing = RunLog(tmp_path / "run", rotate=500, fsync=1e9), [True]
    owner = Path if step == "replace" else os
    real = getattr(owner, step)

    def fail_once(*arguments: Any) -> Any:
        if failing and failing.pop():
            raise OSError(28, "No space left on device")
        return real(*arguments)

    for number in range(4):
        log(batch(number))
    monkeypatch.setattr(owner, step, fail_once)
    with pytest.raises(OSError, match="No space"):
        log.flush()
    with (tmp_path / "checkpoint.pt").open("wb") as checkpoint:
        for number in range(4, 20):
            log(batch(number))
            log.flush()
        checkpoint.write(b"weights")
    log.close()
    log.close()
    numbers, reading = read(tmp_path / "run")
    assert (numbers, reading.malformed) == (list(range(20)), 0)
    assert (tmp_path / "checkpoint.pt").read_bytes() == b"weights"


@pytest.mark.parametrize(("fsync", "synced"), [(0.0, [1, 2, 3, 3, 3]), (math.inf, [3])])
def test_what_is_written_is_forced_to_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: float, synced: list[int]
) -> None:
    """How many lines the segment holds each time that it is forced: at each flush if so asked, and at its end."""
    lines, real = list[int](), os.fsync

    def force(file: int) -> None:
        lines.append(Path(f"/proc/self/fd/{file}").resolve().read_bytes().count(b"\n"))
        real(file)

    monkeypatch.setattr(os, "fsync", force)
    written(tmp_path / "run", 3, fsync=fsync)
    assert lines == synced


def test_the_manifest_is_replaced_and_never_written_into(tmp_path: Path) -> None:
    """Whoever opened it goes on to read what was whole then, and a kill in the middle leaves the one before."""
    log = RunLog(tmp_path / "run", rotate=1)
    with (tmp_path / "run" / "manifest.json").open("rb") as opened:
        log(batch(0))
        log.flush()
        log.close()
        assert len(orjson.loads(opened.read())["segments"]) == 1
    assert len(orjson.loads((tmp_path / "run" / "manifest.json").read_bytes())["segments"]) == 2


def test_duplicated_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl"
    path.write_bytes(b"".join(encode(batch(number)) for number in (0, 1, 1, 0, 2)))
    numbers, reading = read(path)
    assert (numbers, reading.duplicates, reading.dropped) == ([0, 1, 2], 2, 0)


def test_gaps_in_the_numbers_are_counted_as_dropped(tmp_path: Path) -> None:
    path = tmp_path / "gap.jsonl"
    path.write_bytes(b"".join(encode(batch(number)) for number in (2, 3, 7)))
    assert read(path)[1].dropped == 5


def test_unknown_kinds_and_fields_are_passed_on_and_counted(tmp_path: Path) -> None:
    row = orjson.loads(encode(batch(0)))
    row["data"]["momentum"] = 0.9
    path = tmp_path / "newer.jsonl"
    path.write_bytes(orjson.dumps(row) + b"\n" + orjson.dumps(row | {"kind": "seed_dreamed", "seq": 1}))
    numbers, reading = read(path)
    assert numbers == [0, 1]
    assert reading.unknown == {"batch_completed.momentum": 1, "seed_dreamed": 1}


def test_a_line_that_never_ends_is_one_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LONGEST_LINE", 1000)
    (tmp_path / "odd.jsonl").write_bytes(encode(batch(0)) + b"x" * 5000 + b"\n" + encode(batch(1)))
    numbers, reading = read(tmp_path / "odd.jsonl")
    assert (numbers, reading.malformed) == ([0, 1], 1)
    assert "longer than" in reading.problems[0]


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: None, "there is no such file or directory"),
        (lambda path: path.mkdir(), "this directory holds no run"),
        (lambda path: path.write_text(""), "no line of it is an event. It is empty"),
        (lambda path: path.write_text("hello\n"), "no line of it is an event. run:1: not JSON"),
        (lambda path: path.write_text('{"a": 1}\n'), "run:1: kind: missing"),
        (lambda path: path.write_bytes(bytes(range(256))), "no line of it is an event"),
        (lambda path: path.symlink_to("x" * 255), "there is no such file or directory"),
        (lambda path: path.write_bytes(encode(Event(0, 0.0, Scope("r"), batch(0).payload, 1))), "derived events only"),
    ],
)
def test_what_is_no_run_is_named_for_what_it_is(tmp_path: Path, make: Any, complaint: str) -> None:
    make(tmp_path / "run")
    with pytest.raises(UnreadableRunError, match=complaint):
        read(tmp_path / "run")


def test_a_segment_size_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1 byte, not 0"):
        RunLog(tmp_path / "run", rotate=0)
    assert not (tmp_path / "run").exists()


def test_a_removed_directory_is_told_and_what_follows_is_kept(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run")
    for number in range(10):
        log(batch(number))
    log.flush()
    log(batch(10))
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(FileNotFoundError, match="was removed"):
        log.flush()
    log(batch(11))
    log.flush()
    log.close()
    numbers, reading = read(tmp_path / "run")
    assert (numbers, reading.problems) == ([10, 11], [])
    assert manifest(tmp_path / "run") == {"closed": True, "whole": False, "lost": 10}


@pytest.mark.parametrize(("seqs", "ended", "lost"), [(range(5), True, 0), (range(5), False, 0), ([0, 3, 4], True, 2)])
def test_a_run_that_lost_events_or_its_end_is_not_called_whole(
    tmp_path: Path, seqs: Sequence[int], ended: bool, lost: int
) -> None:
    log = RunLog(tmp_path / "run")
    for seq in seqs:
        log(batch(seq))
    if ended:
        log(event(RunEnded(outcome="completed", duration=1.0), seq=5))
    log.close()
    assert manifest(tmp_path / "run") == {"closed": True, "whole": ended and not lost, "lost": lost}


def manifest(directory: Path) -> dict[str, Any]:
    told = orjson.loads((directory / "manifest.json").read_bytes())
    return {name: told[name] for name in ("closed", "whole", "lost")}
