"""What each operator costs for an event, beside detectors of River that do a part of it."""

import time
from collections.abc import Callable, Iterable
from math import log
from random import Random
from typing import Any

from river.drift import ADWIN, PageHinkley
from river.stats import RollingIQR, RollingQuantile

from nissa.events.event import Event, Scope
from nissa.events.kinds import BatchCompleted, HeadEntropy, Payload, PolicyUpdated
from nissa.operators.anomalies.training_anomalies import detect_anomalies
from nissa.operators.assessment.accuracy_trend import accuracy_trends
from nissa.operators.fidelity.escalation import escalate
from nissa.operators.fold import Fold
from nissa.operators.growth.blueprints import blueprint_stats
from nissa.operators.growth.ranking import best_runs
from nissa.operators.growth.scoreboard import seed_scoreboard
from nissa.operators.policy.collapse import policy_collapse
from nissa.operators.policy.update_spikes import policy_spikes
from nissa.operators.statistics.sorted_window import Window
from nissa.operators.statistics.spike_detector import Detector
from nissa.operators.traces.recorder import flight_recorder
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.workload import epoch, mix
from tests.operators.raised import raised

__all__ = ["noisy_batch", "run"]

ROUNDS = 9
CALLS = 5_000
_HEADS = {name: HeadEntropy(entropy=50.0, log_valid=90.0, decisions=80, mean_policy_entropy=0.8) for name in "abcd"}


def run() -> None:
    """Operators by event of the kind that they see most, and single numbers by detector."""
    batches, epochs = [noisy_batch(n) for n in range(CALLS)], [epoch(n) for n in range(CALLS)]
    ill: list[Payload] = []
    for n, row in enumerate(batches, start=1):
        ill += [row, raised()] if n % 32 == 0 else [row]
    told, updates = [payload for _, _, payload in mix(400)], [_update(n) for n in range(CALLS)]
    folds: dict[str, tuple[Callable[[], Fold[Any]], list[Any]]] = {
        "anomalies, a batch with two seeds (aim: under 5)": (detect_anomalies, batches),
        '... in mode "ratio"': (lambda: detect_anomalies("ratio"), batches),
        "anomalies, an epoch": (detect_anomalies, epochs),
        "trends, an epoch": (accuracy_trends, epochs),
        "policy_collapse, an update with four heads": (policy_collapse, updates),
        "policy_spikes, an update with four heads": (policy_spikes, updates),
        "fidelity, a batch while all is well": (escalate, batches),
        "fidelity, an epoch": (escalate, epochs),
        "flight_recorder, a batch while all is well": (flight_recorder, batches),
        "flight_recorder, a batch, with an alert after each 32": (flight_recorder, ill),
    }
    for make in (blueprint_stats, seed_scoreboard, best_runs, detect_anomalies):
        folds[f"{make().name}, what it listens to in a run"] = (make, told)
    _report(
        "An operator, for each event", {name: [_fold(*fold) for _ in range(ROUNDS)] for name, fold in folds.items()}
    )
    _numbers()


def noisy_batch(n: int) -> BatchCompleted:
    """A batch with two seeds; number `n` is always the same."""
    random = Random(n)
    loss, *norms = (random.lognormvariate(0.0, 0.15) for _ in range(4))
    return BatchCompleted(
        batch=n,
        loss=loss,
        accuracy=81.25,
        host_grad_norm=norms[0],
        seed_grad_norms={"early": norms[1], "late": norms[2]},
    )


def _numbers() -> None:
    random = Random(0)
    values = [random.lognormvariate(0.0, 0.15) for _ in range(CALLS)]
    makes: dict[str, Callable[[], Callable[[float], object]]] = {
        "our detector: spikes and drifts": lambda: Detector().judge,
        "River's PageHinkley on log(loss): drifts": lambda: _logged(PageHinkley().update),
        "River's ADWIN on log(loss): drifts": lambda: _logged(ADWIN().update),  # type: ignore[no-untyped-call]
        "our window of 64: a push, median and spread": _window,
        "River's RollingQuantile and RollingIQR of 64": _rolling,
    }
    _report(
        "A detector, for each number", {n: [_spent(make(), values) for _ in range(ROUNDS)] for n, make in makes.items()}
    )


def _logged(update: Callable[[float], object]) -> Callable[[float], object]:
    return lambda value: update(log(value))


def _window() -> Callable[[float], object]:
    window = Window(64)

    def take(value: float) -> tuple[float, float]:
        window.push(value)
        return window.median(), window.spread()

    return take


def _rolling() -> Callable[[float], object]:
    middle, spread = RollingQuantile(0.5, 64), RollingIQR(64)

    def take(value: float) -> tuple[float | None, float | None]:
        middle.update(value)
        spread.update(value)
        return middle.get(), spread.get()

    return take


def _report(title: str, spent: dict[str, list[float]]) -> None:
    report(f"{title}, CPU", [Figure(name, nanoseconds, "us") for name, nanoseconds in spent.items()])


def _fold(make: Callable[[], Fold[Any]], payloads: Iterable[Payload]) -> float:
    fold = make()
    state = fold.init()
    events = [Event(n, 0.0, Scope("r", "g", 0, 0, 1), p) for n, p in enumerate(payloads) if isinstance(p, fold.kinds)]

    def take(event: Event[Any]) -> None:
        for _ in fold.step(state, event):
            pass

    return _spent(take, events)


def _spent(take: Callable[[Any], object], items: list[Any]) -> float:
    """Microseconds an item."""
    before = time.thread_time_ns()
    for item in items:
        take(item)
    return (time.thread_time_ns() - before) / len(items) / 1e3


def _update(n: int) -> PolicyUpdated:
    flat: Any = dict.fromkeys(
        ("policy_loss", "value_loss", "entropy", "value_mean", "value_std", "return_mean", "return_std", "grad_norm"),
        1.0,
    )
    figures = {"approx_kl": 0.01, "clip_fraction": 0.1, "explained_variance": 0.5, "ratio_max": 1.5}
    return PolicyUpdated(
        update=n, decisions=90, heads=_HEADS, learning_rate=3e-4, early_stopped=False, **flat, **figures
    )
