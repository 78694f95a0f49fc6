"""The direction of the accuracy against a plain loop, in virtual time, and by hand."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kinds import TrendChanged
from nissa.operators.assessment.accuracy_trend import accuracy_trends
from tests.operators.test_contract import derived
from tests.operators.watching import epoch, marbles
from tests.samples import episode_started, event


def told(accuracies: list[float], **options: Any) -> list[Any]:
    story = [event(epoch(accuracy), env=0, episode=0, epoch=n) for n, accuracy in enumerate(accuracies, start=1)]
    return derived(accuracy_trends(**options), story)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 100).map(float) | st.just(math.nan), max_size=40))
def test_it_equals_the_means_of_a_plain_loop(accuracies: list[float]) -> None:
    finite, trend, expected = [a for a in accuracies if math.isfinite(a)], "", list[Any]()
    for n in range(6, len(finite) + 1):
        now, before = sum(finite[n - 5 : n]) / 5, sum(finite[n - 6 : n - 1]) / 5
        change = round(now - before, 9)
        name = ("improvement" if change > 0 else "degradation") if abs(change) > 2 else ""
        name = "plateau" if abs(change) < 0.5 else name
        if name not in {"", trend}:
            expected.append((name, trend or None, pytest.approx(change), pytest.approx(now)))
            trend = name
    assert [(row.trend, row.before, row.change, row.mean) for row in told(accuracies)] == expected


def test_marbles_of_a_course_that_rises_rests_and_falls() -> None:
    course = [*range(10, 90, 10), *[80] * 8, *range(80, 0, -20)]
    seen = marbles(accuracy_trends(), {210 + 10 * n: event(epoch(float(a)), env=0) for n, a in enumerate(course)})
    found = [(tick, row.trend, row.epochs) for tick, row in seen]
    # The sixth epoch is the first to compare; the mean rests once the last five are all 80, and one more is.
    assert found == [(260, "improvement", 0), (330, "plateau", 7), (380, "degradation", 5)]


@pytest.mark.parametrize(
    ("last", "trend"), [(62.4, "plateau"), (62.5, None), (70.0, None), (70.1, "improvement"), (49.9, "degradation")]
)
def test_twins_on_both_sides_of_each_limit(last: float, trend: str | None) -> None:
    assert [row.trend for row in told([60.0] * 5 + [last])] == [trend] * (trend is not None)


def test_between_the_limits_the_direction_stays_and_it_is_told_but_once() -> None:
    steep, gentle = [3.0 * n for n in range(10)], [27.0 + n for n in range(10)]
    assert [row.trend for row in told([*steep, *gentle])] == ["improvement"]


def test_each_episode_and_environment_begins_anew() -> None:
    story = [event(epoch(60.0), env=env, episode=episode) for episode in (0, 1) for _ in range(5) for env in (0, 1)]
    assert derived(accuracy_trends(), story) == []
    again = [event(episode_started(), env=0, episode=0), *[event(epoch(60.0), env=0, episode=0) for _ in range(5)]]
    assert derived(accuracy_trends(), [*again, *again]) == []


def test_a_direction_says_what_it_rests_on() -> None:
    (row,) = told([60.0] * 6)
    assert row == TrendChanged(env=0, trend="plateau", before=None, epochs=0, change=0.0, mean=60.0, window=5)


@pytest.mark.parametrize("options", [{"window": 0}, {"plateau": -1.0}, {"plateau": 3.0, "change": 2.0}])
def test_limits_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="need window >= 1"):
        accuracy_trends(**options)
