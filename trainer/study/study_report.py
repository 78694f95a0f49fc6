"""A study as text, for a terminal, and as plain data: first of the networks that are kept, then of those trained."""

from typing import Any

from nissa.operators.statistics import Interval
from nissa.trainer.study.study import StudyReport

__all__ = ["format_report", "report_rows"]

_NETWORKS = {"kept": "kept, without what did not fossilize", "final": "trained, with all its seeds"}
_COLUMNS = {
    "accuracy": "accuracy, %",
    "delta": "against twin, points",
    "growth_ratio": "growth",
    "efficiency_ratio": "efficiency ratio",
}
_SHOWN = {1: "better", -1: "worse", 0: "not shown"}
_NAME, _CELL = 12, 24


def format_report(report: StudyReport) -> str:
    """A table for each of the two networks, with a line for each group, and what it says.

    Means and 95% t intervals over seeds. Efficiency ratio = (accuracy / parameters) / (twin's accuracy / host's).
    """
    size, ppo = report.settings, f"PPO: the last {report.settings.judged} of {report.settings.episodes} episodes."
    lines = [
        f"{size.seeds} seeds, {size.envs} environments, {size.epochs} epochs; {ppo}",
        "Mean, and its 95% interval over seeds. Efficiency ratio: accuracy per parameter by that of the host alone.",
    ]
    for network, title in _NETWORKS.items():
        lines += ["", title, _line("group", *_COLUMNS.values()), *_table(report, network)]
    return "\n".join([*lines, "", *(_verdict(group, report) for group in report.groups if group != "never")])


def report_rows(report: StudyReport) -> dict[str, Any]:
    """The same as plain data: by group, `shown` as in a verdict, and by figure of `Outcome` mean, low and high."""
    rows = {
        group: {"shown": _SHOWN[figures["kept_delta"].side()]}
        | {name: interval._asdict() for name, interval in figures.items()}
        for group, figures in report.groups.items()
    }
    return {"settings": report.settings, "groups": rows}


def _table(report: StudyReport, network: str) -> list[str]:
    return [
        _line(group, *(_shown(figures[f"{network}_{name}"]) for name in _COLUMNS))
        for group, figures in report.groups.items()
    ]


def _line(group: str, *cells: str) -> str:
    return f"{group:<{_NAME}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)


def _shown(interval: Interval) -> str:
    mean, low, high = interval
    if mean is None:
        return "-"
    return f"{mean:.2f}" + ("" if low is None or high is None else f" ({low:.2f} to {high:.2f})")


def _verdict(group: str, report: StudyReport) -> str:
    """Which way the networks that a group keeps fell against the host alone."""
    figures = report.groups[group]
    found = {
        "better": "more accurate than the host alone",
        "worse": "less accurate than the host alone",
        "not shown": "not shown to differ from the host alone",
    }[_SHOWN[figures["kept_delta"].side()]]
    delta, ratio = _shown(figures["kept_delta"]), _shown(figures["kept_efficiency_ratio"])
    return f"{group}, kept: {found}, {delta} points; efficiency ratio {ratio}."
