"""A scale for whatever figures an operator may come to."""

from math import inf, nan
from typing import Any

import pytest

from nissa.cli.runs.report.page.elements import text
from nissa.cli.runs.report.page.intervals import Interval, _scale, intervals


@pytest.mark.parametrize("figure", [0.0, None, 1e-11, -1e-11, 1e308, -1e308, 1e99, "nan", nan, inf])
def test_every_figure_has_a_scale(figure: Any) -> None:
    assert "<table" in text(intervals("gain", "points", [Interval("one", figure, figure, figure, "1 seed")]))


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (0.0, 1e-11), (-1e-11, 0.0), (-3.0, 7.0), (0.0, 1e100)])
def test_a_scale_holds_its_values_between_two_marks_at_least(low: float, high: float) -> None:
    marks, begin, end = _scale(low, high)
    assert begin < end
    assert (begin, end) == (marks[0], marks[-1])
    assert begin <= low + 1e-10
    assert high - 1e-10 <= end
