"""Guards taken away one by one, and the test that must miss each: `python -m tests.faults.mutants [WORD...]`."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["MUTANTS", "Mutant", "copied", "killed", "status_of"]

ROOT = Path(__file__).parents[2]
_PATIENCE = 30.0
"""Seconds after which a test that hangs has noticed."""
_KEPT = ("cli", "events", "grafana", "integrations", "operators", "pipeline", "sinks", "tests", "trainer")


class Mutant(NamedTuple):
    """In a file, what stands there once is replaced."""

    file: str
    guard: str
    without: str
    test: str


_BUFFER, _WORKER, _GUARDED = "pipeline/hub/priority_buffer.py", "pipeline/hub/worker.py", "pipeline/hub/guarded_sink.py"
_BREAKER, _FAULTS, _LOG = "pipeline/hub/circuit_breaker.py", "pipeline/dispatch/fault_log.py", "sinks/run_log/log.py"
_EXIT, _ENDING, _HUB, _STREAM = (
    "pipeline/process_exit.py",
    "pipeline/ending.py",
    "pipeline/hub/hub.py",
    "pipeline/dispatch/event_stream.py",
)
_OF_BUFFER, _OF_SINKS = "tests/pipeline/hub/test_priority_buffer.py::", "tests/pipeline/hub/test_sink_worker.py::"
_OF_LOG, _OF_RUNS = "tests/sinks/test_run_log.py::", "tests/pipeline/test_telemetry.py::"
_TRIED = "tests/faults/test_faults.py::test_what_is_promised_holds"

MUTANTS = (
    # The buffer: its bounds, its books, its lock.
    Mutant(
        _BUFFER,
        "        if room > 0:",
        "        if True:",
        f"{_OF_RUNS}test_when_the_hub_is_stalled_batches_go_first_and_the_gap_is_told",
    ),
    Mutant(
        _BUFFER,
        "while self._bytes > self._most_bytes and",
        "while False and",
        f"{_OF_BUFFER}test_large_entries_are_bounded_by_their_bytes",
    ),
    Mutant(
        _BUFFER,
        "for queue in self._queues[: most + 1]:",
        "for queue in self._queues[most::-1]:",
        f"{_OF_BUFFER}test_what_is_shed_is_never_more_important_than_what_stays",
    ),
    Mutant(
        _BUFFER,
        "self.dropped[victim.kind] += 1",
        "pass",
        f"{_OF_BUFFER}test_accepted_is_taken_plus_queued_plus_dropped_at_any_moment",
    ),
    Mutant(
        _BUFFER,
        "        if self._admitting:",
        "        if False:",
        f"{_OF_BUFFER}test_a_put_in_the_middle_of_a_rare_one_is_taken_along_by_it",
    ),
    Mutant(
        _BUFFER, "        if self.closed:", "        if False:", f"{_OF_BUFFER}test_a_closed_buffer_refuses_and_counts"
    ),
    Mutant(
        _BUFFER,
        "except Exception:  # noqa: BLE001  # whatever its class does",
        "except TypeError:  # noqa: BLE001  # whatever its class does",
        f"{_OF_BUFFER}test_what_cannot_be_weighed_is_taken_all_the_same",
    ),
    Mutant(
        _BUFFER,
        "        self._lock = threading.RLock()\n        self._admitting, self._hand",
        "        self._admitting, self._hand",
        "tests/faults/test_forked_locks.py",
    ),
    # A thread: supervised, and waited for no longer than said.
    Mutant(
        _WORKER,
        "except BaseException as error:  # noqa: BLE001  # the thread must not stop in silence",
        "except Exception as error:",
        f"{_TRIED}[a hub whose thread dies]",
    ),
    Mutant(
        _WORKER,
        "self._thread.join(max(0.0, begun + share * (deadline - begun) - time.monotonic()))",
        "self._thread.join()",
        f"{_OF_SINKS}test_a_sink_that_hangs_is_left_behind_at_the_deadline",
    ),
    Mutant(
        _WORKER,
        "not mine and time.monotonic() < deadline:",
        "not mine:",
        f"{_OF_LOG}test_a_real_full_disk_is_counted_and_survived",
    ),
    Mutant(
        _WORKER,
        "            if share < 1:\n                self.buffer.shed(shed)",
        "            pass",
        f"{_OF_SINKS}test_a_backlog_is_dropped_by_importance_at_the_end",
    ),
    Mutant(
        _WORKER,
        "            self.buffer.abandon()",
        "            pass",
        f"{_OF_RUNS}test_after_the_end_nothing_is_queued_even_if_a_part_hangs",
    ),
    Mutant(
        _WORKER,
        "        except BaseException as error:  # noqa: BLE001  # as above; to try it again",
        "        except Exception as error:  # noqa: BLE001  # as above; to try it again",
        f"{_OF_SINKS}test_an_end_that_raises_is_told_once_and_not_tried_again",
    ),
    Mutant(
        _WORKER,
        "            with suppress(RuntimeError):\n                self._thread.start()",
        "            pass",
        f"{_OF_SINKS}test_an_end_that_hangs_is_left_behind_also_where_no_event_came",
    ),
    # A sink: tried a few times, rested, and its events counted.
    Mutant(
        _GUARDED,
        "if tries >= ATTEMPTS or ending or",
        "if ending or",
        f"{_OF_SINKS}test_a_poison_event_goes_to_the_dead_letters_and_the_next_one_gets_through",
    ),
    Mutant(
        _GUARDED,
        "except BaseException as error:  # noqa: BLE001  # a sink may fail in any way",
        "except Exception as error:  # noqa: BLE001  # a sink may fail in any way",
        f"{_OF_SINKS}test_a_sink_that_calls_exit_fails_like_any_other",
    ),
    Mutant(
        _GUARDED,
        " or isinstance(error, UnwritableEventError):",
        ":",
        f"{_OF_SINKS}test_an_event_that_no_reader_would_take_is_buried_at_once",
    ),
    Mutant(
        _GUARDED,
        'ending = self._worker.stopping.is_set() and self._breaker.state == "open"',
        "ending = False",
        f"{_OF_SINKS}test_a_sink_that_always_fails_is_given_up_at_the_end_without_waiting",
    ),
    Mutant(
        _GUARDED,
        'self._worker.buffer.turn("held", "failed", self._held())',
        "pass",
        f"{_OF_SINKS}test_what_was_taken_but_never_flushed_counts_as_failed_and_opens_the_breaker",
    ),
    Mutant(
        _GUARDED,
        "        except BaseException as error:  # noqa: BLE001  # as above",
        "        except Exception as error:  # noqa: BLE001  # as above",
        f"{_OF_SINKS}test_a_flush_that_calls_exit_fails_like_any_other",
    ),
    Mutant(
        _GUARDED,
        "        if now < self._resting or not",
        "        if not",
        f"{_OF_SINKS}test_a_flush_that_fails_is_not_tried_again_before_its_rest_is_over",
    ),
    Mutant(
        _BREAKER,
        "if self._in_a_row >= FAILURES:",
        "if False:",
        f"{_OF_SINKS}test_a_sink_that_is_down_for_a_while_rests_and_then_gets_nearly_all",
    ),
    Mutant(
        _BREAKER,
        "min(max(2 * self.rest, SHORTEST_REST), LONGEST_REST)",
        "max(2 * self.rest, SHORTEST_REST)",
        f"{_OF_SINKS}test_rests_double_up_to_a_bound_and_one_success_ends_them",
    ),
    # What went wrong: counted, bounded, told once.
    Mutant(
        _FAULTS,
        "if self._dead_letters is None or self._letters >= MAX_LETTERS:",
        "if self._dead_letters is None:",
        f"{_OF_SINKS}test_dead_letters_are_bounded_and_a_full_disk_does_not_stop_the_count",
    ),
    Mutant(
        _FAULTS, "if len(line) <= self._room:", "if True:", f"{_OF_SINKS}test_dead_letters_are_bounded_by_their_bytes"
    ),
    Mutant(
        _FAULTS,
        "self._counting, self._burying, self._dead_letters = threading.RLock(), threading.RLock(), None",
        "self._dead_letters = None",
        "tests/faults/test_forked_locks.py",
    ),
    Mutant(
        _FAULTS,
        "except BaseException:  # noqa: BLE001  # there is nobody left to tell",
        "except Exception:",
        f"{_OF_SINKS}test_a_logging_handler_that_calls_exit_is_no_concern_of_the_pipeline",
    ),
    Mutant(
        _FAULTS,
        "except BaseException as failure:  # noqa: BLE001  # the disk",
        "except OSError as failure:  # the disk",
        f"{_OF_SINKS}test_a_repr_that_raises_is_no_concern_of_the_pipeline",
    ),
    Mutant(
        _FAULTS,
        "        if first:",
        "        if True:",
        f"{_OF_SINKS}test_faults_are_logged_once_for_each_component_and_type",
    ),
    # The log: forced, whole, one writer's.
    Mutant(
        _LOG,
        "            os.fsync(self._file)\n",
        "",
        f"{_OF_LOG}test_what_is_written_is_forced_to_the_device",
    ),
    Mutant(
        _LOG,
        "            os.fsync(file)\n",
        "",
        f"{_OF_LOG}test_what_is_written_is_forced_to_the_device",
    ),
    Mutant(
        _LOG,
        "del self._buffer[:written]",
        "self._buffer.clear()",
        f"{_OF_LOG}test_a_full_disk_loses_nothing_that_can_wait",
    ),
    Mutant(
        _LOG,
        "            if len(self._buffer) >= _MOST:\n                raise",
        "            pass",
        f"{_OF_LOG}test_a_disk_that_is_full_for_long_costs_nothing_up_to_a_bound",
    ),
    Mutant(
        _LOG,
        "if len(self._buffer) >= _MOST:",
        "if True:",
        f"{_OF_LOG}test_a_disk_that_is_full_for_long_costs_nothing_up_to_a_bound",
    ),
    Mutant(
        _LOG,
        "        lock(self._file)\n",
        "",
        f"{_OF_LOG}test_two_ranks_in_one_directory_are_told_that_each_needs_its_own",
    ),
    Mutant(
        _LOG,
        "os.O_CREAT | os.O_EXCL |",
        "os.O_CREAT |",
        f"{_OF_LOG}test_ranks_that_begin_at_the_same_moment_are_told_the_same",
    ),
    Mutant(
        _LOG,
        "        temporary.replace(self.directory / name)",
        "        (self.directory / name).write_bytes(temporary.read_bytes())",
        f"{_OF_LOG}test_the_manifest_is_replaced_and_never_written_into",
    ),
    Mutant(
        _LOG,
        "        if os.fstat(self._file).st_nlink:\n            return",
        "        return",
        f"{_OF_LOG}test_a_removed_directory_is_told_and_what_follows_is_kept",
    ),
    Mutant(
        _LOG,
        "self.torn = cut_torn_line(before[-1]) if before else None",
        "self.torn = 0 if before else None",
        "tests/pipeline/test_resume.py::test_what_a_resumed_process_knows_is_what_a_replay_knows",
    ),
    Mutant(
        _LOG,
        "            self._closed = True\n            os.close(self._file)",
        "            self._closed = True",
        "tests/pipeline/collector/test_forks.py::test_a_forked_child_keeps_nothing_and_hangs_nothing",
    ),
    # Ways out of a process.
    Mutant(_EXIT, "    if _dying:\n        _die()\n", "", f"{_OF_RUNS}test_a_second_sigterm_does_not_wait"),
    Mutant(_EXIT, "    _open.clear()", "    pass", f"{_OF_RUNS}test_a_forked_worker_that_is_ended_ends_at_once"),
    Mutant(_EXIT, "atexit.register(_at_exit)", "", f"{_OF_RUNS}test_a_process_that_forgets_to_close_loses_nothing"),
    Mutant(
        _EXIT,
        "        previous(number, frame)",
        "        pass",
        f"{_OF_RUNS}test_a_trainer_that_handles_sigterm_itself_goes_on_emitting",
    ),
    Mutant(
        _ENDING,
        "self._closed, self._closing, self._closer = True, threading.Lock(), None",
        "self._closing, self._closer = threading.Lock(), None",
        f"{_OF_RUNS}test_a_forked_worker_that_only_closes_says_nothing",
    ),
    # What the trainer must not feel, and what must be told.
    Mutant(
        "pipeline/emitter.py",
        "error, _caller())\n        except Exception as error:",
        "error, _caller())\n        except KeyError as error:",
        "tests/faults/test_no_thread.py",
    ),
    Mutant(
        _STREAM,
        "except BaseException as error:  # noqa: BLE001  # what a subscriber does wrong",
        "except Exception as error:  # noqa: BLE001  # what a subscriber does wrong",
        "tests/pipeline/dispatch/test_dispatcher.py::test_whatever_a_subscriber_raises_stays_with_it_also_at_the_end",
    ),
    Mutant(
        "pipeline/dispatch/dispatcher.py",
        "                subscribe()\n",
        "                pass\n",
        "tests/pipeline/dispatch/test_dispatcher.py::test_a_foreign_chain_that_fails_is_reported_and_begins_again",
    ),
    Mutant(
        _HUB,
        "            self._audit()\n            self._beaten",
        "            self._beaten",
        f"{_OF_RUNS}test_books_that_are_wrong_are_told_with_a_heartbeat_and_not_only_at_the_end",
    ),
    Mutant(
        _HUB,
        "except Exception as error:  # noqa: BLE001  # what a driver raises",
        "except OSError as error:  # noqa: BLE001  # what a driver raises",
        "tests/pipeline/hub/test_machine.py::test_a_driver_that_fails_is_a_fault_and_the_heart_beats_on",
    ),
)


def copied(to: Path) -> Path:
    """The checkout, where it may be broken: a folder `nissa`, so that it is what Python imports from beside it."""
    copy = to / "nissa"
    copy.mkdir(parents=True)
    for file in ("__init__.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, copy)
    for folder in _KEPT:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    return copy


def killed(mutant: Mutant, copy: Path) -> bool:
    """Whether its test notices that a guard is gone. Raises ValueError if the guard does not stand there once."""
    file = copy / mutant.file
    text = file.read_text()
    if text.count(mutant.guard) != 1:
        raise ValueError(f"{mutant.file}: stands there {text.count(mutant.guard)} times: {mutant.guard}")
    file.write_text(text.replace(mutant.guard, mutant.without))
    try:
        return status_of([mutant.test], copy) != 0
    finally:
        file.write_text(text)


def status_of(tests: Iterable[str], copy: Path, patience: float = _PATIENCE) -> int:
    """The exit status of tests in the copy: 0 is passed, 1 failed. Raises ValueError where one of them is not there."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return 1
    if process.returncode not in (0, 1):
        raise ValueError(said[-2000:])
    return process.returncode


def main(words: list[str]) -> int:
    """Try the mutants, or those with one of the words in file or guard; 1 if one survives."""
    survivors = 0
    with tempfile.TemporaryDirectory() as directory:
        copy = copied(Path(directory))
        for mutant in MUTANTS:
            if not words or any(word in f"{mutant.file} {mutant.guard}" for word in words):
                begun, gone = time.monotonic(), killed(mutant, copy)
                survivors += not gone
                guard = " ".join(mutant.guard.split())[:60]
                took = time.monotonic() - begun
                sys.stdout.write(f"{'killed' if gone else 'SURVIVED'} {took:.0f} s {mutant.file}: {guard}\n")
                sys.stdout.flush()
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
