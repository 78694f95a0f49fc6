"""What a scrape costs: seconds to gather and write out a given number of series, as Prometheus text."""

import statistics
import sys
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest

from nissa.events.kinds import BatchCompleted, EpochCompleted, Payload, SlotSnapshot
from nissa.events.scope import Event, Scope
from nissa.sinks.prometheus import PrometheusSink

__all__ = ["filled", "measure", "per_event"]

_SLOTS = ("early", "mid", "late")


def measure(series: int, repeats: int = 7) -> float:
    """Seconds of processor time for one scrape of about `series` series, median of several."""
    registry = CollectorRegistry()
    registry.register(filled(series))
    return statistics.median(_scrape(registry) for _ in range(repeats))


def per_event(events: int = 200_000, repeats: int = 5) -> float:
    """Seconds of processor time that the sink takes for one BatchCompleted, least of several."""
    sink, event = filled(1_000), Event(1, 1.0, _scope(0), _batch(1))
    return min(_fold(sink, event, events) for _ in range(repeats)) / events


def filled(series: int) -> PrometheusSink:
    """A sink that shows at least `series` series, of as many environments as that takes."""
    sink, env = PrometheusSink(), 0
    while sum(len(family.samples) for family in sink.collect()) < series:
        for payload in _epoch(env):
            sink(Event(env, 1.0, _scope(env), payload))
        env += 1
    return sink


def _scrape(registry: CollectorRegistry) -> float:
    started = time.thread_time()
    generate_latest(registry)
    return time.thread_time() - started


def _fold(sink: PrometheusSink, event: Event[BatchCompleted], events: int) -> float:
    started = time.thread_time()
    for _ in range(events):
        sink(event)
    return time.thread_time() - started


def _scope(env: int) -> Scope:
    return Scope("20261121-081500-123", "ppo", env, 0, 1)


def _batch(env: int) -> BatchCompleted:
    norms = dict.fromkeys(_SLOTS, 0.1)
    return BatchCompleted(batch=env, loss=0.7 / (env + 1), accuracy=81.25, host_grad_norm=1.5, seed_grad_norms=norms)


def _epoch(env: int) -> Iterator[Payload]:
    yield _batch(env)
    yield EpochCompleted(
        train_loss=0.7,
        train_accuracy=81.0,
        val_loss=0.6 / (env + 1),
        val_accuracy=80.5,
        n_val=360,
        host_params=1250,
        total_seed_params=96,
        total_params=1346,
        fossilized_params=0,
        host_grad_norm=1.5,
        seed_grad_norms=dict.fromkeys(_SLOTS, 0.1),
        slots=[
            SlotSnapshot(slot=slot, stage="TRAINING", epochs_in_stage=3, blueprint="norm", total_improvement=1.5)
            for slot in _SLOTS
        ],
    )


if __name__ == "__main__":
    for size in map(int, sys.argv[1:] or ("1000", "10000")):
        print(f"{size:>7,} series  {measure(size) * 1e3:7.2f} ms a scrape")
    print(f"BatchCompleted  {per_event() * 1e9:7.0f} ns an event")
