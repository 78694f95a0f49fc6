"""The judges: do the books of a run balance, and does its log hold what they say?"""

from pathlib import Path

from nissa.events.kinds import PipelineState, SinkState
from nissa.pipeline.replay import Replay, replay
from nissa.sinks.run_log import segments

__all__ = ["balanced", "consistent", "lines", "of_sink", "whole"]


def balanced(state: PipelineState, *, queued: bool = False) -> None:
    """What was accepted is delivered, dropped or waits; before each sink, what it was given."""
    assert state.accepted == state.delivered + state.queued + sum(state.dropped.values()), state
    for sink in state.sinks:
        assert sink.given == sink.written + sink.failed + sink.queued + sum(sink.dropped.values()), sink
        assert queued or not sink.queued, sink
    assert queued or not state.queued, state
    assert "books" not in state.faults, state.faults


def of_sink(state: PipelineState, name: str) -> SinkState:
    """The account of one sink."""
    (found,) = [sink for sink in state.sinks if sink.sink == name]
    return found


def lines(out: Path) -> int:
    """Whole lines in the log."""
    return sum(segment.read_bytes().count(b"\n") for segment in segments(out))


def consistent(out: Path, acknowledged: int = 0) -> Replay:
    """A log of which nothing is there twice, and nothing before its last line is damaged or wrong. Returns its replay.

    Nothing is missing either, but at the end, and that only from the number `acknowledged` on.
    """
    again = replay(out)
    reading = again.reading
    assert (reading.duplicates, reading.malformed - reading.torn) == (0, 0), reading.problems
    assert (again.different, again.only_recorded) == (0, 0), (again.different, again.only_recorded)
    assert (reading.dropped, reading.read >= acknowledged) == (0, True), (reading.dropped, reading.read, acknowledged)
    return again


def whole(out: Path, emitted: int = 0) -> Replay:
    """A log with at least so many events, its end, and all that followed. Returns its replay."""
    again = consistent(out, emitted)
    assert (again.reading.torn, again.only_computed) == (False, 0), (again.reading.torn, again.only_computed)
    assert again.reading.by_kind["run_ended"] >= 1
    return again
