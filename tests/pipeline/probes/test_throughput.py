"""Throughput against a clock of the test's own: what is training, what is loading, and what is neither."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from nissa.events.event import Event
from nissa.events.kinds import ThroughputMeasured
from nissa.pipeline.probes import Watch, throughput
from nissa.pipeline.telemetry import Telemetry

DATA = torch.arange(20.0).reshape(10, 2), torch.zeros(10)


class Clock:
    """Seconds pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throughput, "time", clock)
    return clock


class Slow(Dataset[Any]):
    """A sample takes a second to load."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __len__(self) -> int:
        return 10

    def __getitem__(self, place: int) -> Any:
        self.clock.now += 1.0
        return {"input_ids": DATA[0][place], "labels": 0}


def train(watch: Watch, batches: Any, clock: Clock) -> None:
    """A step takes 5 seconds, and the end of an epoch 1,000."""
    for _ in batches:
        clock.now += 5.0
        watch.step()
    clock.now += 1000.0


def measured(seen: list[Event[Any]]) -> list[ThroughputMeasured]:
    return [event.payload for event in seen if isinstance(event.payload, ThroughputMeasured)]


def watched(train: Any, monkeypatch: pytest.MonkeyPatch) -> list[ThroughputMeasured]:
    monkeypatch.setattr(throughput, "LONGEST", 1e9)
    with Telemetry("test", config="minimal", sinks={"seen": (seen := list[Event[Any]]()).append}) as telemetry:
        watch = Watch(telemetry, nn.Linear(2, 2))
        for _ in range(2):
            train(watch)
            watch.epoch(*(part[:2] for part in (DATA[0], DATA[1].long())))
        assert telemetry.flush()
    return measured(seen)


def test_a_loader_is_seen_without_a_word_of_the_trainer(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten samples in batches of 4, 4 and 2: two steps after the first one, with 6 samples."""
    rows = watched(lambda watch: train(watch, DataLoader(Slow(clock), batch_size=4), clock), monkeypatch)
    assert rows == [ThroughputMeasured(steps=2, seconds=16.0, samples=6, loading=6.0)] * 2


def test_what_no_loader_hands_out_is_seen_where_it_is_told(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def batches() -> Iterator[list[torch.Tensor]]:
        for start in (0, 4, 8):
            clock.now += 3.0
            yield [DATA[0][start : start + 4]]

    seen = watched(lambda watch: train(watch, watch.loading(batches()), clock), monkeypatch)
    assert seen == [ThroughputMeasured(steps=2, seconds=16.0, samples=6, loading=6.0)] * 2
    unseen = watched(lambda watch: train(watch, batches(), clock), monkeypatch)
    assert unseen == [ThroughputMeasured(steps=2, seconds=16.0)] * 2


def test_a_loader_that_is_told_counts_once_and_a_validation_not_at_all(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def validated(watch: Watch) -> None:
        for _ in watch.loading(DataLoader(TensorDataset(*DATA), batch_size=5)):
            watch.step()
            with torch.no_grad():
                list(DataLoader(Slow(clock), batch_size=10))

    (first, _) = watched(validated, monkeypatch)
    assert (first.steps, first.samples, first.loading) == (1, 5, 0.0)


def test_a_long_epoch_is_told_in_between(clock: Clock) -> None:
    with Telemetry("test", config="minimal", sinks={"seen": (seen := list[Event[Any]]()).append}) as telemetry:
        train(Watch(telemetry, nn.Linear(2, 2)), range(8), clock)
        assert telemetry.flush()
    assert measured(seen) == [ThroughputMeasured(steps=2, seconds=10.0)] * 3


class Odd:
    """A batch of somebody's own, whose shape is not to be had."""

    @property
    def shape(self) -> tuple[int, ...]:
        raise RuntimeError("no shape yet")


DEEP: list[Any] = []
DEEP.append(DEEP)


@pytest.mark.parametrize(
    "batch", [None, 3, [], {}, torch.tensor(1.0), "text", [[]], Odd(), DEEP, iter([torch.ones(2)])]
)
def test_a_batch_without_a_first_dimension_has_no_samples(batch: Any) -> None:
    assert throughput._samples(batch) == 0


class Shaped(NamedTuple):
    shape: str
    image: torch.Tensor


@pytest.mark.parametrize(
    "batch", [{"id": ["a", "b"], "x": torch.zeros(2, 3)}, [[], (torch.zeros(2),)], Shaped("round", torch.zeros(2))]
)
def test_the_first_tensor_counts_wherever_it_stands(batch: Any) -> None:
    assert throughput._samples(batch) == 2


def test_two_networks_that_learn_from_the_same_batches_do_not_count_them_twice(clock: Clock) -> None:
    first, second = throughput.Throughput(), throughput.Throughput()
    for _ in throughput.loading([torch.zeros(8)] * 4):
        first.step()
        second.step()
    both = [each.take() for each in (first, second)]
    assert [each and each.samples for each in both] == [24, None]


def test_a_loader_hands_out_the_same_batches_and_draws_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    def epoch() -> tuple[list[torch.Tensor], torch.Tensor]:
        torch.manual_seed(0)
        batches = [batch[0] for batch in DataLoader(TensorDataset(*DATA), batch_size=3, shuffle=True)]
        return batches, torch.get_rng_state()

    throughput.follow_loaders()
    batches, state = epoch()
    monkeypatch.setattr(throughput._LOADER, "__next__", throughput._LOADER.__next__.__wrapped__)
    plain, plain_state = epoch()
    assert [batch.tolist() for batch in batches] == [batch.tolist() for batch in plain]
    assert torch.equal(state, plain_state)
