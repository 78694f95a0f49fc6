"""A run with a slot and without, by environment: against a table done by hand."""

from pathlib import Path
from typing import Any

import pytest

from nissa.events.kinds import EpisodeEnded
from nissa.trainer.repetition import RecordedRun, without_slot
from nissa.trainer.training import EpisodeRecord, History, Measured
from tests.samples import event


def recorded(*rows: tuple[int, int, float | None, float | None]) -> RecordedRun:
    run = RecordedRun(Path())
    for env, episode, kept, final in rows:
        ended = EpisodeEnded(outcome="completed", kept_accuracy=kept, final_accuracy=final)
        run.note(event(ended, env=env, episode=episode))
    return run


def trained(*rows: tuple[int, int, float | None, float]) -> History:
    episodes = []
    for env, episode, kept, final in rows:
        record = EpisodeRecord(env=env, episode=episode, val_accuracies=[final], val_losses=[1.0], growth_ratios=[1.0])
        record.kept = None if kept is None else Measured(kept, 1.0, 1.0)
        episodes.append(record)
    return History(episodes=episodes, twins=[], weights_digest="")


def test_each_environment_is_the_mean_of_its_episodes_and_the_interval_is_over_environments() -> None:
    run = recorded((0, 0, 90.0, 95.0), (0, 1, 92.0, 93.0), (1, 0, 80.0, 85.0))
    again = trained((0, 0, 88.0, 95.0), (1, 0, 81.0, 85.0), (0, 1, 90.0, 91.0))
    rows, kept, final = without_slot(run, again)
    assert [tuple(row) for row in rows] == [(0, 2, 91.0, 89.0, 94.0, 93.0), (1, 1, 80.0, 81.0, 85.0, 85.0)]
    # Differences of 2 and -1: their mean, and 12.706 x 1.5, Student's t of one degree of freedom.
    assert tuple(kept) == pytest.approx((0.5, 0.5 - 12.7062 * 1.5, 0.5 + 12.7062 * 1.5), abs=1e-3)
    assert final.mean == 0.5


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ((0, 0, None, 95.0), (0, 0, 88.0, 95.0)),
        ((0, 0, 90.0, None), (0, 0, 88.0, 95.0)),
        ((0, 0, 90.0, 95.0), (0, 0, None, 95.0)),
        ((0, 1, 90.0, 95.0), (0, 0, 88.0, 95.0)),
    ],
    ids=["kept not told", "final not told", "did not end again", "another episode"],
)
def test_an_episode_that_did_not_end_in_both_or_was_not_measured_is_in_no_row(was: Any, now: Any) -> None:
    rows, kept, final = without_slot(recorded(was), trained(now))
    assert (rows, kept.mean, final.mean) == ([], None, None)
