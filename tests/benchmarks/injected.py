"""Is each fault that can be injected noticed, how late, and what else is raised? 20 seeds, by the demo's own loop."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import BatchCompleted, PolicyUpdated
from nissa.trainer.faults.injection import Injection
from tests.trainer.injected import (
    ALERTS,
    CRITIC,
    ENTROPY,
    FAULTY,
    GROWING,
    LEARNING,
    OVERFLOW,
    TRAINING,
    alerts,
    at,
    delay,
    recorded,
)

__all__ = ["run"]

_RUNS: Sequence[tuple[Mapping[str, Any], list[Injection]]] = (
    (TRAINING, []),
    (TRAINING, FAULTY),
    (GROWING, [OVERFLOW]),
    (LEARNING, []),
    (LEARNING, [ENTROPY]),
    (LEARNING, [CRITIC]),
)


def run(seeds: range = range(200, 220)) -> None:
    """Each seed with every fault, and without any."""
    delays, others = defaultdict[str, list[int]](list), defaultdict[str, Counter[str]](Counter)
    clean, seen = Counter[str](), Counter[str]()
    for seed in seeds:
        for settings, injections in _RUNS:
            events = recorded(*injections, **settings, seed=seed)
            if not injections:
                clean.update(f"{e.payload.alert} ({e.payload.severity})" for e in alerts(events))
                seen.update(type(e.payload).__name__ for e in events)
            for injection in injections:
                _note(injection, events, delays[injection.fault], others[injection.fault])
    print(f"\nInjected faults, {len(seeds)} seeds: found in how many, delays (median, largest), what else was raised")
    for fault, found in delays.items():
        late = f"{statistics.median(found):g}, {max(found)}" if found else "-"
        print(f"  {fault:<20} {len(found):>3}  {late:<10} {dict(others[fault]) or 'nothing else'}", flush=True)
    sizes = f"{seen[BatchCompleted.__name__]} batches, {seen[PolicyUpdated.__name__]} updates"
    print(f"  without a fault, {sizes}: {dict(clean) or 'nothing'}")


def _note(injection: Injection, events: Sequence[Event[Any]], delays: list[int], others: Counter[str]) -> None:
    """The first alert that finds the fault; by name, what else was raised there, before the fault or after it."""
    alert, subject = ALERTS[injection.fault]
    rows = [(e.payload.alert, e.payload.subject, delay(injection, e, events)) for e in at(injection, events)]
    delays += [late for name, what, late in rows if (name, what) == (alert, subject) and late >= 0][:1]
    others.update({f"{name}{' before it' if n < 0 else ''}" for name, _, n in rows if name != alert or n < 0})
