"""A study as text, for a terminal. The controls come first: hosts of the same size, and policies that know nothing."""

from collections.abc import Iterator

from nissa.operators.statistics import Interval
from nissa.trainer.study.report import Group, StudyReport
from nissa.trainer.study.report_json import SHOWN
from nissa.trainer.study.settings import HOST

__all__ = ["format_report"]

_NETWORKS = {
    "held_out": "Kept networks, without what did not fossilize, on held out images",
    "kept": "The same networks on the validation images, by which gates and rewards judge",
    "final": "Networks as they were trained, with all their seeds, on the validation images",
}
_COLUMNS = {
    "accuracy": "accuracy, %",
    "training_delta": "training delta",
    "equal_accuracy": "equal host, %",
    "equal_delta": "equal delta",
    "growth_ratio": "growth",
    "efficiency_ratio": "efficiency",
}
_NAME, _CELL = 22, 16


def format_report(report: StudyReport) -> str:
    """A table of each network with a line for each group, contrasts, hosts by size, attribution, and what it says."""
    parts = (_head, _networks, _contrasts, _hosts, _attribution, _verdicts)
    return "\n".join(line for part in parts for line in part(report))


def _head(report: StudyReport) -> Iterator[str]:
    size = report.settings
    yield (
        f"{size.seeds} seeds, {size.envs} environments, {size.epochs} epochs. PPO learns for {size.episodes} episodes; "
        f"then all are judged by {size.judged} in new environments."
    )
    yield "Mean +- half its 95% interval over seeds; deltas in points. Training delta: accuracy minus that of the twin,"
    yield "the same host alone. Equal host: one alone with as many parameters; equal delta: minus its accuracy."
    yield "Growth: (host + seeds) / host. Efficiency: accuracy per parameter by that of the twin."


def _networks(report: StudyReport) -> Iterator[str]:
    for network, title in _NETWORKS.items():
        yield from ("", title, _line("group", *_COLUMNS.values()))
        for name, group in report.groups.items():
            yield _line(name, *(_shown(group.figures[network][column]) for column in _COLUMNS))


def _contrasts(report: StudyReport) -> Iterator[str]:
    yield from ("", "Group minus group, seed by seed; kept networks on held out images, points")
    yield _line("", "accuracy", "equal delta", name=46)
    for one in report.contrasts:
        yield _line(f"{one.first} - {one.second}", _shown(one.accuracy), _shown(one.equal_delta), name=46)


def _hosts(report: StudyReport) -> Iterator[str]:
    yield from ("", "Hosts trained alone, by size, for as long and in the same order of the data")
    yield _line("parameters", "size", "held out, %", "minus the host", "validation, %")
    for host in report.hosts:
        figures = (_shown(of) for of in (host.held_out, host.held_out_delta, host.validation))
        yield _line(f"{host.params:,}", f"{host.growth_ratio:.2f}", *figures)


def _attribution(report: StudyReport) -> Iterator[str]:
    names = dict.fromkeys(name for group in report.groups.values() for name in group.attribution)
    yield from ("", "Attribution: Shapley value of a seed in the network as trained, validation, points (seeds)")
    yield _line("group", *names, cell=22)
    for name, group in _grown(report):
        found = [group.attribution.get(blueprint) for blueprint in names]
        yield _line(name, *(f"{_shown(of.shapley)} ({of.networks})" if of else "-" for of in found), cell=22)


def _verdicts(report: StudyReport) -> Iterator[str]:
    yield from ("", "What it says: kept networks on held out images")
    yield _line("group", "than the host alone", "than hosts of its size", "parameters of an equal host", cell=30)
    for name, group in _grown(report):
        figures, equivalent = group.figures["held_out"], group.equivalent_traditional_params["held_out"]
        found = [SHOWN[figures[delta].side()] for delta in ("training_delta", "equal_delta")]
        yield _line(name, *found, _size(equivalent), cell=30)


def _grown(report: StudyReport) -> list[tuple[str, Group]]:
    return [(name, group) for name, group in report.groups.items() if name != HOST]


def _line(first: str, *cells: str, name: int = _NAME, cell: int = _CELL) -> str:
    return (f"{first:<{name}}" + "".join(f"{one:>{cell}}" for one in cells)).rstrip()


def _shown(interval: Interval) -> str:
    """The mean, and half of a symmetric interval behind it, as far as there is any."""
    mean, _, high = interval
    return "-" if mean is None else f"{mean:.2f}" + ("" if high is None else f" +- {high - mean:.2f}")


def _size(params: Interval) -> str:
    """Bounds that would be extrapolated are left open."""
    if params.mean is None:
        return "-"
    low, high = (f"{bound:,.0f}" if bound is not None else "?" for bound in params[1:])
    return f"{params.mean:,.0f} ({low} to {high})"
