"""How the constants of the detector were chosen: what each one and its neighbours find, on the curves to choose by."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random

from nissa.operators.statistics.detection import Limits
from nissa.operators.statistics.spike_detector import Detector
from tests.benchmarks.detection.judging import FAULTS
from tests.benchmarks.detection.made import CHOOSE
from tests.benchmarks.detection.operating import RATES, at_rate, operating_curve
from tests.benchmarks.detection.recorded import Losses, to_choose
from tests.benchmarks.detection.rules import RULES, SETTINGS, Cusum, Ewma, Hampel, Rule

__all__ = ["run"]

_OURS: Mapping[str, Limits] = {
    "as it is": Limits(),
    "drift 14": Limits(drift=14.0),
    "drift 24": Limits(drift=24.0),
    "slack 0.15": Limits(slack=0.15),
    "slack 0.5": Limits(slack=0.5),
    "slack 0.5, drift 14": Limits(slack=0.5, drift=14.0),
    "most 3": Limits(most=3.0),
    "most 6": Limits(most=6.0),
    "short 0.05": Limits(short=0.05),
    "short 0.2": Limits(short=0.2),
    "long 0.01": Limits(long=0.01),
    "long 0.025": Limits(long=0.025),
    "least 0.02": Limits(least=0.02),
    "least 0.1": Limits(least=0.1),
    "floor 1e-5": Limits(floor=1e-5),
    "floor 1e-3": Limits(floor=1e-3),
}
_OTHERS: Mapping[str, tuple[str, Callable[[float], Rule]]] = {
    "Hampel, 20": ("Hampel", lambda limit: Hampel(limit, 20)),
    "EWMA, weight 0.1": ("EWMA", lambda limit: Ewma(limit, 0.1)),
    "CUSUM, slack 1": ("CUSUM", lambda limit: Cusum(limit, 1.0)),
}


def curves() -> Losses:
    """Six real trainings and five made ones, of three seeds each."""
    return {**to_choose(), **{name: [curve(Random(seed)) for seed in range(3)] for name, curve in CHOOSE.items()}}


def run() -> None:
    """The mean percent found over all faults, at each of the rates: ours and its neighbours, and the others."""
    losses = curves()
    print(f"\nConstants, on the curves to choose by: mean percent found at {', '.join(map(str, RATES))} false alarms")
    for name, rule, settings in _tried():
        curve = operating_curve(rule, settings, losses)
        found = [[at_rate(curve, rate, fault) for fault in FAULTS] for rate in RATES]
        means = [statistics.fmean(share or 0.0 for share in row) for row in found]
        print(f"  {name:<18} {' / '.join(f'{mean:.1f}' for mean in means)}", flush=True)


def _tried() -> Iterator[tuple[str, Callable[[float], Rule], tuple[float, ...]]]:
    for name, limits in _OURS.items():
        yield name, partial(_with, limits), tuple(SETTINGS["robust"][1:-2:2])
    for name, rule in RULES.items():
        if name != "robust":
            yield name, rule, tuple(SETTINGS[name])
    for name, (like, rule) in _OTHERS.items():
        yield name, rule, tuple(SETTINGS[like])


def _with(limits: Limits, threshold: float) -> Rule:
    return Detector(threshold, limits)
