"""The direction of the accuracy against a plain loop, in virtual time, and by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kinds import TrendChanged
from nissa.operators.assessment.accuracy_trend import accuracy_trends
from tests.operators.test_contract import derived
from tests.operators.watching import epoch, marbles
from tests.samples import episode_started, event


def told(accuracies: Sequence[Any], every: int = 1, n_val: int | None = None, **options: Any) -> list[Any]:
    """The trends of an episode of which each `every`-th epoch is validated."""
    # A trainer without an accuracy says None, whatever the type.
    rows = [replace(epoch(0.0), val_accuracy=accuracy, n_val=n_val) for accuracy in accuracies]
    story = [event(row, env=0, episode=0, epoch=every * n) for n, row in enumerate(rows, start=1)]
    return derived(accuracy_trends(**options), story)


def named(rows: list[Any]) -> list[str]:
    return [row.trend for row in rows]


@settings(max_examples=200)
@given(st.lists(st.integers(0, 100).map(float) | st.just(math.nan), max_size=40))
def test_it_equals_the_means_of_a_plain_loop(accuracies: list[float]) -> None:
    known = {n: a for n, a in enumerate(accuracies, start=1) if math.isfinite(a)}
    anchor, moved, trend, begun, expected = math.nan, 0, "", 0, list[Any]()

    def mean(until: int) -> float:
        inside = [known[n] for n in range(max(1, until - 4), until + 1) if n in known]
        return sum(inside or [known[max(n for n in known if n <= until)]]) / max(len(inside), 1)

    for n in known:
        if not moved:
            anchor, moved = mean(n), n
        change, name = mean(n) - anchor, ""
        if abs(change) > 2.003:
            name = "improvement" if change > 0 else "degradation"
        elif trend != "plateau" and n - moved >= 5 and abs(mean(n) - mean(n - 5)) <= 0.503:
            name, change = "plateau", mean(n) - mean(n - 5)
        if name:
            anchor, moved = mean(n), n
        if name not in {"", trend}:
            row = (name, trend or None, n - begun if trend else 0, pytest.approx(change), pytest.approx(mean(n)))
            expected.append(row)
            trend, begun = name, n
    # Limits that no mean of whole points meets to the last digit.
    rows = told(accuracies, n_val=10**12, change=2.003, plateau=0.503)
    assert [(row.trend, row.before, row.epochs, row.change, row.mean) for row in rows] == expected


def test_marbles_of_a_course_that_rises_rests_and_falls() -> None:
    course = [*range(10, 90, 10), *[80] * 8, *range(80, 0, -25)]
    seen = marbles(accuracy_trends(), {210 + 10 * n: event(epoch(float(a)), env=0) for n, a in enumerate(course)})
    found = [(tick, row.trend, row.epochs) for tick, row in seen]
    # Of 360 samples each, 10% and then the mean of 10% and 20% are 5 points apart, and chance allows for 5.8; 80% all
    # along is the mean from the twelfth epoch on, and five epochs later it has not moved.
    assert found == [(230, "improvement", 0), (370, "plateau", 14), (380, "degradation", 1)]


@pytest.mark.parametrize(
    ("last", "trend"), [(62.5, "plateau"), (62.6, None), (70.0, None), (70.1, "improvement"), (49.9, "degradation")]
)
def test_twins_on_both_sides_of_each_limit(last: float, trend: str | None) -> None:
    assert named(told([60.0] * 5 + [last])) == [trend] * (trend is not None)


def test_between_the_limits_the_direction_stays_and_it_is_told_but_once() -> None:
    steep, gentle = [3.0 * n for n in range(10)], [27.0 + 0.2 * n for n in range(10)]
    assert named(told([*steep, *gentle])) == ["improvement"]


@pytest.mark.parametrize("step", [0.2, 0.4, 1.0])
def test_what_is_lost_or_won_slowly_is_no_less_lost_or_won(step: float) -> None:
    falls, rises = ([60.0 + sign * step * n for n in range(40)] for sign in (-1, 1))
    assert named(told(falls, n_val=10_000))[-1] == "degradation"
    assert named(told(rises, n_val=10_000))[-1] == "improvement"
    assert "plateau" not in named(told(falls, n_val=10_000)) + named(told(rises, n_val=10_000))


def test_what_a_small_validation_set_allows_by_chance_is_no_direction() -> None:
    random = Random(0)
    noise = [100 * sum(random.random() < 0.5 for _ in range(50)) / 50 for _ in range(300)]
    assert {"improvement", "degradation"} <= set(named(told(noise, n_val=10**12)))
    assert set(named(told(noise, n_val=50))) <= {"plateau"}
    # By their spread, once five are known.
    unknown = named(told(noise))
    assert unknown.count("improvement") + unknown.count("degradation") <= 3


def test_a_plateau_is_as_long_in_epochs_however_often_it_is_told() -> None:
    curve = [min(70.0, 40.0 + n) for n in range(1, 101)]
    last = {every: told(curve[every - 1 :: every], every)[-1] for every in (1, 2, 5, 10)}
    assert {row.trend for row in last.values()} == {"plateau"}
    resting = [*curve, *[69.0 - n for n in range(10)]]
    for every in (1, 2, 5):
        row = told(resting[every - 1 :: every], every)[-1]
        assert (row.trend, row.before) == ("degradation", "plateau")
        assert 60 <= row.epochs <= 72


def test_an_epoch_without_an_accuracy_says_nothing() -> None:
    assert told([60.0, None, 60.0, None]) == []


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
