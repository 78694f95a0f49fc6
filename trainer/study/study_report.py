"""A study as text, for a terminal."""

from math import isnan

from nissa.trainer.study.interval import Interval
from nissa.trainer.study.study import StudyReport

__all__ = ["format_report"]

_COLUMNS = {
    "final_accuracy": "final accuracy %",
    "training_delta": "against twin, points",
    "growth_ratio": "growth",
    "efficiency": "efficiency",
}


def format_report(report: StudyReport) -> str:
    """A table with a line for each group, and what it says: mean and 95% t interval over seeds."""
    settings = report.settings
    head = f"{settings.seeds} seeds, {settings.envs} environments, {settings.epochs} epochs; PPO: the last "
    lines = [head + f"{settings.judged} of {settings.episodes} episodes. Mean ± half of the 95% interval over seeds."]
    lines.append(_line("group", *_COLUMNS.values()))
    for group, figures in report.groups.items():
        lines.append(_line(group, *(_shown(figures[name]) for name in _COLUMNS)))
    verdicts = [_verdict(group, report) for group in report.groups if group != "never"]
    return "\n".join([*lines, *verdicts])


def _line(group: str, *cells: str) -> str:
    return f"{group:<10}" + "".join(f"{cell:>22}" for cell in cells)


def _shown(interval: Interval) -> str:
    return f"{interval.mean:.2f}" + ("" if isnan(interval.half_width) else f" ± {interval.half_width:.2f}")


def _verdict(group: str, report: StudyReport) -> str:
    """Which way a group's accuracy fell, and its efficiency against that of the host alone."""
    delta = report.groups[group]["training_delta"]
    gain = report.groups[group]["efficiency"].mean - report.groups["never"]["efficiency"].mean
    if isnan(delta.half_width) or abs(delta.mean) <= delta.half_width:
        found = "no difference in accuracy beyond chance"
    else:
        found = f"{'more' if delta.mean > 0 else 'less'} accurate than the host alone"
    return f"{group}: {found}; efficiency {gain:+.2f} against the host alone."
