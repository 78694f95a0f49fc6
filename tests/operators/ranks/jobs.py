"""Jobs that were never trained: what each of their ranks would have told, step by step."""

import random
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    BatchCompleted,
    EpochCompleted,
    GradientsMeasured,
    Payload,
    RunEnded,
    RunStarted,
    StepTimed,
)
from nissa.operators.ranks import compare_ranks

__all__ = ["Ranks", "by_time", "derived", "gradient", "job", "told_at"]

Ranks = dict[int, list[Event[Any]]]
"""The events of each rank, in their order."""


def gradient(batch: int, norm: float | None, share: float | None = None) -> GradientsMeasured:
    """As a probe tells it."""
    return GradientsMeasured(batch=batch, layers={}, host_norm=norm, slot_norms={}, seed_to_host={}, norm_share=share)


def job(world_size: int = 4, epochs: int = 2, steps: int = 15, seed: int = 0, **changed: Any) -> Ranks:
    """A job in which nothing is wrong; each rank has its own losses, and the same gradient.

    `changed` are `loss`, `norm`, `work` or `loading`: functions of rank and step that return what comes instead.
    """
    return {rank: [*_rank(rank, world_size, (epochs, steps), seed, changed)] for rank in range(world_size)}


def _rank(
    rank: int, world_size: int, length: tuple[int, int], seed: int, changed: dict[str, Any]
) -> Iterator[Event[Any]]:
    (epochs, steps), all_ranks, own, seq = length, random.Random(seed), random.Random(f"{seed} {rank}"), count()

    def event(payload: Payload, at: float, epoch: int | None = None) -> Event[Any]:
        scope = Scope(f"x-rank-{rank}", None, None if epoch is None else 0, None, epoch)
        return Event(next(seq), 1000.0 + at / 10, scope, payload)

    yield event(RunStarted(job="x", rank=rank, world_size=world_size), 0)
    for step in range(epochs * steps):
        epoch, batch = step // steps + 1, step % steps
        usual = {"work": 0.045 * own.uniform(0.9, 1.1), "loading": 0.005 * own.uniform(0.9, 1.1)}
        usual |= {"loss": own.gauss(1.0, 0.1), "norm": all_ranks.uniform(0.5, 2.0)}
        told = usual | {name: new for name, change in changed.items() if (new := change(rank, step)) is not None}
        own_seconds = (
            {"seconds": 0.1, "own_seconds": told["work"] + told["loading"], "loading": told["loading"]} if batch else {}
        )
        yield event(gradient(batch, told["norm"]), step + 1, epoch)
        yield event(StepTimed(batch=batch, samples=8 + rank, **own_seconds), step + 1, epoch)
        yield event(BatchCompleted(batch=batch, loss=told["loss"]), step + 1, epoch)
        if batch == steps - 1:
            validated = EpochCompleted(val_loss=own.uniform(0, 1), val_accuracy=50.0, n_val=10 * (rank + 1))
            yield event(validated, step + 1, epoch)
    yield event(RunEnded(outcome="completed", duration=epochs * steps / 10), epochs * steps)


def by_time(ranks: Ranks) -> list[Event[Any]]:
    """All events of a job."""
    return sorted((event for events in ranks.values() for event in events), key=lambda event: (event.time, event.seq))


def derived(events: Iterable[Event[Any]], **rules: Any) -> list[Payload]:
    """All that the fold tells of them."""
    return [payload for _, payload in told_at(events, **rules)]


def told_at(events: Iterable[Event[Any]], **rules: Any) -> Iterator[tuple[Event[Any], Payload]]:
    """The same, with what each followed from."""
    fold = compare_ranks(**rules)
    state = fold.init()
    for event in events:
        if isinstance(event.payload, fold.kinds):
            for payload in fold.step(state, event):
                yield event, payload
