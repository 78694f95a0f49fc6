"""How fast does the training go, and how much of its time does it wait for data?

Time is taken from one call of `step` to the next within an epoch, so that what lies between epochs is no training.
Batches are those that a DataLoader hands out, or that come through `loading`, while gradients are recorded: those of a
validation under `no_grad` do not count, though its time does within an epoch. Each batch is of the network that steps
next, so that two networks that learn from the same ones do not count them twice.

>>> import torch
>>> throughput = Throughput()
>>> for images in loading([torch.zeros(8, 2), torch.zeros(8, 2), torch.zeros(4, 2)]):
...     _ = throughput.step()
>>> measured = throughput.take()
>>> measured.steps, measured.samples, 0 <= measured.loading <= measured.seconds
(2, 12, True)
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import torch
from torch.utils.data import dataloader

from nissa.events.kinds import ThroughputMeasured

__all__ = ["LONGEST", "Lap", "Throughput", "follow_loaders", "loading"]

T = TypeVar("T")
LONGEST = 10.0
"""Seconds of training, after which what was measured is due also within an epoch."""
_DEEPEST, _WIDEST = 4, 16
"""Collections in collections, and parts of each, that are looked into for a tensor."""
_LOADER: Any = dataloader._BaseDataLoaderIter


class _Loaded(NamedTuple):
    """What this process has loaded so far: replaced as a whole, and read without a lock."""

    batches: int = 0
    samples: int = 0
    seconds: float = 0.0

    def and_from(self, start: "_Loaded", end: "_Loaded") -> "_Loaded":
        """With what was loaded in between."""
        batches, samples = end.batches - start.batches, end.samples - start.samples
        return _Loaded(self.batches + batches, self.samples + samples, self.seconds + end.seconds - start.seconds)


class Lap(NamedTuple):
    """One step: from when to when, on the clock of `time.perf_counter`, and what was loaded before it and after it."""

    began: float | None
    """None for the first of an epoch."""
    ended: float
    before: _Loaded
    after: _Loaded

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.began is None else self.ended - self.began

    @property
    def samples(self) -> int | None:
        """What was loaded for it; None where nobody saw the loading."""
        return self.after.samples - self.before.samples if self.after.batches > self.before.batches else None

    @property
    def loading(self) -> float | None:
        """Seconds of it in which data was waited for; None where nobody saw that."""
        return None if self.began is None or self.samples is None else self.after.seconds - self.before.seconds


class _Tally:
    loaded = claimed = _Loaded()
    """All batches, and those up to the last step of any network."""


class Throughput:
    """Of one network's training: one call of `step` for each of its steps."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._steps, self._seconds, self._loaded = 0, 0.0, _Loaded()
        self.last = Lap(None, 0.0, _Loaded(), _Loaded())
        """The last step."""

    def step(self) -> bool:
        """Take a step in; whether what was measured is due."""
        now, loaded, at, before = time.perf_counter(), _Tally.loaded, self._at, _Tally.claimed
        self._at, _Tally.claimed = now, loaded
        self.last = Lap(at, now, before, loaded)
        if at is not None:
            self._steps += 1
            self._seconds += now - at
            self._loaded = self._loaded.and_from(before, loaded)
        return self._seconds >= LONGEST

    def pause(self) -> None:
        """What follows up to the next step is no training."""
        self._at = None

    def take(self) -> ThroughputMeasured | None:
        """What was measured so far, and start anew; None where there was no step after another."""
        steps, seconds, loaded = self._steps, self._seconds, self._loaded
        self._steps, self._seconds, self._loaded = 0, 0.0, _Loaded()
        if not steps:
            return None
        told: dict[str, Any] = {"samples": loaded.samples, "loading": loaded.seconds} if loaded.batches else {}
        return ThroughputMeasured(steps=steps, seconds=seconds, **told)


def loading(batches: Iterable[T]) -> Iterator[T]:
    """The batches, one by one; samples and the time that each takes to come are noted."""
    iterator = iter(batches)
    # Those of a DataLoader are noted already.
    read = iterator.__next__ if isinstance(iterator, _LOADER) else lambda: _timed(lambda: next(iterator))
    while True:
        try:
            batch = read()
        except StopIteration:
            return
        yield batch


def follow_loaders() -> None:
    """Note what DataLoaders of this process hand out, from here on. They offer no hook for that."""
    own = _LOADER.__next__
    if not hasattr(own, "noted"):

        @wraps(own)
        def noted(loader: Any) -> Any:
            return _timed(lambda: own(loader))

        noted.noted = True  # type: ignore[attr-defined]
        _LOADER.__next__ = noted


def _timed(read: Any) -> Any:
    start = time.perf_counter()
    batch = read()
    if torch.is_grad_enabled():
        before, took = _Tally.loaded, time.perf_counter() - start
        _Tally.loaded = _Loaded(before.batches + 1, before.samples + _samples(batch), before.seconds + took)
    return batch


def _samples(batch: Any) -> int:
    """The first dimension of the first tensor in it; 0 where there is none.

    It stands between a loader and its trainer: whatever a batch is made of, nothing is raised.
    """
    try:
        return _first(batch, _DEEPEST)
    except Exception:  # noqa: BLE001  # whatever somebody's own batch raises
        return 0


def _first(batch: Any, deepest: int) -> int:
    if isinstance(batch, Mapping):
        batch = [*batch.values()]
    if isinstance(batch, list | tuple):
        parts = batch[:_WIDEST] if deepest else ()
        return next((samples for part in parts if (samples := _first(part, deepest - 1))), 0)
    shape = getattr(batch, "shape", None)
    return int(shape[0]) if isinstance(shape, tuple) and shape else 0
