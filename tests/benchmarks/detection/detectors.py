"""Our rule and the documented one as they are, on made curves: what they find, how late, and how often for nothing."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import isfinite
from random import Random

from nissa.operators.statistics.rolling_ratio import RatioRule
from nissa.operators.statistics.spike_detector import Detector
from tests.benchmarks.detection.made import FAULTS, REPORT, STEPS, Curve, Fault, faulty

__all__ = ["run"]

Rule = Callable[[float], bool]
QUIET = 10
"""Steps without an alarm after which the next one is another."""


def _robust() -> Rule:
    detector = Detector()
    return lambda value: not isfinite(value) or detector.judge(value) is not None


def _documented() -> Rule:
    """The seed rule, which knows nothing of NaN: a window that held one is NaN for 20 steps."""
    rule = RatioRule()
    return lambda value: rule.judge(value) is not None


RULES: Mapping[str, Callable[[], Rule]] = {"robust": _robust, "ratio": _documented}


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


def recall(make: Callable[[], Rule], curve: Curve, faults: tuple[Fault, int, int], seeds: range) -> list[int]:
    """The delays in steps of the faults that are found in time."""
    (fault, due, within), delays = faults, list[int]()
    for values, at in faulty(curve, fault, seeds):
        rule = make()
        hits = [n for n, value in enumerate(values[: at + due + within]) if rule(value) and n >= at + due]
        delays += [hit - at - due for hit in hits[:1]]
    return delays


def _cell(make: Callable[[], Rule], curve: Curve, name: str, seeds: range) -> str:
    """Percent found and found by chance, in the same steps without the fault; and the median delay."""
    fault, due, within = FAULTS[name]
    delays, chance = (recall(make, curve, (alter, due, within), seeds) for alter in (fault, _unaltered))
    late = f", {statistics.median(delays):g}" if delays else ""
    return f"{100 * len(delays) / len(seeds):.0f} ({100 * len(chance) / len(seeds):.0f}{late})"


def _unaltered(curve: list[float], _: int) -> list[float]:
    return curve


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
    print(f"\nFalse alarms on 1,000 clean steps, {len(seeds)} curves of {STEPS} steps each")
    for name, make in RULES.items():
        print(f"| {name} | {' | '.join(f'{false_alarms(make, curve, seeds):.2f}' for curve in REPORT.values())} |")
    print("\nPercent of the faults found in time (by chance, median delay in steps)")
    for fault in FAULTS:
        for name, make in RULES.items():
            print(f"| {fault} | {name} | {' | '.join(_cell(make, curve, fault, seeds) for curve in REPORT.values())} |")
    below_zero(seeds)
