"""What a scrape costs: gathering a number of series, and writing them out as Prometheus text."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest

from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, EpochCompleted, Payload, SlotSnapshot
from nissa.sinks.prometheus.collector import PrometheusSink
from tests.benchmarks.measuring import Figure, report

__all__ = ["run"]

ROUNDS = 9
EVENTS = 50_000
_SLOTS = ("early", "mid", "late")


def run() -> None:
    """Scrapes of two sizes, the same without a text to write, and what the sink takes for an event."""
    sinks = {series: _filled(series) for series in (1_000, 10_000)}
    rounds = [[_scrape(sink) * 1e3 for sink in sinks.values()] for _ in range(ROUNDS)]
    gathered = [[_gather(sink) * 1e3 for sink in sinks.values()] for _ in range(ROUNDS)]
    event = Event(1, 1.0, _scope(0), _batch(1))
    small, large = map(list, zip(*rounds, strict=True))
    small_alone, large_alone = map(list, zip(*gathered, strict=True))
    report(
        "Scrapes, CPU",
        [
            Figure("/metrics with 1,000 series", small, "ms", "aim: 5"),
            Figure("... gathering them, without writing the text", small_alone, "ms"),
            Figure("/metrics with 10,000 series", large, "ms", "aim: 50"),
            Figure("... gathering them, without writing the text", large_alone, "ms"),
            Figure("the sink, for each batch_completed", [_fold(sinks[1_000], event) for _ in range(ROUNDS)], "ns"),
        ],
    )


def _filled(series: int) -> PrometheusSink:
    """A sink that shows at least `series` series, of as many environments as that takes."""
    sink, env = PrometheusSink(), 0
    while sum(len(family.samples) for family in sink.collect()) < series:
        for payload in _epoch(env):
            sink(Event(env, 1.0, _scope(env), payload))
        env += 1
    return sink


def _scrape(sink: PrometheusSink) -> float:
    registry = CollectorRegistry()
    registry.register(sink)
    started = time.thread_time()
    generate_latest(registry)
    return time.thread_time() - started


def _gather(sink: PrometheusSink) -> float:
    started = time.thread_time()
    list(sink.collect())
    return time.thread_time() - started


def _fold(sink: PrometheusSink, event: Event[BatchCompleted]) -> float:
    started = time.thread_time_ns()
    for _ in range(EVENTS):
        sink(event)
    return (time.thread_time_ns() - started) / EVENTS


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
