"""The ranks of a job beside each other, against plain loops over what they told; and in whatever order they tell it."""

import math
import statistics
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.codec import encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpochCompleted,
    Heartbeat,
    Payload,
    RanksCompared,
    RunEnded,
    RunResumed,
    RunStarted,
    StepTimed,
)
from nissa.operators.ranks import compare_ranks
from nissa.operators.ranks.track import MOST, Track, step_at
from tests.operators.ranks.jobs import Ranks, by_time, derived, gradient, job, told_at


def compared(payloads: list[Payload]) -> list[RanksCompared]:
    return [payload for payload in payloads if isinstance(payload, RanksCompared)]


def lines(payloads: list[Payload]) -> list[bytes]:
    return [encode(Event(0, 0.0, Scope("x"), payload)) for payload in payloads]


def by_step(ranks: Ranks, kind: type[Any]) -> dict[tuple[int, int], dict[int, Any]]:
    """What ranks told of each step, as one process over the joined logs finds it."""
    found: dict[tuple[int, int], dict[int, Any]] = {}
    for rank, events in ranks.items():
        for event in events:
            if isinstance(event.payload, kind):
                found.setdefault((event.scope.epoch or 0, event.payload.batch), {})[rank] = event.payload
    return dict(sorted(found.items()))


def test_what_is_merged_is_what_one_process_finds_in_the_joined_logs() -> None:
    ranks = job()
    told = compared(derived(by_time(ranks)))
    losses, times = by_step(ranks, BatchCompleted), by_step(ranks, StepTimed)
    assert [(row.epoch, row.batch, row.steps) for row in told] == [(1, 9, 10), (1, 14, 5), (2, 9, 10), (2, 14, 5)]
    steps = list(losses)
    for row in told:
        here, steps = steps[: row.steps], steps[row.steps :]
        own = [(losses[step][rank].loss, times[step][rank].samples) for step in here for rank in range(4)]
        assert row.samples == sum(samples for _, samples in own)
        assert row.loss == pytest.approx(sum(a * b for a, b in own) / row.samples, rel=1e-12)
        assert row.loss_std == pytest.approx(statistics.stdev(loss for loss, _ in own), rel=1e-12)
        assert [rank.steps for rank in row.ranks] == [row.steps] * 4
        means = [statistics.mean(losses[step][rank].loss for step in here) for rank in range(4)]
        assert [rank.loss for rank in row.ranks] == pytest.approx(means, rel=1e-12)
        assert (row.loss_min_rank, row.loss_max_rank) == (means.index(min(means)), means.index(max(means)))
        assert (row.loss_min, row.loss_max) == pytest.approx((min(means), max(means)), rel=1e-12)
        for rank in range(4):
            timed = [times[step][rank] for step in here if times[step][rank].seconds is not None]
            assert row.ranks[rank].own_seconds == pytest.approx(
                statistics.mean(t.own_seconds for t in timed), rel=1e-12
            )
            share = sum(t.loading for t in timed) / sum(t.seconds for t in timed)
            assert row.ranks[rank].loading_share == pytest.approx(share, rel=1e-12)
        assert (row.incomplete, row.timed_out, row.late, row.world_size) == (0, 0, 0, 4)
    assert steps == []


def test_a_loss_without_samples_counts_as_one_batch() -> None:
    ranks = {
        rank: [event for event in events if not isinstance(event.payload, StepTimed)] for rank, events in job().items()
    }
    first, *_ = compared(derived(by_time(ranks)))
    losses = [row.loss for step in list(by_step(ranks, BatchCompleted).values())[:10] for row in step.values()]
    assert first.loss == pytest.approx(statistics.mean(losses), rel=1e-12)
    assert first.samples is None


@pytest.mark.parametrize("broken", [{0}, {1}, {2}, {0, 1, 2}])
def test_of_losses_that_are_none_is_neither_the_lowest_nor_the_highest(broken: set[int]) -> None:
    *_, row = compared(derived(by_time(job(3, epochs=1, steps=10, loss=lambda rank, _: broken_if(rank in broken)))))
    sound: list[Any] = [(rank.loss, rank.rank) for rank in row.ranks if rank.rank not in broken] or [(None, None)]
    assert (row.loss_min, row.loss_min_rank) == min(sound)
    assert (row.loss_max, row.loss_max_rank) == max(sound)
    assert row.loss is not None
    assert math.isnan(row.loss)


def broken_if(is_broken: bool) -> float | None:
    return math.nan if is_broken else None


def test_an_epoch_that_all_ranks_told_is_an_epoch_of_the_job() -> None:
    ranks = job()
    told = [payload for payload in derived(by_time(ranks)) if isinstance(payload, EpochCompleted)]
    for number, epoch in enumerate(told, start=1):
        rows = [
            event.payload
            for events in ranks.values()
            for event in events
            if isinstance(event.payload, EpochCompleted) and event.scope.epoch == number
        ]
        assert epoch.n_val == 100
        assert epoch.val_loss == pytest.approx(
            sum((row.val_loss or 0.0) * (row.n_val or 0) for row in rows) / 100, rel=1e-12
        )
    assert len(told) == 2


def test_a_job_begins_once_and_ends_with_its_last_rank() -> None:
    payloads = derived(by_time(job()))
    (started,) = [payload for payload in payloads if isinstance(payload, RunStarted)]
    assert (started.job, started.rank, started.world_size) == ("x", None, 4)
    assert isinstance(payloads[-1], RunEnded)
    assert payloads[-1].outcome == "completed"
    assert payloads[-1].duration == pytest.approx(3.0)
    ranks = job()
    ranks[2][-1].payload = RunEnded(outcome="failed", error="no memory", duration=1.0)
    ranks[3][-1].payload = RunEnded(outcome="interrupted", duration=1.0)
    *_, end = derived(by_time(ranks))
    assert isinstance(end, RunEnded)
    assert (end.outcome, end.error) == ("failed", "rank 2: no memory")
    assert not any(isinstance(payload, RunEnded) for payload in derived(by_time(ranks)[:-1]))


def test_of_ranks_that_failed_the_first_is_named_because_the_others_lost_it() -> None:
    ranks = job()
    for rank, (after, error) in enumerate([(2.0, "connection reset"), (1.0, "closed by peer"), (0.0, "bad sample")]):
        ranks[rank][-1] = replace(
            ranks[rank][-1],
            time=ranks[rank][-1].time + after,
            payload=RunEnded(outcome="failed", error=error, duration=3.0 + after),
        )
    *_, end = derived(by_time(ranks))
    assert isinstance(end, RunEnded)
    assert (end.outcome, end.error) == ("failed", "rank 2: bad sample")


def test_shards_add_up_in_squares_and_what_all_hold_is_not_added() -> None:
    ranks = {
        rank: [event for event in events if not isinstance(event.payload, StepTimed)] for rank, events in job(2).items()
    }
    (first, *_) = compared(derived(by_time(ranks)))
    norms = [row[0].host_norm for row in list(by_step(ranks, type(gradient(0, 0.0))).values())[:10]]
    assert first.grad_norm == pytest.approx(statistics.mean(norms), rel=1e-12), "the same gradient in both ranks"
    for rank, events in ranks.items():
        for event in events:
            if isinstance(event.payload, type(gradient(0, 0.0))):
                event.payload = gradient(event.payload.batch, 7.0, 3.0 + rank)
    (first, *_) = compared(derived(by_time(ranks)))
    assert first.grad_norm == pytest.approx(5.0, rel=1e-12)
    assert [rank.grad_norm for rank in first.ranks] == [3.0, 4.0]


@settings(max_examples=40, deadline=None)
@given(random=st.randoms(use_true_random=False), world_size=st.integers(2, 5), seed=st.integers(0, 3))
def test_the_order_in_which_ranks_arrive_changes_nothing(random: Any, world_size: int, seed: int) -> None:
    def slow(rank: int, step: int) -> float | None:
        return 0.2 if rank == 1 and step > 5 else None

    ranks = job(world_size, epochs=2, steps=12, seed=seed, work=slow)
    left = {rank: list(events) for rank, events in ranks.items()}
    mixed: list[Event[Any]] = []
    while left:
        rank = random.choice(sorted(left))
        for _ in range(random.randrange(1, 30)):
            mixed += left[rank][:1]
            del left[rank][:1]
        if not left[rank]:
            del left[rank]
    assert lines(derived(mixed)) == lines(derived(by_time(ranks)))


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 300))
def test_put_aside_at_any_event_it_goes_on_as_if_it_had_not_been(cut: int) -> None:
    events = by_time(job(3, work=lambda rank, step: 0.3 if rank == 2 else None))
    fold = compare_ranks()
    state, out = fold.init(), list[Payload]()
    for at, event in enumerate(events):
        if at == cut:
            state = fold.load(orjson.loads(orjson.dumps(fold.dump(state))))
        if isinstance(event.payload, fold.kinds):
            out += fold.step(state, event)
    assert lines(out) == lines(derived(events))


def test_a_step_that_a_rank_passed_over_closes_without_it() -> None:
    ranks = job(3, epochs=1, steps=10)
    ranks[1] = [event for event in ranks[1] if getattr(event.payload, "batch", None) != 4]
    (row,) = compared(derived(by_time(ranks)))
    assert (row.steps, row.incomplete, row.timed_out) == (10, 1, 0)
    assert [rank.steps for rank in row.ranks] == [10, 9, 10]


def shifted(events: list[Event[Any]], seconds: float, begin: int) -> list[Event[Any]]:
    return [replace(event, time=event.time + seconds * (n >= begin)) for n, event in enumerate(events)]


def test_a_rank_that_falls_silent_is_named_and_its_steps_are_given_up() -> None:
    ranks = job(3, epochs=1, steps=10)
    del ranks[2][16:]  # it hangs in its sixth step
    alive = [
        Event(1000 + n, 1001.0 + 5 * n, Scope(f"x-rank-{rank}"), _heartbeat()) for n in range(20) for rank in (0, 1)
    ]
    ranks[0], ranks[1] = ranks[0][:-1], ranks[1][:-1]
    payloads = derived(sorted([*by_time(ranks), *alive], key=lambda event: event.time))
    (raised,) = [payload for payload in payloads if isinstance(payload, AlertRaised)]
    assert (raised.alert, raised.severity, raised.subject) == ("rank_silent", "critical", "rank 2")
    assert "rank 2 has told nothing for 6" in raised.what
    rows = compared(payloads)
    assert rows[-1].ranks[-1].alerts == ["rank_silent"]
    assert sum(row.steps for row in rows) >= 9
    assert sum(row.incomplete for row in rows) >= 4


def test_a_rank_that_speaks_again_is_over_it() -> None:
    ranks = job(2, epochs=1, steps=10)
    ranks[1] = shifted(ranks[1], 100.0, 16)
    ranks[0] = shifted(ranks[0], 100.0, 30)
    beats = [Event(1000 + n, 1001.0 + 5 * n, Scope("x-rank-0"), _heartbeat()) for n in range(19)]
    payloads = derived(sorted([*by_time(ranks), *beats], key=lambda event: event.time))
    assert [payload.subject for payload in payloads if isinstance(payload, AlertRaised)] == ["rank 1"]
    (over,) = [payload for payload in payloads if isinstance(payload, AlertResolved)]
    assert (over.alert, over.clause) == ("rank_silent", "recovered")
    assert sum(row.late for row in compared(payloads)) > 0


def _heartbeat() -> Heartbeat:
    from nissa.sinks.prometheus import NOTHING_YET

    return Heartbeat(uptime=1.0, pipeline=NOTHING_YET)


def test_a_rank_that_tells_nothing_of_an_environment_is_waited_for_once_and_not_for_ever() -> None:
    ranks = job(2, epochs=1, steps=10)
    ranks[1] = [ranks[1][0], *[replace(event, payload=_heartbeat()) for event in ranks[1][1:-1]], ranks[1][-1]]
    late = by_time({rank: shifted(events, 100.0, 10) for rank, events in ranks.items()})
    rows = compared(derived(late))
    assert sum(row.steps for row in rows) == 10
    assert sum(row.timed_out for row in rows) == 0


def test_a_job_that_goes_on_from_an_earlier_step_tells_it_again() -> None:
    ranks = job(2, epochs=1, steps=10)
    began = by_time(ranks)[:-2]
    resumed = RunResumed(torn=0, process=1, versions={}, hardware={})
    again = [Event(900 + rank, 1050.0, Scope(f"x-rank-{rank}"), resumed) for rank in (0, 1)]
    rest = [replace(event, time=event.time + 100.0) for event in by_time(ranks) if event.seq]
    rows = compared(derived([*began, *again, *rest]))
    assert sum(row.steps for row in rows) == 20
    assert sum(row.late for row in rows) == 0


def resumed_as(before: int, after: int) -> list[Payload]:
    """A job that was killed in its seventh step, and goes on from the first with other ranks, six seconds a step."""
    first = {rank: events[:20] for rank, events in job(before, epochs=1, steps=20).items()}
    told = RunResumed(torn=0, process=1, versions={}, hardware={}, world_size=after)
    again = {}
    for rank, (start, *rest) in job(after, epochs=1, steps=20).items():
        begin = replace(start, payload=told) if rank < before else start
        again[rank] = [replace(event, time=1010.0 + 60 * (event.time - 1000.0)) for event in (begin, *rest)]
    return derived([*by_time(first), *by_time(again)])


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 2), (3, 3)])
def test_a_job_that_goes_on_with_other_ranks_compares_those_and_ends_with_them(before: int, after: int) -> None:
    payloads = resumed_as(before, after)
    rows = compared(payloads)
    assert [payload.outcome for payload in payloads if isinstance(payload, RunEnded)] == ["completed"]
    assert rows[-1].world_size == after
    assert [row.rank for row in rows[-1].ranks] == [*range(after)]
    assert [(row.steps, row.incomplete, row.late) for row in rows] == [(10, 0, 0), (10, 0, 0), (6, 0, 0)]
    assert not [payload for payload in payloads if isinstance(payload, AlertRaised)]


def test_what_stood_against_a_rank_that_does_not_go_on_is_over() -> None:
    events = by_time(job(3, epochs=1, steps=10, loss=lambda rank, step: math.nan if rank == 2 and step > 3 else None))
    told = RunResumed(torn=0, process=1, versions={}, hardware={}, world_size=2)
    again = [Event(900 + rank, 1010.0, Scope(f"x-rank-{rank}"), told) for rank in (0, 1)]
    payloads = derived([*events[:-6], *again])
    (raised,) = [payload for payload in payloads if isinstance(payload, AlertRaised)]
    (over,) = [payload for payload in payloads if isinstance(payload, AlertResolved)]
    assert (raised.subject, over.subject, over.clause) == ("rank 2 loss", "rank 2 loss", "run_ended")


def test_who_is_no_rank_is_not_listened_to() -> None:
    alone: list[Event[Any]] = [
        Event(0, 0.0, Scope("alone"), RunStarted()),
        Event(1, 0.0, Scope("alone"), BatchCompleted(batch=0, loss=1.0)),
    ]
    assert derived(alone) == []


def test_what_is_held_is_bounded() -> None:
    track = Track()
    for batch in range(10):
        for rank in (0, 1):
            track.take(rank, step_at(Scope("x"), batch), BatchCompleted(batch=batch, loss=1.0), 0.0)
    assert track.held == 20
    track.close()
    assert track.held == 18
    ahead: list[Event[Any]] = [Event(0, 0.0, Scope("x-rank-0"), RunStarted(job="x", rank=0, world_size=2))]
    ahead += [Event(n + 1, 0.0, Scope("x-rank-0"), BatchCompleted(batch=n, loss=1.0)) for n in range(MOST + 25)]
    rows = compared(derived(ahead))
    assert (sum(row.timed_out for row in rows), sum(row.steps for row in rows)) == (20, 20)


@pytest.mark.parametrize("rules", [{"every": 0}, {"silence": 0.0}, {"silence": math.nan}])
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="need every"):
        compare_ranks(**rules)


def test_an_alert_says_when_it_was_raised() -> None:
    slow = job(4, work=lambda rank, step: 0.2 if rank == 3 and step >= 5 else None)
    (event, _) = next(pair for pair in told_at(by_time(slow)) if isinstance(pair[1], AlertRaised))
    assert event.scope.epoch == 1
