"""One suite over all engines: on the same logs each derives what folds in a plain loop do, to the last byte."""

from itertools import pairwise
from pathlib import Path

import pytest

from nissa.events.codec import decode
from nissa.operators.fold import Fold
from tests.operators.contract.engines import ENGINES, Engine, by_loop
from tests.operators.contract.logs import foreign, hostile, recorded
from tests.operators.contract.loop import Loop, default_folds, derived_lines, events

LOGS = ("recorded", "hostile", "excerpt", "real_2025-12-05", "generated_E9")
"""A recorded run, what may happen to one, and logs of another system: of three ages."""


@pytest.fixture(params=LOGS)
def lines(request: pytest.FixtureRequest, root: Path) -> list[bytes]:
    match request.param:
        case "recorded":
            return recorded()
        case "hostile":
            return hostile()
        case "excerpt":
            return foreign(root / "tests/pipeline/sources/esper/esper_excerpt.jsonl")
        case name:
            (log,) = request.getfixturevalue("old_logs").glob(f"{name}*")
            return foreign(log)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_an_engine_derives_what_a_plain_loop_does(engine: Engine, lines: list[bytes], tmp_path: Path) -> None:
    derived = engine(lines, tmp_path)
    assert derived == by_loop(lines, tmp_path)
    assert derived


def test_the_hostile_log_has_lines_that_are_none_and_events_out_of_order() -> None:
    found = list(events(hostile()))
    assert len(found) < len(hostile())
    assert any(after.seq < before.seq for before, after in pairwise(found))


@pytest.mark.parametrize("fold", default_folds().values(), ids=default_folds())
def test_the_recorded_run_has_something_for_each_fold(fold: Fold[object]) -> None:
    kinds = {type(event.payload) for event in events(recorded())} | {
        type(decode(line).payload) for line in by_loop(recorded(), Path())
    }
    assert kinds & {*fold.kinds}


def test_an_engine_that_loses_its_states_is_found_out(tmp_path: Path) -> None:
    told = list(events(recorded()))
    half, out = len(told) // 2, list[bytes]()
    for loop, part in ((Loop(), told[:half]), (Loop(), told[half:])):
        out += derived_lines(seen for event in part for seen in loop.feed(event))
    assert out != by_loop(recorded(), tmp_path)
