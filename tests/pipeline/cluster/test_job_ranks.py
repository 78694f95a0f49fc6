"""The ranks of a job, compared from pieces of their logs in any order: as one process does over all events by time."""

import random
from unittest.mock import patch

import pytest

from nissa.events.codec import decode, written
from nissa.pipeline.cluster.job_ranks import JobRanks, Jobs
from tests.operators.ranks.jobs import Ranks, by_time, derived, job


def told(lines: list[bytes]) -> list[object]:
    return [decode(line).payload for line in lines]


def in_pieces(ranks: Ranks, seed: int) -> list[tuple[str, list[bytes]]]:
    """Each rank's own in their order, and pieces of all in any."""
    chance, left = random.Random(seed), {rank: [written(event) for event in ranks[rank]] for rank in ranks}
    pieces = []
    while waiting := [rank for rank in left if left[rank]]:
        rank = chance.choice(waiting)
        size = chance.randrange(1, 40)
        pieces.append((f"x/rank-{rank}", left[rank][:size]))
        left[rank] = left[rank][size:]
    return pieces


@pytest.mark.parametrize("seed", range(5))
def test_pieces_in_any_order_through_states_that_are_put_aside_tell_what_one_process_does(seed: int) -> None:
    ranks = job(seed=seed, work=lambda rank, step: 0.5 if rank == 2 else None)
    chance, jobs, state, out = random.Random(seed), Jobs(), None, list[bytes]()
    largest = 0
    for run, lines in in_pieces(ranks, seed):
        # A worker that fails holds nothing, and what it was given last comes again.
        if chance.random() < 0.3:
            Jobs.take(jobs, "x", state, run, lines)
            jobs = jobs if chance.random() < 0.5 else Jobs()
        state, new = jobs.take("x", state, run, lines)
        out += new
        largest = max(largest, len(state or b""))
    assert told(out) == derived(by_time(ranks))
    assert any("straggler" in line.decode() for line in out)
    events = [decode(line) for line in out]
    assert [event.seq for event in events] == [*range(len(out))]
    assert {event.scope.run for event in events} == {"x"}
    assert largest < 20_000
    # A job that is over is kept for good.
    assert len(state or b"") < 1_000


def test_a_rank_that_gives_nothing_is_waited_for_and_not_for_ever() -> None:
    ranks, jobs = job(world_size=2), JobRanks()
    lines = [written(event) for event in ranks[0]]
    with patch("time.monotonic", lambda: 100.0):
        assert jobs.take("x/rank-0", lines[:50]) == []
    with patch("time.monotonic", lambda: 200.0):
        assert jobs.take("x/rank-0", lines[50:60]) != []


def test_a_look_at_ranks_that_have_nothing_new_is_enough_to_give_up_one_that_died() -> None:
    ranks, jobs = job(world_size=2), Jobs()
    lines = [written(event) for event in ranks[0]]
    with patch("time.monotonic", lambda: 100.0):
        state, out = jobs.take("x", None, "x/rank-0", lines)
        assert out == []
    with patch("time.monotonic", lambda: 110.0):
        kept, out = jobs.take("x", state, "x/rank-1", [])
        assert (kept, out) == (state, [])
        assert kept is state
    with patch("time.monotonic", lambda: 140.0):
        kept, out = jobs.take("x", state, "x/rank-0", [])
        assert out != []
        assert kept != state


def test_a_state_of_another_version_is_begun_anew() -> None:
    assert Jobs().take("x", b"of another version", "x/rank-0", [])[1] == []
