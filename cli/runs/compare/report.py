"""A comparison as text and as plain data: each arm against its hosts alone, and each two arms."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

from nissa.cli.runs.compare.reading import LeftOut
from nissa.operators.comparison import LEAST_ALONE, LEAST_EACH, Arm, Comparison, Pair
from nissa.operators.statistics import Interval
from nissa.sinks.text import DASH, filled_table, name, text_lines

__all__ = ["FORMS", "Report", "document", "interval_text", "lines"]

FORMS = {
    "kept_training_delta": ("against twin, points", "{:+.2f}"),
    "efficiency_ratio": ("efficiency ratio", "{:.2f}"),
    "growth_ratio": ("growth", "{:.2f}"),
}
"""Head of a figure that is told as text, and how it is written; all are of the networks that are kept."""


class Report(NamedTuple):
    """What was found, over what, of how many last episodes (None: all), and what was left out."""

    found: Comparison
    unit: str
    last: int | None
    left_out: Sequence[LeftOut]


def lines(report: Report) -> Iterator[str]:
    """As text."""
    found, heads = report.found, [head for head, _ in FORMS.values()]
    right = [f"{report.unit}s", "episodes", *heads]
    yield from text_lines(filled_table(None, ["group"], right, ["hosts alone"], map(_arm, found.arms)))
    yield f"Interquartile means over {report.unit}s, with 95% bootstrap intervals."
    yield from _repetition(report)
    yield "Kept: without the seeds that did not fossilize. Twin: the same host trained alone for as long."
    yield "Hosts alone: whether the kept networks are more accurate than their twins."
    if found.pairs:
        right = [*heads, "gains more, %"]
        yield ""
        yield from text_lines(filled_table(None, ["first minus second"], right, ["first"], map(_pair, found.pairs)))
        yield "Gains more: how probable it is that one of the first gains more over its twins than one of the second."
        yield f"First: whether it gains more; {len(found.pairs):,} of such, each by itself."
    if report.left_out:
        yield from ("", "Left out:", *(f"  {left.path}: {left.reason}" for left in report.left_out))


def document(report: Report) -> dict[str, Any]:
    """As plain data."""
    return {
        "unit": report.unit,
        "last": report.last,
        "least_alone": LEAST_ALONE,
        "least_each": LEAST_EACH,
        "groups": [
            {
                "group": arm.name,
                "shown": arm.shown,
                "figures": {figure: _plain(interval) for figure, interval in arm.figures.items()},
                "repetitions": [trial._asdict() for trial in arm.repetitions],
            }
            for arm in report.found.arms
        ],
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "shown": pair.shown,
                "differences": {figure: _plain(interval) for figure, interval in pair.differences.items()},
                "probability_of_improvement": _plain(pair.improvement, "estimate"),
            }
            for pair in report.found.pairs
        ],
        "left_out": [{"path": left.path, "reason": left.reason} for left in report.left_out],
    }


def interval_text(interval: Interval, form: str, times: float = 1.0) -> str:
    """An estimate with its interval, as far as they are known and finite."""
    mean, low, high = (None if value is None else times * value for value in interval)
    if mean is None:
        return DASH
    if not isfinite(mean):
        return "not finite"
    around = "" if low is None or high is None else f" ({form.format(low)} to {form.format(high)})"
    return form.format(mean) + around


def _plain(interval: Interval, estimate: str = "iqm") -> dict[str, float | None]:
    return {estimate: interval.mean, "low": interval.low, "high": interval.high}


def _arm(arm: Arm) -> list[Any]:
    used, ended = sum(t.episodes for t in arm.repetitions), sum(t.finished for t in arm.repetitions)
    episodes = f"{used:,}" if used == ended else f"{used:,} of {ended:,}"
    figures = (interval_text(arm.figures[figure], form) for figure, (_, form) in FORMS.items())
    shown = arm.shown if arm.enough else f"not shown: it takes {LEAST_ALONE}"
    return [name(arm.name), f"{len(arm.repetitions):,}", episodes, *figures, shown]


def _pair(pair: Pair) -> list[Any]:
    differences = (interval_text(pair.differences[figure], "{:+.2f}") for figure in FORMS)
    shown = pair.shown if pair.enough else f"not shown: it takes {LEAST_EACH} of each"
    chance = interval_text(pair.improvement, "{:.0f}", 100)
    return [name(f"{pair.first} - {pair.second}"), *differences, chance, shown]


def _repetition(report: Report) -> Iterator[str]:
    of = "" if report.last is None else f" the last {report.last} of"
    if report.unit == "run":
        yield f"A run counts once: the mean of its environments, each the mean of{of} its episodes."
        return
    yield f"An environment counts once: the mean of{of} its episodes. Not every group has two runs, and environments"
    yield "of a run may share a policy: this is about these runs alone."
