"""Episodes beside their twins and the verdict on a group, against a plain loop over the story, and by hand."""

import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from nissa.events.event import Event
from nissa.events.kinds import (
    EpisodeCompared,
    EpisodeEnded,
    HostBaselineEpoch,
    HostBaselineMeasured,
    VerdictReached,
)
from nissa.operators.verdict.standing import MAX_RECENT
from nissa.operators.verdict.verdict import verdicts
from tests.operators.test_contract import derived
from tests.samples import episode_started, epoch_completed, event

GROUP: dict[str, Any] = {"group": "ppo"}


def ended(final: float = 90.0, kept: float | None = 80.0, epochs: int = 2, **more: Any) -> EpisodeEnded:
    """One of which nothing else was told; by default it had a seed, of which nothing is known."""
    told: dict[str, Any] = {"growth_ratio": 1.25, "final_growth_ratio": 1.5, "germinated": 1, "fossilized": 1}
    told |= {"outcome": "completed", "total_reward": 0.0, "culled": 0, **more}
    return EpisodeEnded(final_accuracy=final, kept_accuracy=kept, epochs=epochs, **told)


def twin(env: int, *accuracies: float) -> list[Event[Any]]:
    """Its curve from epoch 1."""
    told = [HostBaselineEpoch(val_accuracy=accuracy) for accuracy in accuracies]
    return [event(payload, env=env, epoch=epoch, **GROUP) for epoch, payload in enumerate(told, start=1)]


def measured(env: int, initial: float, final: float, epochs: int) -> Event[Any]:
    told = HostBaselineMeasured(
        initial_loss=1.0,
        initial_accuracy=initial,
        final_loss=1.0,
        final_accuracy=final,
        epochs=epochs,
        host_params=1000,
    )
    return event(told, env=env, **GROUP)


def rows(story: list[Any]) -> dict[tuple[Any, Any], EpisodeCompared]:
    """What was said last of each episode."""
    return {(row.env, row.episode): row for row in derived(verdicts(), story) if isinstance(row, EpisodeCompared)}


def last(story: list[Any]) -> VerdictReached:
    return [row for row in derived(verdicts(), story) if isinstance(row, VerdictReached)][-1]


def test_a_verdict_worked_out_by_hand() -> None:
    """Two environments, deltas +5, +7 and +3: means 6 and 3, so 4.5 with t(1) = 12.706 times 3 / sqrt(2) / sqrt(2)."""
    story = [
        *twin(0, 70.0, 80.0),
        *twin(1, 90.0, 60.0),
        *(event(ended(90.0, kept), env=0, episode=n, **GROUP) for n, kept in enumerate((85.0, 87.0))),
        event(ended(66.0, 63.0), env=1, episode=0, **GROUP),
    ]
    found = last(story)
    assert (found.envs, found.episodes, found.compared, found.unended) == (2, 3, 3, 0)
    assert (found.kept_training_delta_mean, found.final_training_delta_mean) == (4.5, 8.0)
    assert found.kept_training_delta_low == pytest.approx(4.5 - 12.7062 * 1.5, abs=1e-3)
    assert found.kept_training_delta_high == pytest.approx(4.5 + 12.7062 * 1.5, abs=1e-3)
    assert (found.kept_accuracy_mean, found.final_accuracy_mean, found.twin_accuracy_mean) == (74.5, 78.0, 70.0)
    assert (found.growth_ratio_mean, found.final_growth_ratio_mean, found.shown) == (1.25, 1.5, "not shown")
    ratios = statistics.fmean([(85 / 80 + 87 / 80) / 2, 63 / 60]) / 1.25
    assert found.efficiency_ratio_mean == pytest.approx(ratios)
    assert found.final_efficiency_ratio_mean == pytest.approx(statistics.fmean([90 / 80, 66 / 60]) / 1.5)
    assert (found.efficiency_wins, found.peak_training_delta_mean) == (0, None)


@pytest.mark.parametrize(
    ("deltas", "shown"), [((5.0, 5.1), "better"), ((-5.0, -5.1), "worse"), ((5.0, -1.0), "not shown")]
)
def test_better_or_worse_is_shown_where_the_interval_excludes_0(deltas: tuple[float, ...], shown: str) -> None:
    story = [*twin(0, 1.0, 50.0), *twin(1, 1.0, 50.0)]
    story += [event(ended(kept=50.0 + delta), env=env, episode=0, **GROUP) for env, delta in enumerate(deltas)]
    assert last(story).shown == shown


def test_one_environment_has_a_mean_and_shows_nothing_however_many_its_episodes() -> None:
    story = [*twin(0, 1.0, 50.0), *(event(ended(kept=90.0 + n), env=0, episode=n, **GROUP) for n in range(9))]
    found = last(story)
    assert (found.kept_training_delta_mean, found.kept_training_delta_low, found.kept_training_delta_high) == (
        44.0,
        None,
        None,
    )
    assert (found.envs, found.episodes, found.shown) == (1, 9, "not shown")


@pytest.mark.parametrize(
    ("told", "final", "peak", "lengths"),
    [
        (twin(0, 70.0, 80.0, 60.0), 80.0, 80.0, (3, 2)),
        (twin(0, 90.0, 80.0, 60.0), 80.0, 90.0, (3, 2)),
        (twin(0, 70.0), None, None, (1, None)),
        ([measured(0, 10.0, 60.0, 2)], 60.0, None, (2, 2)),
        ([measured(0, 10.0, 60.0, 3)], None, None, (3, None)),
        ([*twin(0, 70.0, 80.0), measured(0, 10.0, 60.0, 3)], 80.0, 80.0, (3, 2)),
    ],
)
def test_a_twin_is_compared_at_the_epoch_in_which_the_episode_ended(
    told: Any, final: Any, peak: Any, lengths: tuple[int | None, int | None]
) -> None:
    """Before the episode or after it; afterwards its length alone is no news."""
    end = event(ended(epochs=2), env=0, episode=0, **GROUP)
    for story, length in zip(([*told, end], [end, *told]), lengths, strict=True):
        row = rows(story)[0, 0]
        assert (row.twin_final_accuracy, row.twin_peak_accuracy, row.twin_epochs) == (final, peak, length)
        assert last(story).compared == (final is not None)


def compared(story: list[Any]) -> list[EpisodeCompared]:
    return [row for row in derived(verdicts(), story) if isinstance(row, EpisodeCompared)]


def test_a_twin_told_afterwards_tells_each_episode_once_more_however_many_epochs_it_has() -> None:
    ends = [event(ended(epochs=40 + n % 2), env=0, episode=n, **GROUP) for n in range(20)]
    told = [*twin(0, *(50.0 + epoch for epoch in range(60))), measured(0, 10.0, 109.0, 60)]
    found = derived(verdicts(), [*ends, *told])[2 * len(ends) :]
    again = [row for row in found if isinstance(row, EpisodeCompared)]
    # At epoch 40 and at epoch 41; behind the former the last to have ended once more, for its row is to be the last.
    assert [row.episode for row in again] == [*range(0, 20, 2), 19, *range(1, 20, 2)]
    assert [row.twin_final_accuracy for row in again] == [89.0] * 10 + [None] + [90.0] * 10
    assert len(found) - len(again) == 2
    assert last([*ends, *told]) == last([*told, *ends])


def test_the_row_told_last_is_of_the_episode_that_ended_last() -> None:
    ends = [event(ended(epochs=epochs), env=0, episode=n, **GROUP) for n, epochs in ((0, 2), (1, 3), (0, 2), (2, 2))]
    assert [row.episode for row in compared([*ends, *twin(0, 1.0, 2.0)])[4:]] == [0, 2]
    assert [row.episode for row in compared([*ends, *twin(0, 1.0, 2.0, 3.0)])[6:]] == [1, 2]
    assert [row.episode for row in compared([*ends[:3], *twin(0, 1.0, 2.0, 3.0)])[3:]] == [0, 1, 0]


def test_a_twin_of_one_episode_compares_that_episode_alone() -> None:
    ends = [event(ended(epochs=2), env=0, episode=n, **GROUP) for n in range(2)]
    own = [event(e.payload, env=0, episode=1, epoch=e.scope.epoch, **GROUP) for e in twin(0, 5.0, 6.0)]
    shared = twin(0, 7.0, 8.0)
    for story in ([*ends, *own], [*own, *ends], [*ends, *own, *shared], [*shared, *own, *ends]):
        found = {episode: row.twin_final_accuracy for (_, episode), row in rows(story).items()}
        assert found == {0: 8.0 if shared[0] in story else None, 1: 6.0}
    assert [row.episode for row in compared([*ends, *own])[2:]] == [1]


def test_an_episode_that_begins_changes_no_mean() -> None:
    story = [*twin(0, 1.0, 50.0), event(ended(), env=0, episode=0, **GROUP)]
    begun = event(episode_started(), env=0, episode=1, **GROUP)
    assert last([*story, begun]) == replace(last(story), unended=1)
    assert last([*story, begun, event(ended(), env=0, episode=1, **GROUP)]).unended == 0


def test_where_only_some_can_be_compared_only_they_are_in_the_means() -> None:
    story = [
        *twin(0, 1.0, 50.0),
        event(ended(20.0, 10.0), env=1, episode=0, **GROUP),
        event(ended(90.0, 60.0), env=0, episode=0, **GROUP),
    ]
    found = last(story)
    assert (found.final_accuracy_mean, found.kept_accuracy_mean, found.kept_training_delta_mean) == (90.0, 60.0, 10.0)
    assert (found.envs, found.episodes, found.compared) == (1, 2, 1)


def test_without_a_kept_accuracy_the_final_one_is_compared_and_without_a_twin_none() -> None:
    end = event(ended(90.0, None), env=0, episode=0, **GROUP)
    beside = last([*twin(0, 1.0, 50.0), end])
    assert (beside.final_training_delta_mean, beside.kept_training_delta_mean, beside.compared) == (40.0, None, 0)
    alone = last([end])
    assert (alone.final_accuracy_mean, alone.final_training_delta_mean, alone.twin_accuracy_mean) == (90.0, None, None)


def test_of_a_figure_that_one_of_them_lacks_there_is_no_mean() -> None:
    story = [*twin(0, 1.0, 50.0), *twin(1, 1.0, 50.0)]
    growths = ((0, 1.0), (0, 1.25), (1, None))
    story += [event(ended(growth_ratio=g), env=env, episode=n, **GROUP) for n, (env, g) in enumerate(growths)]
    found = last(story)
    assert (found.growth_ratio_mean, found.efficiency_ratio_mean, found.compared) == (None, None, 3)
    assert (found.final_growth_ratio_mean, found.kept_training_delta_mean, found.efficiency_episodes) == (1.5, 30.0, 2)
    found = last([*story[:4], event(epoch_completed(95.0), env=0, episode=0, epoch=2, **GROUP), *story[4:6]])
    assert (found.peak_training_delta_mean, found.compared) == (None, 2)


def test_wins_are_of_the_episodes_that_have_what_is_won_and_a_broken_one_is_none() -> None:
    """By hand: at a growth of 1.25 against a twin at 40%, the ratio is 1 at 50%."""
    story = twin(0, 1.0, 40.0)
    told = [(50.0, 1.25), (51.0, 1.25), (39.0, 1.0), (40.0, 1.0), (math.nan, 1.0), (90.0, None), (90.0, math.nan)]
    story += [event(ended(kept=k, growth_ratio=g), env=0, episode=n, **GROUP) for n, (k, g) in enumerate(told)]
    story += [event(ended(kept=99.0, epochs=3), env=0, episode=99, **GROUP)]
    found = last(story)
    assert (found.episodes, found.compared) == (8, 7)
    assert (found.efficiency_episodes, found.efficiency_wins) == (4, 1)
    assert (found.accuracy_wins, found.accuracy_ties) == (4, 1)


def test_a_kept_mean_of_some_does_not_stand_beside_a_final_mean_of_all() -> None:
    found = last([event(ended(20.0 * n, 20.0 if n else None), env=0, episode=n, **GROUP) for n in range(3)])
    assert (found.final_accuracy_mean, found.kept_accuracy_mean, found.envs) == (20.0, None, 1)


def test_an_episode_that_ended_twice_counts_once_as_it_was_told_last() -> None:
    story = [*twin(0, 1.0, 50.0), *(event(ended(kept=kept), env=0, episode=0, **GROUP) for kept in (60.0, 70.0))]
    assert (last(story).episodes, last(story).kept_training_delta_mean) == (1, 20.0)


def test_episodes_that_began_and_did_not_end_are_counted_as_they_are() -> None:
    story = [event(episode_started(), env=env, episode=0, **GROUP) for env in range(3)]
    assert (last(story).unended, last(story).episodes, last(story).shown) == (3, 0, "not shown")
    story += [event(ended(), env=0, episode=0, **GROUP), event(ended(), env=0, episode=0, **GROUP)]
    assert (last(story).unended, last(story).episodes) == (2, 1)
    story += [event(epoch_completed(50.0), env=0, episode=0, epoch=2, **GROUP)]
    story += [event(epoch_completed(50.0), env=3, episode=0, epoch=1, **GROUP)]
    assert (last(story).unended, last(story).episodes) == (3, 1)


def test_an_episode_begun_anew_under_its_number_is_not_ended_until_it_ends_again() -> None:
    begun = event(episode_started(), env=0, episode=0, **GROUP)
    story = [begun, begun, event(ended(), env=0, episode=0, **GROUP), begun]
    assert (last(story).unended, last(story).episodes) == (1, 1)
    assert last([*story, event(ended(), env=0, episode=0, **GROUP)]).unended == 0


def test_more_episodes_than_may_be_told_anew_count_on() -> None:
    n = MAX_RECENT + 20
    ends = [event(ended(kept=float(k % 7)), env=0, episode=k, **GROUP) for k in range(n)]
    found = last([*twin(0, 1.0, 50.0), *ends])
    assert found.episodes == found.compared == n
    assert found.kept_training_delta_mean == pytest.approx(statistics.fmean(k % 7 for k in range(n)) - 50.0)


def test_a_broken_accuracy_stays_broken_and_shows_nothing() -> None:
    story = [*twin(0, 1.0, 50.0), *twin(1, 1.0, 50.0)]
    story += [event(ended(kept=kept), env=env, episode=0, **GROUP) for env, kept in enumerate((math.nan, 60.0))]
    found = last(story)
    assert math.isnan(found.kept_training_delta_mean or 0.0)
    assert found.shown == "not shown"


def test_arms_have_verdicts_of_their_own() -> None:
    story = [event(ended(final), group=arm, env=0, episode=0) for arm, final in (("a", 10.0), ("b", 20.0))]
    found = [row for row in derived(verdicts(), story) if isinstance(row, VerdictReached)]
    assert [(row.group, row.final_accuracy_mean) for row in found] == [("a", 10.0), ("b", 20.0)]


ENDS = st.builds(
    ended,
    final=st.integers(0, 100).map(float),
    kept=st.none() | st.integers(0, 100).map(float),
    epochs=st.integers(1, 4),
    growth_ratio=st.none() | st.sampled_from((1.0, 1.25, 2.0)),
    final_growth_ratio=st.none() | st.sampled_from((1.0, 1.5)),
)
CURVES = st.lists(st.integers(1, 100).map(float), max_size=4)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), ENDS), min_size=1, max_size=15),
    st.lists(CURVES, min_size=4, max_size=4),
    st.integers(0, 15),
)
def test_a_verdict_equals_a_plain_loop(ends: list[Any], curves: list[list[float]], at: int) -> None:
    told: list[Any] = [event(end, env=env, episode=episode, **GROUP) for env, episode, end in ends]
    story = [*told[:at], *(point for env, curve in enumerate(curves) for point in twin(env, *curve)), *told[at:]]
    final_telling = {(env, episode): end for env, episode, end in ends}
    values: dict[str, dict[int, list[float]]] = {}
    levels = [level(end, curves[env]) for (env, _), end in final_telling.items()]
    for (env, _), end in final_telling.items():
        if level(end, curves[env]) == max(levels):
            for name, value in figures(end, curves[env]).items():
                values.setdefault(name, {}).setdefault(env, [])
                values[name][env] += [] if value is None else [value]
    found = last(story)
    assert (found.episodes, found.compared) == (len(final_telling), levels.count(2))
    for name, by_env in values.items():
        means = [statistics.fmean(part) for part in by_env.values() if part]
        whole = sum(map(len, by_env.values())) == levels.count(max(levels))
        mean = statistics.fmean(means) if means and whole else None
        assert getattr(found, f"{name}_mean") == (None if mean is None else pytest.approx(mean)), name
    for which in ("kept", "final"):
        deltas = [statistics.fmean(part) for part in values[f"{which}_training_delta"].values() if part]
        if len(deltas) > 1:
            mean = statistics.fmean(deltas)
            half = stats.t.ppf(0.975, len(deltas) - 1) * statistics.stdev(deltas) / math.sqrt(len(deltas))
            ends = [getattr(found, f"{which}_training_delta_{end}") for end in ("low", "high")]
            assert ends == pytest.approx([mean - half, mean + half], abs=1e-6)
    beyond = [figures(end, curves[env])["kept_training_delta"] for (env, _), end in final_telling.items()]
    assert found.accuracy_wins == sum(delta is not None and delta > 0 for delta in beyond)
    assert found.accuracy_ties == beyond.count(0.0)


def level(end: EpisodeEnded, curve: list[float]) -> int:
    return 0 if (end.epochs or 0) > len(curve) else 1 if end.kept_accuracy is None else 2


def figures(end: EpisodeEnded, curve: list[float]) -> dict[str, float | None]:
    """What an episode gives to each mean; it was never validated, so it has no peak."""
    epochs = end.epochs or 0
    alone = curve[epochs - 1] if epochs <= len(curve) else None
    pairs = {"": (end.kept_accuracy, end.growth_ratio), "final_": (end.final_accuracy, end.final_growth_ratio)}
    found: dict[str, float | None] = {"twin_accuracy": alone, "peak_training_delta": None}
    for name, (accuracy, growth) in pairs.items():
        found[(name or "kept_") + "accuracy"] = accuracy
        found[(name or "kept_") + "training_delta"] = accuracy - alone if None not in (accuracy, alone) else None  # type: ignore[operator]
        found[f"{name}growth_ratio"] = growth
        known = accuracy is not None and alone is not None and growth is not None
        found[f"{name}efficiency_ratio"] = (accuracy / alone) / growth if known else None  # type: ignore[operator]
    return found
