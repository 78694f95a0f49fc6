"""A study as plain data: all tables by name, each interval as mean, low and high."""

from typing import Any

from nissa.trainer.study.report import StudyReport

__all__ = ["SHOWN", "report_rows"]

SHOWN = {1: "better", -1: "worse", 0: "not shown"}
"""What an interval of a difference says, by the side of 0 on which it lies."""


def report_rows(report: StudyReport) -> dict[str, Any]:
    """Settings; by group its figures of each network, and `shown` of each difference; contrasts; hosts by size."""
    groups = {name: _plain(group._asdict()) for name, group in report.groups.items()}
    for name, group in report.groups.items():
        groups[name]["shown"] = {
            figure: SHOWN[group.figures["held_out"][figure].side()] for figure in ("training_delta", "equal_delta")
        }
    contrasts = [_plain(one._asdict()) | {"shown": SHOWN[one.accuracy.side()]} for one in report.contrasts]
    hosts = [_plain(host._asdict()) for host in report.hosts]
    return {"settings": report.settings, "groups": groups, "contrasts": contrasts, "hosts": hosts}


def _plain(value: Any) -> Any:
    """Named tuples as mappings, all the way down."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value
