"""How many looks are taken: never fewer while telemetry costs less than it may, and all again when it costs little."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import Heartbeat, OverheadGoverned, RunEnded, TelemetryCost
from nissa.operators.fidelity.governor import CALM, FASTEST, MOST, PATIENCE, Governor, govern
from tests.operators.fidelity.test_escalation import STATE
from tests.operators.raised import configured

TARGETS = st.floats(0.001, 1.0)
SECONDS = st.floats(0.0, 50.0)


@given(TARGETS, st.lists(st.tuples(SECONDS, SECONDS), max_size=80))
def test_looks_are_thinned_out_only_above_the_target_and_come_back_only_below_half_of_it(
    target: float, beats: list[tuple[float, float]]
) -> None:
    governor, before, since = Governor(target), 1, 0
    for own, rest in beats:
        overhead, since = governor.decide(own, rest, own), since + 1
        assert 1 <= governor.one_in <= MOST
        assert governor.one_in <= FASTEST * before
        if overhead is None:
            assert governor.one_in == before
            continue
        if governor.one_in > before:
            assert overhead > target
            assert since >= PATIENCE or overhead > FASTEST * target
        else:
            assert overhead < target / 2
            assert since >= CALM
        before, since = governor.one_in, 0


@given(TARGETS, st.lists(st.tuples(SECONDS, SECONDS), max_size=80))
def test_all_looks_come_back_when_telemetry_costs_nothing_any_more(
    target: float, beats: list[tuple[float, float]]
) -> None:
    governor = Governor(target)
    for own, rest in beats:
        governor.decide(own, rest, own)
    for _ in range(100 * CALM):
        governor.decide(0.0, 5.0, 0.0)
    assert governor.one_in == 1


@given(TARGETS, st.floats(0.0, 20.0), st.floats(0.0, 0.7), st.integers(1, 4))
def test_looks_that_cost_so_much_each_settle_below_the_target_and_stay(
    target: float, looks: float, rest: float, seldom: int
) -> None:
    """Of what telemetry costs, a part comes of looks, each after some heartbeats, and the rest stays as it is."""
    governor, found = Governor(target), list[int]()
    for number in range(600):
        share = looks / governor.one_in * (0 if number % seldom else seldom)
        governor.decide(5.0 * (share + rest * target), 5.0, 5.0 * share)
        found.append(governor.one_in)
    least = min(found[-100:])
    assert looks / max(found[-100:]) + rest * target <= target * 1.01 or max(found) == MOST
    needed = looks / (target * (1 - rest))
    assert least <= max(1, 3 * FASTEST * (needed + 1))
    assert max(found[-100:]) == least or seldom > 1


def test_looks_that_are_hardly_any_of_the_cost_are_left_alone() -> None:
    governor = Governor(0.1)
    assert [governor.decide(2.0, 10.0, 0.09) for _ in range(60)] == [None] * 60
    assert governor.decide(12.0, 10.0, 10.0)
    assert governor.one_in > 1


@pytest.mark.parametrize("beat", [(math.nan, 1.0), (1.0, math.inf), (-math.inf, 1.0)])
def test_what_is_no_number_is_no_evidence(beat: tuple[float, float]) -> None:
    governor = Governor(0.03)
    assert [governor.decide(*beat, 1.0) for _ in range(30)] == [None] * 30
    assert governor.decide(9.0, 1.0, 9.0) == 9.0


def beat(own: float, whole: float) -> Heartbeat:
    """Sums since the process began."""
    return Heartbeat(
        uptime=1.0, pipeline=STATE, cost=TelemetryCost(emitting=0.0, measuring=own / 2, threads=own / 2, whole=whole)
    )


def told(*payloads: Any) -> list[tuple[Any, int, int]]:
    operator, found = govern(), list[Any]()
    state = operator.init()
    for seq, payload in enumerate(payloads):
        found += operator.step(state, Event(seq, float(seq), Scope("run"), payload))
    assert all(isinstance(change, OverheadGoverned) for change in found)
    return [(pytest.approx(change.overhead), change.before, change.one_in) for change in found]


def test_a_run_that_asked_for_nothing_gets_no_decision() -> None:
    beats = [beat(4.0 * n, 5.0 * n) for n in range(30)]
    assert told(configured(), *beats) == told(*beats) == []
    assert told(configured(overhead=0.03), *beats)


@pytest.mark.parametrize("share", [None, "0.03", 0, -1, math.nan, 7, [0.03]])
def test_what_is_no_share_asks_for_nothing(share: Any) -> None:
    assert told(configured(overhead=share), *[beat(4.0 * n, 5.0 * n) for n in range(9)]) == []


def test_the_overhead_is_of_the_time_since_the_last_change_and_by_the_rest() -> None:
    beats = [beat(2.0, 12.0), beat(3.0, 23.0), beat(4.0, 34.0), beat(5.0, 45.0)]
    assert told(configured(overhead=0.04), *beats) == [(0.2, 1, 4), (0.1, 4, 10)]


def test_a_moment_without_training_is_no_evidence_and_a_heartbeat_without_cost_none_at_all() -> None:
    nothing = Heartbeat(uptime=1.0, pipeline=STATE)
    assert told(configured(overhead=0.03), beat(0.04, 0.05), nothing) == []


def test_a_run_that_goes_on_counts_anew_and_one_that_ended_no_more() -> None:
    end = RunEnded(outcome="completed", duration=1.0)
    asked = configured(overhead=0.04)
    assert told(asked, beat(2.0, 102.0), beat(2.0, 12.0)) == []
    assert told(asked, beat(2.0, 102.0), beat(20.0, 30.0)) == [(22.0 / 110.0, 1, 4)]
    assert told(asked, end, beat(20.0, 30.0)) == []
