"""Operating curves: what each rule finds at so many false alarms, on real trainings that nothing was tuned on.

`python -m tests.benchmarks operating` prints the tables of docs/detectors.md and draws its picture.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.detection.judging import FAULTS, Judged, judge, judge_all
from tests.benchmarks.detection.picture import draw
from tests.benchmarks.detection.recorded import Losses, to_report
from tests.benchmarks.detection.rules import RULES, SETTINGS, Rule

__all__ = ["Curve", "at_rate", "operating_curve", "run"]

PICTURE = Path(__file__).parents[3] / "docs" / "images" / "operating_curves.svg"
RATES = (0.5, 1.0, 2.0)
"""False alarms in 1,000 steps at which rules are compared."""

Curve = Sequence[Judged]
"""One rule at each of its settings, by false alarms."""


def operating_curve(rule: Callable[[float], Rule], settings: Sequence[float], losses: Losses) -> Curve:
    """What a rule is worth at each of its settings."""
    rows = [judge_all(partial(rule, setting), losses) for setting in settings]
    return sorted(rows, key=lambda row: row.alarms)


def at_rate(curve: Curve, rate: float, fault: str) -> float | None:
    """Percent found at so many false alarms, in between two settings; None where the rule has more at its calmest."""
    below, above = ([row for row in curve if (row.alarms <= rate) == under] for under in (True, False))
    if not below:
        return None
    first, second = below[-1], above[0] if above else below[-1]
    share = (rate - first.alarms) / (second.alarms - first.alarms) if above else 0.0
    return first.found[fault] + share * (second.found[fault] - first.found[fault])


def by_chance(rate: float, fault: str) -> float:
    """Percent that alarms find which come at random, so many in 1,000 steps."""
    return 100 * (1 - (1 - rate / 1000) ** FAULTS[fault].within)


def run() -> None:
    """All rules at equal false alarms; ours and the documented one as they are, by training; and the picture."""
    losses = to_report()
    curves = {name: operating_curve(rule, SETTINGS[name], losses) for name, rule in RULES.items()}
    for rate in RATES:
        _compared(rate, curves)
    _sensitivity(losses)
    for name in ("robust", "ratio"):
        _as_it_is(name, losses)
    draw(PICTURE, curves, list(FAULTS), by_chance)
    print(f"\nDrawn: {PICTURE.name}")


def _compared(rate: float, curves: Mapping[str, Curve]) -> None:
    print(f"\nPercent found at {rate:g} false alarms in 1,000 steps")
    print(f"| fault | {' | '.join(curves)} | by chance |\n|{'---|' * (len(curves) + 2)}")
    for fault in FAULTS:
        cells = [_cell(at_rate(curve, rate, fault)) for curve in curves.values()]
        print(f"| {fault} | {' | '.join(cells)} | {by_chance(rate, fault):.0f} |")


def _cell(share: float | None) -> str:
    return "-" if share is None else f"{share:.0f}"


def _sensitivity(losses: Losses) -> None:
    print("\nrobust, by its threshold: false alarms in 1,000 steps, mean percent found over all faults")
    for threshold in SETTINGS["robust"]:
        row = judge_all(partial(RULES["robust"], threshold), losses)
        print(f"| {threshold:g} | {row.alarms:.2f} | {statistics.fmean(row.found.values()):.0f} |")


def _as_it_is(name: str, losses: Losses) -> None:
    rows = {training: judge(partial(RULES[name], 2.0), curves) for training, curves in losses.items()}
    print(f"\n{name}, at 2: false alarms in 1,000 steps, and percent found (by chance)")
    print(f"| | {' | '.join(rows)} |\n|{'---|' * (len(rows) + 1)}")
    print(f"| false alarms | {' | '.join(f'{row.alarms:.2f}' for row in rows.values())} |")
    for fault in FAULTS:
        print(
            f"| {fault} | {' | '.join(f'{row.found[fault]:.0f} ({row.chance[fault]:.0f})' for row in rows.values())} |"
        )
