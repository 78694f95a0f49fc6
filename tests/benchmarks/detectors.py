"""What do the rules for losses find, how late, and how often for nothing? The tables of docs/detectors.md."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import isfinite, log
from random import Random

from river.drift import ADWIN, PageHinkley

from nissa.operators.statistics.detection import LIMITS, Limits
from nissa.operators.statistics.rolling_ratio import RatioRule
from nissa.operators.statistics.spike_detector import Detector
from tests.benchmarks.curves import CHOOSE, FAULTS, REPORT, STEPS, Curve, faulty

__all__ = ["RULES", "choose", "run"]

Rule = Callable[[float], bool]
QUIET = 10
"""Steps without an alarm after which the next one is another."""

SETTINGS: Mapping[str, Limits] = {
    "as it is": Limits(),
    "ratio_z 3": Limits(ratio_z=3.0),
    "ratio_z 5": Limits(ratio_z=5.0),
    "jump_z 6": Limits(jump_z=6.0),
    "jump_z 12": Limits(jump_z=12.0),
    "slack 0.5": Limits(slack=0.5),
    "slack 1": Limits(slack=1.0),
    "drift 10": Limits(drift=10.0),
    "drift 20": Limits(drift=20.0),
    "floor 1e-6": Limits(floor=1e-6),
    "floor 1e-3": Limits(floor=1e-3),
    "floor 1e-2": Limits(floor=1e-2),
}
"""What was tried when the constants were chosen: each one beside its neighbours."""


def _robust(limits: Limits = LIMITS) -> Rule:
    detector = Detector(limits)
    return lambda value: not isfinite(value) or detector.judge(value) is not None


def _documented() -> Rule:
    """The seed rule, which knows nothing of NaN: a window that held one is NaN for 20 steps."""
    rule = RatioRule()
    return lambda value: rule.judge(value) is not None


def _drift(detector: ADWIN | PageHinkley) -> Rule:
    def alarm(value: float) -> bool:
        detector.update(log(value + LIMITS.floor) if isfinite(value) else 0.0)  # type: ignore[no-untyped-call]
        return bool(detector.drift_detected)

    return alarm


RULES: Mapping[str, Callable[[], Rule]] = {
    "robust": _robust,
    "ratio": _documented,
    "PageHinkley": lambda: _drift(PageHinkley()),
    "ADWIN": lambda: _drift(ADWIN()),  # type: ignore[no-untyped-call]
}
"""Ours, the documented one, and two of River's on log(loss) that look for a change of the mean."""


def alarms(rule: Rule, values: Iterable[float]) -> list[int]:
    """Where an alarm begins; while it goes on, and shortly after, it is the same one."""
    begun, last = [], -STEPS
    for n, value in enumerate(values):
        if rule(value):
            if n - last > QUIET:
                begun.append(n)
            last = n
    return begun


def false_alarms(make: Callable[[], Rule], curve: Curve, seeds: range) -> float:
    """Alarms on 1,000 clean steps."""
    found = sum(len(alarms(make(), curve(Random(seed)))) for seed in seeds)
    return 1000 * found / (STEPS * len(seeds))


def recall(make: Callable[[], Rule], curve: Curve, name: str, seeds: range) -> tuple[float, float | None]:
    """Percent of faults found in time, and the median delay in steps of those."""
    fault, due, within = FAULTS[name]
    delays = []
    for values, at in faulty(curve, fault, seeds):
        rule = make()
        hits = [n for n, value in enumerate(values) if rule(value) and n >= at + due]
        if hits and hits[0] < at + due + within:
            delays.append(hits[0] - at - due)
    return 100 * len(delays) / len(seeds), statistics.median(delays) if delays else None


def choose(seeds: range = range(20)) -> None:
    """What each setting gives on the curves to choose by: false alarms, and the faults found over all curves."""
    print("\nSettings on the curves to choose by: false alarms / 1,000 steps, and percent of faults found")
    for name, limits in SETTINGS.items():
        make = partial(_robust, limits)
        wrong = [f"{false_alarms(make, curve, seeds):.2f}" for curve in CHOOSE.values()]
        found = {f: statistics.fmean(recall(make, c, f, seeds)[0] for c in CHOOSE.values()) for f in FAULTS}
        print(f"  {name:<12} {' / '.join(wrong)}   {', '.join(f'{f} {share:.0f}' for f, share in found.items())}")


def below_zero(seeds: range) -> None:
    """The same curves less 3: false alarms, and a rise by 2.5 for good that is found within three steps."""
    print("\nCurves less 3: false alarms on 1,000 clean steps, and percent of rises by 2.5 found in 3 steps")
    for name, curve in REPORT.items():
        lower = partial(_less, curve)
        rules = [(_robust(), values, at) for values, at in faulty(lower, _risen, seeds)]
        found = [any([rule(value) for value in values[: at + 3]][at:]) for rule, values, at in rules]
        print(f"  {name:<18} {false_alarms(_robust, lower, seeds):.2f}, {100 * statistics.fmean(found):.0f}")


def _less(curve: Curve, random: Random) -> list[float]:
    return [value - 3 for value in curve(random)]


def _risen(curve: list[float], at: int) -> list[float]:
    return [value + 2.5 * (n >= at) for n, value in enumerate(curve)]


def run(seeds: range = range(1_000, 1_020)) -> None:
    """The tables on the curves to report by."""
    choose()
    print(f"\nFalse alarms on 1,000 clean steps, {len(seeds)} curves of {STEPS} steps each")
    for name, make in RULES.items():
        print(
            f"  {name:<12} " + ", ".join(f"{c} {false_alarms(make, curve, seeds):.2f}" for c, curve in REPORT.items())
        )
    print("\nPercent of the faults found in time, and the median delay in steps")
    for fault in FAULTS:
        print(f"  {fault}")
        for name, make in RULES.items():
            cells = [recall(make, curve, fault, seeds) for curve in REPORT.values()]
            print(
                f"    {name:<12} " + "  ".join(f"{share:3.0f} ({'-' if d is None else f'{d:g}'})" for share, d in cells)
            )
    below_zero(seeds)
