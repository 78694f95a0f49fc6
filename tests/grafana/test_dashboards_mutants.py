"""Whatever is wrong with a dashboard, in one place of any panel, variable or mark, is complained of."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.grafana.board_mutants import around
from tests.grafana.checking import panels, wrong_around, wrong_with
from tests.grafana.panel_mutants import of_panel

pytestmark = pytest.mark.deep
Boards = dict[str, dict[str, Any]]

_DIGITS = "the same number with other digits"
_PLAIN = ("none", "short", "sci")
SOUND = {
    **{f"unit {unit} as {other}": _DIGITS for unit in _PLAIN for other in _PLAIN if other != unit},
    "another metric: Heartbeat": "no rule compares the units of a comparison's two sides: a time with bytes passes",
}
"""Changes that leave a dashboard as sound as it was, and why."""


def mutants(board: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What was done to the dashboard, and what is complained of then."""
    for kind, wrong in around(board):
        yield kind, wrong_around(wrong)
    for panel in panels(board):
        for kind, wrong in of_panel(panel):
            yield kind if kind.startswith("unit ") else f"{kind}: {panel['title']}", wrong_with(wrong, board)


def test_whatever_is_wrong_with_a_dashboard_is_complained_of(boards: Boards) -> None:
    tried, missed = Counter[str](), set[str]()
    for uid, board in boards.items():
        for what, complaints in mutants(board):
            tried[uid] += 1
            if not complaints:
                missed.add(what)
    assert missed == SOUND.keys()
    assert min(tried[uid] / len([*panels(board)]) for uid, board in boards.items()) > 50, tried
    assert tried.total() > 15_000, tried
