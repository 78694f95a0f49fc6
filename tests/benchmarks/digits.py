"""What do the operators notice in real trainings of the demo's host, clean and with real faults in them?"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nissa.events.event import Event, Scope
from nissa.events.kinds import AlertRaised, BatchCompleted, EpochCompleted, Payload, ProbesConfigured
from nissa.operators.anomalies.training_anomalies import detect_anomalies
from nissa.operators.assessment.accuracy_trend import accuracy_trends
from nissa.operators.fold import Fold
from nissa.operators.policy.collapse import policy_collapse
from nissa.operators.policy.update_spikes import policy_spikes
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.data.digits import batches, load_digits
from nissa.trainer.data.seeding import generator
from nissa.trainer.network.model import Model
from nissa.trainer.run import Settings, train
from nissa.trainer.training.epoch import train_epoch
from nissa.trainer.training.snapshots import epoch_completed
from nissa.trainer.training.validation import validate

__all__ = ["FAULTS", "run"]

EPOCHS, AT, BATCH = 26, 20, 5
"""The host trains alone for so many epochs; the fault comes in this one, with this batch."""
Rows = list[tuple[Tensor, Tensor]]


class Fault(NamedTuple):
    """What is done to a training."""

    rows: Callable[[Rows], None] = lambda rows: None
    """To the batches of the epoch."""
    step: Callable[[Model, int], None] = lambda model, batch: None
    """To the model after each batch of the epoch."""


def _labels(first: int, last: int) -> Callable[[Rows], None]:
    def shuffle(rows: Rows) -> None:
        for n in range(first, last):
            rows[n] = (rows[n][0], rows[n][1].roll(7))

    return shuffle


def _images(change: Callable[[Tensor], Tensor]) -> Callable[[Rows], None]:
    def alter(rows: Rows) -> None:
        rows[BATCH] = (change(rows[BATCH][0]), rows[BATCH][1])

    return alter


def _rate(model: Model, batch: int) -> None:
    """For three batches."""
    rates = {BATCH - 1: 1000.0, BATCH + 2: 1e-3}
    for group in model.optimizer.param_groups:
        group["lr"] *= rates.get(batch, 1.0)


def _noise(model: Model, batch: int) -> None:
    if batch == BATCH - 1:
        with torch.no_grad():
            for n, weight in enumerate(model.host.parameters()):
                weight.add_(0.5 * weight.std() * torch.randn(weight.shape, generator=generator(n)))


FAULTS: Mapping[str, Fault] = {
    "none": Fault(),
    "labels of 1 batch shuffled": Fault(_labels(BATCH, BATCH + 1)),
    "labels of 10 batches shuffled": Fault(_labels(BATCH, BATCH + 10)),
    "images of 1 batch x 1000": Fault(_images(lambda images: images * 1000)),
    "a NaN in 1 batch": Fault(_images(lambda images: images * math.nan)),
    "learning rate x 1000 for 3 batches": Fault(step=_rate),
    "weights shaken": Fault(step=_noise),
}
"""By name; each is a change of the training, and no edited number."""


def trained(seed: int, fault: Fault) -> Iterator[Event[Any]]:
    """The events of a host that trains alone, with a fault in it."""
    with Telemetry("digits") as telemetry:
        model = Model(seed, telemetry.scope(env=0))
    order, accuracies, told = generator(1_000_000 + seed), [0.0], list[tuple[int, Payload]]()
    for epoch in range(1, EPOCHS + 1):
        rows = list(batches(load_digits(), order))

        def report(batch: BatchCompleted, epoch: int = epoch) -> None:
            told.append((epoch, batch))
            if epoch == AT:
                fault.step(model, batch.batch)

        if epoch == AT:
            fault.rows(rows)
        done, validated = train_epoch(model, rows, report), validate(model, load_digits())
        accuracies.append(validated.accuracy)
        told.append((epoch, epoch_completed(model, done, validated, accuracies)))
    for n, (epoch, payload) in enumerate(told):
        yield Event(n, 0.0, Scope("digits", None, 0, 0, epoch), payload)


def alerts(operator: Fold[Any], events: Iterable[Event[Any]]) -> Iterator[tuple[Event[Any], AlertRaised]]:
    """What the operator raises, with the event that made it."""
    state = operator.init()
    for event in events:
        if isinstance(event.payload, operator.kinds):
            yield from ((event, row) for row in operator.step(state, event) if isinstance(row, AlertRaised))


def run(seeds: range = range(100, 110)) -> None:
    """Real faults by both modes, and clean trainings by the demo's own loop."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the network is so small that more only get in each other's way
    print(f"\nReal faults in digits, {len(seeds)} trainings each: how many raised what (median delay in batches)")
    for name, fault in FAULTS.items():
        trainings = [list(trained(seed, fault)) for seed in seeds]
        for mode in ("robust", "ratio"):
            print(f"  {name:<36} {mode:<8} {_noticed(mode, trainings)}")
    for policy in ("heuristic", "ppo"):
        _clean(policy, seeds)
    torch.set_num_threads(threads)


def _noticed(mode: str, trainings: list[list[Event[Any]]]) -> str:
    """Alerts before the fault, which are false; after it, the first of each name in each training."""
    epoch, before, found = _events_of_an_epoch(), 0, dict[str, list[int]]()
    began = epoch * (AT - 1) + BATCH
    for events in trainings:
        seen = set[str]()
        for event, row in alerts(detect_anomalies(mode), events):
            before += event.seq < began
            if event.seq >= began and row.alert not in seen:
                seen.add(row.alert)
                found.setdefault(f"{row.alert} of {row.subject}", []).append(_batches(event.seq - began, epoch))
    rows = [f"{alert} {len(delays)} ({statistics.median(delays):g})" for alert, delays in found.items()]
    return f"before it: {before}; after it: {', '.join(rows) or 'none'}"


def _events_of_an_epoch() -> int:
    """Its batches, and its end."""
    return sum(1 for _ in batches(load_digits(), generator(0))) + 1


def _batches(events: int, epoch: int) -> int:
    """Batches among so many events from the fault on, of which each epoch has so many."""
    return events - (events + BATCH) // epoch


def _clean(policy: str, seeds: range) -> None:
    events: list[Event[Any]] = []
    for seed in seeds:
        with Telemetry(f"digits-{seed}", sinks={"keep": events.append}) as telemetry:
            train(Settings(policy=policy, envs=1, episodes=1, epochs=45, seed=seed), telemetry)
    # What configures the rules would set the mode of both.
    events = [event for event in events if not isinstance(event.payload, ProbesConfigured)]
    kinds = Counter(type(event.payload) for event in events)
    print(
        f"\nClean trainings, {policy}: {kinds[BatchCompleted]} batches, {kinds[EpochCompleted]} epochs; alerts by kind"
    )
    for operator in (detect_anomalies(), detect_anomalies("ratio"), policy_collapse(), policy_spikes()):
        counts = Counter(f"{row.alert} ({row.severity})" for _, row in alerts(operator, events))
        print(f"  {operator.name}: {dict(counts) or 'none'}")
    state, changes = accuracy_trends().init(), Counter[str]()
    for event in events:
        if isinstance(event.payload, accuracy_trends().kinds):
            changes.update(row.trend for row in accuracy_trends().step(state, event))  # type: ignore[attr-defined]
    print(f"  trends: {dict(changes)}")
