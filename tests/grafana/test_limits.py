"""A panel changes its colour where an alert fires: the number of the rule, or that of the detector behind it."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from nissa.grafana.panels.palette import BAD, FINE, POOR
from tests.grafana.checking import panels
from tests.grafana.judged import DETECTED, NOT_A_NUMBER, NOT_SHOWN
from tests.grafana.limits import NAMED, colour_at
from tests.grafana.looks import steps
from tests.grafana.promql import parsed
from tests.grafana.quantities import Bound, Quantity, bounds, quantity
from tests.grafana.rules import ALERTS, RECORDED
from tests.grafana.series import known

Boards = dict[str, dict[str, Any]]

BOUNDS = [(alert, bound) for alert, rule in ALERTS.items() for bound in bounds(parsed(rule["expr"]), RECORDED)]
"""Every comparison of every alert."""

RANKS = {FINE: 0, POOR: 1, BAD: 2}


def showing(boards: Boards, judged: Quantity) -> Iterator[tuple[str, list[tuple[float | None, str]]]]:
    """Panels that show a quantity, with their steps; that a counter moved, its total and its increase both show."""
    total = judged.name.removeprefix("increase(").removesuffix(")") if judged.windows else judged.name
    names = {judged.name, total, f"increase({total})"}
    for uid, board in boards.items():
        for panel in panels(board):
            for target in panel["targets"]:
                shown = quantity(parsed(target["expr"]))
                if shown.name in names and shown.overlaps(judged._replace(name=shown.name)):
                    place = f"{uid}: {panel['title']}"
                    states = NAMED.get((panel["type"], shown.name), {})
                    named = [(float(value), colour) for value, (_, colour) in states.items()]
                    yield place, [(None, named[0][1]), *named] if named else steps(panel, target)


def turning(bound: Bound) -> tuple[float, bool]:
    """From which number on a panel must have another colour, and whether that is the one of what is not fine."""
    worse = bound.sign in {">", ">="}
    next_one = whole(bound.of) and bound.sign in {">", "<=", "=="}
    return bound.number + next_one, worse


def turns(at: float, worse: bool, colours: list[tuple[float | None, str]]) -> bool:
    """Whether it is fine on one side of a number alone."""
    before, after = colour_at(math.nextafter(at, -math.inf), colours), colour_at(at, colours)
    return before == FINE != after if worse else after == FINE != before


def whole(judged: Quantity) -> bool:
    """Whether it is a count of whole things, or a 1 and a 0."""
    metrics = [known(name) for name in judged.name.removeprefix("increase(").removesuffix(")").split(" - ")]
    broken = {"ratio", "factor", "seconds", "nats", "reward"}
    return all(metric is not None and metric.unit not in broken for metric in metrics)


def test_every_comparison_of_an_alert_is_with_a_number_or_known_not_to_be() -> None:
    assert {alert: bound for alert, bound in BOUNDS if isinstance(bound, str)} == NOT_A_NUMBER
    assert {alert for alert, _ in BOUNDS} == ALERTS.keys() - {"NissaRunDied"}


@pytest.mark.parametrize(("alert", "bound"), [pair for pair in BOUNDS if isinstance(pair[1], Bound)])
def test_a_panel_turns_where_its_alert_fires(alert: str, bound: Bound, boards: Boards) -> None:
    found = list(showing(boards, bound.of))
    if bound.of.name in NOT_SHOWN:
        return
    assert found, f"no panel shows {bound.of.name}: {alert} should have one, or a reason"
    for place, colours in found:
        assert turns(*turning(bound), colours), (place, colours, bound)


def test_what_needs_no_limit_is_judged_by_an_alert_and_has_no_limits(boards: Boards) -> None:
    judged = {bound.of.name: bound.of for _, bound in BOUNDS if isinstance(bound, Bound)}
    assert NOT_SHOWN.keys() <= judged.keys()
    for name in NOT_SHOWN:
        assert all(len(colours) < 2 for _, colours in showing(boards, judged[name])), name


def test_every_detector_behind_an_alert_is_known() -> None:
    passed_on = {
        alert
        for _, bound in BOUNDS
        if isinstance(bound, Bound)
        for label, _, value in bound.of.limited
        if label == "alert"
        for alert in value.split("|")
    }
    assert passed_on == DETECTED.keys()


@pytest.mark.parametrize(
    ("name", "sign", "limit"),
    [(name, *limit) for told in DETECTED.values() if not isinstance(told, str) for name, limit in told.items()],
)
def test_a_panel_turns_where_the_detector_judges(name: str, sign: str, limit: float, boards: Boards) -> None:
    found = list(showing(boards, Quantity(name)))
    assert found
    at, worse = turning(Bound(Quantity(name), sign, limit))
    for place, colours in found:
        before, after = colour_at(math.nextafter(at, -math.inf), colours), colour_at(at, colours)
        assert (RANKS[after] > RANKS[before]) if worse else (RANKS[before] > RANKS[after]), (place, colours)


@pytest.mark.parametrize(
    ("at", "worse", "colours"),
    [
        (1.5, True, [(None, FINE), (1.6, BAD)]),
        (1.5, True, [(None, FINE), (1.4, BAD)]),
        (1.5, True, [(None, BAD), (1.5, FINE)]),
        (0.8, False, [(None, FINE), (0.8, BAD)]),
        (0.8, False, [(None, BAD), (0.81, FINE)]),
        (0.8, False, [(None, FINE)]),
    ],
)
def test_a_limit_elsewhere_or_the_wrong_way_round_is_noticed(
    at: float, worse: bool, colours: list[tuple[float | None, str]]
) -> None:
    assert not turns(at, worse, colours)


@pytest.mark.parametrize(
    ("bound", "at"),
    [
        (Bound(Quantity("nissa_live_growth_ratio"), ">=", 1.5), (1.5, True)),
        (Bound(Quantity("increase(nissa_sink_failed_total)"), ">", 0), (1, True)),
        (Bound(Quantity("nissa_sink_up"), "==", 0), (1, False)),
        (Bound(Quantity("nissa_health_ratio"), "<", 0.5), (0.5, False)),
    ],
)
def test_more_than_none_is_one_of_what_is_counted(bound: Bound, at: tuple[float, bool]) -> None:
    assert turning(bound) == at
