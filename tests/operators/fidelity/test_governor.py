"""How many looks are taken: never fewer while telemetry costs less than it may, and all again when it costs little."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.event import Event, Scope
from nissa.events.kinds import Heartbeat, OverheadGoverned, RunEnded, TelemetryCost
from nissa.operators.fidelity.governor import CALM, FASTEST, MOST, PATIENCE, Account, Governor, govern
from tests.operators.fidelity.test_escalation import STATE
from tests.operators.raised import configured

TARGETS = st.floats(0.001, 1.0)
SECONDS = st.floats(0.0, 50.0)
WHOLE = st.integers(0, 5000).map(float)
SPENT = st.tuples(WHOLE, st.integers(0, 9).map(float), WHOLE)


def decided(governor: Governor, own: float, rest: float, looks: float) -> float | None:
    """The overhead for which something changed."""
    means = governor.decide((own, rest, looks))
    return means and means[0]


@given(TARGETS, st.lists(st.tuples(SECONDS, SECONDS), max_size=80))
def test_looks_are_thinned_out_only_above_the_target_and_come_back_only_below_half_of_it(
    target: float, beats: list[tuple[float, float]]
) -> None:
    governor, before, since = Governor(Account(target)), 1, 0
    for own, rest in beats:
        overhead, since = decided(governor, own, rest, own), since + 1
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
    governor = Governor(Account(target))
    for own, rest in beats:
        decided(governor, own, rest, own)
    for _ in range(100 * CALM):
        decided(governor, 0.0, 5.0, 0.0)
    assert governor.one_in == 1


@given(TARGETS, st.floats(0.0, 20.0), st.floats(0.0, 0.7), st.integers(1, 4))
def test_looks_that_cost_so_much_each_settle_below_the_target_and_stay(
    target: float, looks: float, rest: float, seldom: int
) -> None:
    """Of what telemetry costs, a part comes of looks, each after some heartbeats, and the rest stays as it is."""
    governor, found = Governor(Account(target)), list[int]()
    for number in range(600):
        share = looks / governor.one_in * (0 if number % seldom else seldom)
        decided(governor, 5.0 * (share + rest * target), 5.0, 5.0 * share)
        found.append(governor.one_in)
    least = min(found[-100:])
    assert looks / max(found[-100:]) + rest * target <= target * 1.01 or max(found) == MOST
    needed = looks / (target * (1 - rest))
    assert least <= max(1, 3 * FASTEST * (needed + 1))
    assert max(found[-100:]) == least or seldom > 1


def test_looks_that_are_hardly_any_of_the_cost_are_left_alone() -> None:
    governor = Governor(Account(0.1))
    assert [decided(governor, 2.0, 10.0, 0.09) for _ in range(60)] == [None] * 60
    assert decided(governor, 12.0, 10.0, 10.0)
    assert governor.one_in > 1


@pytest.mark.parametrize("beat", [(math.nan, 1.0), (1.0, math.inf), (-math.inf, 1.0)])
def test_what_is_no_number_is_no_evidence(beat: tuple[float, float]) -> None:
    governor = Governor(Account(0.03))
    assert [decided(governor, *beat, 1.0) for _ in range(30)] == [None] * 30
    assert decided(governor, 9.0, 1.0, 9.0) == 9.0


def by_hand(beats: Sequence[Sequence[tuple[float, float, float]]], targets: Sequence[float]) -> list[int]:
    """What `one_in` is after each heartbeat, of fewer than are forgotten: own, rest and looks, by what is bounded."""
    one_in, since, found = 1, list[Sequence[tuple[float, float, float]]](), list[int]()
    for spent in beats:
        since.append(spent)
        wishes = list[int]()
        for target, sums in zip(targets, zip(*since, strict=True), strict=True):
            own, rest, looks = (sum(column) for column in zip(*sums, strict=True))
            if not rest:
                continue
            times = own / rest / target
            if (times > 4 or (times > 1 and len(since) >= 3)) and looks >= 0.1 * target * rest:
                wishes.append(min(1024, math.ceil(one_in * min(times, 4))))
            elif times < 0.5 and len(since) >= 12:
                wishes.append(min(one_in, max(1, math.ceil(one_in * max(times / 0.8, 0.25)))))
            else:
                wishes.append(one_in)
        if wishes and max(wishes) != one_in:
            one_in, since = max(wishes), []
        found.append(one_in)
    return found


@given(st.floats(1.0, 500.0), st.floats(1.0, 500.0), st.lists(st.tuples(SPENT, SPENT), max_size=23))
def test_of_two_things_that_were_asked_for_the_stricter_one_holds(
    cpu: float, log: float, beats: list[tuple[tuple[float, float, float], tuple[float, float, float]]]
) -> None:
    both, bytes_alone, found = Governor(Account(cpu), Account(log)), Governor(log=Account(log)), list[tuple[int, int]]()
    for spent in beats:
        both.decide(*spent)
        bytes_alone.decide(*spent)
        found.append((both.one_in, bytes_alone.one_in))
    alone = by_hand([spent[1:] for spent in beats], [log])
    assert found == [*zip(by_hand(beats, [cpu, log]), alone, strict=True)]


def beat(own: float, whole: float, log_bytes: int | None = None, steps: int = 0, looks: int = 0) -> Heartbeat:
    """Sums since the process began."""
    cost = TelemetryCost(
        emitting=0.0,
        measuring=own / 2,
        threads=own / 2,
        whole=whole,
        steps=steps,
        log_bytes=log_bytes,
        look_bytes=looks,
    )
    return Heartbeat(uptime=1.0, pipeline=STATE, cost=cost)


def spent_on(*payloads: Any) -> list[tuple[Any, ...]]:
    """What each decision says of CPU and bytes: measured and asked for."""
    operator, found = govern(), list[Any]()
    state = operator.init()
    for seq, payload in enumerate(payloads):
        found += operator.step(state, Event(seq, float(seq), Scope("run"), payload))
    return [(row.overhead, row.target, row.bytes_per_step, row.bytes_target, row.one_in) for row in found]


def test_bytes_are_told_by_step_since_the_last_change_and_come_back_below_half() -> None:
    beats = [beat(0.0, 9.0, 60_000, 100, 50_000), *[beat(0.0, 9.0, 60_000, 100 + 10 * n, 50_000) for n in range(1, 15)]]
    assert spent_on(configured(log_bytes_per_step=200), *beats) == [
        (None, None, 500.0, 200, 3),
        (None, None, 0.0, 200, 1),
    ]


def test_batches_that_alone_pass_a_budget_leave_the_looks_alone() -> None:
    asked = configured(log_bytes_per_step=100)
    assert spent_on(asked, *[beat(0.0, 9.0, 60_000 * n, 100 * n, 900 * n) for n in range(30)]) == []
    assert len(spent_on(asked, *[beat(0.0, 9.0, 60_000 * n, 100 * n, 1_100 * n) for n in range(30)])) == 5


def test_both_are_told_where_both_were_asked_for() -> None:
    asked = configured(overhead=0.5, log_bytes_per_step=100)
    assert spent_on(asked, beat(2.0, 12.0, 50_000, 100, 40_000)) == [(pytest.approx(0.2), 0.5, 500.0, 100, 4)]


@pytest.mark.parametrize("budget", [None, "300", 0, -1, math.nan, math.inf, [300]])
def test_what_is_no_number_of_bytes_asks_for_nothing(budget: Any) -> None:
    asked = configured(log_bytes_per_step=budget)
    assert spent_on(asked, *[beat(0.0, 9.0, 90_000 * n, 9 * n, 90_000 * n) for n in range(9)]) == []


def test_a_run_without_a_log_or_steps_is_no_evidence_of_bytes() -> None:
    asked = configured(log_bytes_per_step=1)
    assert spent_on(asked, *[beat(0.0, 9.0, None, 100 * n) for n in range(30)]) == []
    assert spent_on(asked, *[beat(0.0, 9.0, 900 * n, 0, 900 * n) for n in range(30)]) == []


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
