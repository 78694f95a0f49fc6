"""A straggler and a rank that goes another way are named within ten steps; a job in which nothing is wrong is not."""

import math
from typing import Any

import pytest

from nissa.events.kinds import AlertRaised, AlertResolved, RanksCompared
from tests.operators.ranks.jobs import by_time, derived, job

ONSET = 30


def raised(**how: Any) -> list[AlertRaised]:
    return [payload for payload in derived(by_time(job(**how))) if isinstance(payload, AlertRaised)]


def steps_until_raised(rank: int, **how: Any) -> int:
    """Steps that closed from the onset on until the first alert, all of which name the rank."""
    steps, found = 0, list[AlertRaised]()
    for payload in derived(by_time(job(epochs=1, steps=90, **how)), every=1):
        if isinstance(payload, RanksCompared):
            steps += payload.steps
        elif isinstance(payload, AlertRaised):
            found.append(payload)
            assert payload.subject is not None
            assert payload.subject.startswith(f"rank {rank} ")
            return steps + 1 - ONSET
    raise AssertionError(found)


def after(rank: int, value: float) -> Any:
    return lambda mine, step: value if mine == rank and step >= ONSET else None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("world_size", [2, 4, 16])
def test_a_clean_job_raises_nothing(world_size: int, seed: int) -> None:
    assert raised(world_size=world_size, epochs=3, steps=60, seed=seed) == []


@pytest.mark.parametrize("world_size", [2, 4, 16])
@pytest.mark.parametrize(
    "fault",
    [
        {"work": 0.09},
        {"work": 2.0},
        {"loading": 0.04},
        {"loss": 5.0},
        {"loss": math.nan},
        {"loss": math.inf},
        {"norm": 40.0},
        {"norm": math.nan},
    ],
    ids=str,
)
def test_a_rank_with_a_fault_is_named_within_ten_steps(fault: dict[str, float], world_size: int) -> None:
    (name, value), rank = next(iter(fault.items())), world_size - 1
    assert 0 < steps_until_raised(rank, world_size=world_size, **{name: after(rank, value)}) <= 10


def test_a_rank_that_loads_slowly_is_told_from_one_that_works_slowly() -> None:
    (loads,) = raised(loading=after(2, 0.04), epochs=1, steps=90)
    assert (loads.alert, loads.subject, loads.clause) == ("rank_straggler", "rank 2 data loading", "data_loading")
    (works,) = raised(work=after(2, 0.2), epochs=1, steps=90)
    assert (works.alert, works.subject, works.clause) == ("rank_straggler", "rank 2 own work", "own_work")
    assert works.baseline == pytest.approx(0.045, rel=0.2)


def test_a_step_that_is_slow_by_chance_is_no_straggler() -> None:
    assert raised(work=lambda rank, step: 3.0 if (step + rank) % 4 == 0 else None, epochs=1, steps=90) == []


def test_milliseconds_and_small_shares_of_a_step_do_not_matter() -> None:
    assert raised(loading=lambda rank, step: 0.0001 if rank else 0.0009, epochs=1, steps=90) == []
    assert raised(work=lambda rank, step: 0.011 if rank == 1 else 0.006, epochs=1, steps=90) == []


def test_a_rank_with_other_data_from_the_beginning_goes_its_own_way_by_right() -> None:
    assert raised(loss=lambda rank, step: 3.0 + step % 3 / 10 if rank == 1 else None, epochs=1, steps=90) == []


def test_where_all_break_at_once_no_rank_is_named() -> None:
    assert raised(loss=lambda rank, step: math.nan if step >= ONSET else None, epochs=1, steps=90) == []
    assert raised(loss=lambda rank, step: 50.0 if step >= ONSET else None, epochs=1, steps=90) == []


def test_an_alert_stands_once_and_is_over_when_the_rank_is_well() -> None:
    how: dict[str, Any] = {"work": lambda rank, step: 0.3 if rank == 1 and 30 <= step < 50 else None}
    payloads = derived(by_time(job(epochs=1, steps=90, **how)))
    alerts = [payload for payload in payloads if isinstance(payload, AlertRaised | AlertResolved)]
    assert [type(alert) for alert in alerts] == [AlertRaised, AlertResolved]
    assert isinstance(alerts[1], AlertResolved)
    assert alerts[1].clause == "recovered"
    rows = [payload for payload in payloads if isinstance(payload, RanksCompared)]
    assert {row.batch: row.ranks[1].alerts for row in rows}[36] == ["rank_straggler"]
    assert rows[-1].ranks[1].alerts == []


def test_what_stands_at_the_end_of_a_job_ends_with_it() -> None:
    payloads = derived(by_time(job(epochs=1, steps=90, work=after(1, 0.3))))
    (over,) = [payload for payload in payloads if isinstance(payload, AlertResolved)]
    assert over.clause == "run_ended"
