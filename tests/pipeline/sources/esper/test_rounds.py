"""Episodes that no line tells: known from rounds where they can be, and otherwise None, never a guess."""

from typing import Any

import pytest

from tests.pipeline.sources.conftest import Write
from tests.pipeline.sources.esper.old_lines import born, closed, epoch, line, stable, started, updated
from tests.pipeline.sources.reading import read

Rows = list[dict[str, Any]]
FEWER = "episodes_completed: fewer than before, so the round before it was of another training"
NO_HEAD = "batch: not the first, so the log has no head, and its first round is misnumbered"


@pytest.fixture
def episodes(write: Write) -> Any:
    """The episodes of germinations and epochs, and whether a doubt was told."""

    def found(*rows: dict[str, Any]) -> tuple[list[int | None], set[str]]:
        events, reading = read(write(*rows))
        assert reading.foreign
        kinds = ("seed_germinated", "epoch_completed")
        doubts = {FEWER, NO_HEAD} & reading.foreign.odd.keys()
        return [event.scope.episode for event in events if event.payload.kind in kinds], doubts

    return found


def test_it_is_the_round_and_the_environment(episodes: Any) -> None:
    first = [stable(1), born(env=1), stable(0), born(env=0), updated(1, 4)]
    second = [stable(0), born(env=0), stable(3), born(env=3), updated(2, 8)]
    assert episodes(*first, *second, stable(2), born(env=2)) == ([1, 0, 4, 7, 10], set())


def test_without_rounds_there_is_none(episodes: Any) -> None:
    assert episodes(born(), born(env=1), born()) == ([None] * 3, set())


def test_before_the_first_close_of_a_log_without_its_head_there_is_none(episodes: Any) -> None:
    assert episodes(born(), stable(), born(), updated(7, 28), stable(), born(env=2)) == ([None, None, 30], set())


def test_a_head_that_was_cut_between_rounds_is_told_at_the_next_close(episodes: Any) -> None:
    found, doubts = episodes(stable(), born(), updated(5, 20), born())
    assert (found[1], doubts) == (20, {NO_HEAD})


@pytest.mark.parametrize("again", [stable(0, 8), stable(0, 30), stable(1, 5)])
def test_a_round_that_was_rolled_back_and_is_closed_by_no_line_counts(episodes: Any, again: dict[str, Any]) -> None:
    """An environment that is stable a second time, or another at an earlier epoch, is in the next round."""
    rows = [stable(), updated(1, 4), stable(0, 8), born(), again, born(), updated(3, 12), stable(), born()]
    assert episodes(*rows) == ([4, 8, 12], set())


def test_where_its_size_is_not_known_it_is_none_until_the_next_close(episodes: Any) -> None:
    assert episodes(stable(), born(), stable(), born(), updated(2, 8), born()) == ([0, None, 8], set())


def test_what_closes_a_round_may_come_twice_and_under_other_names(episodes: Any) -> None:
    batch = line("BATCH_EPOCH_COMPLETED", {"batch_idx": 2, "episodes_completed": 4})
    rows = [
        started(),
        epoch(1),
        epoch(1, env=1),
        closed(2),
        updated(1, 2),
        average_of(2),
        epoch(1, env=1),
        batch,
        epoch(1),
    ]
    assert episodes(*rows) == ([0, 1, 3, 4], set())


def average_of(completed: int) -> dict[str, Any]:
    """A line about one environment that comes after the close of its round."""
    data = {"kind": "throughput", "env_id": 0, "episodes_completed": completed}
    return line("ANALYTICS_SNAPSHOT", data)


def test_a_close_that_is_lost_makes_them_unknown_until_the_next(episodes: Any) -> None:
    rows = [started(), epoch(1), epoch(2), epoch(1), epoch(2), closed(4), epoch(1)]
    assert episodes(*rows) == ([0, 0, None, None, 4], set())


def test_a_training_that_goes_on_with_another_begins_where_that_ended(episodes: Any) -> None:
    assert episodes(started(start_episode=6), epoch(1, env=1)) == ([7], set())
    assert episodes(started(resume_path="x.pt"), epoch(1), closed(8), epoch(1)) == ([None, 8], set())


def test_the_heuristic_starts_anew_with_each_episode(episodes: Any) -> None:
    alone = {"episode_id": "heur_3", "mode": "heuristic", "n_envs": None, "start_episode": 0}
    assert episodes(started(**alone), epoch(1), started(**alone), epoch(1), started(**alone), epoch(1))[0] == [0, 1, 2]
    assert episodes(epoch(1), started(**alone), epoch(1), started(**alone), epoch(1))[0] == [None] * 3


def test_one_that_is_told_holds_and_says_where_the_round_is(episodes: Any) -> None:
    assert episodes(born(env=1, episode_idx=5), epoch(1), epoch(1, env=1)) == ([5, 4, 5], set())


def test_a_training_that_was_appended_is_noticed_at_its_first_close(episodes: Any) -> None:
    rows = [stable(), updated(1, 4), stable(), updated(2, 8), stable(), born(), updated(1, 4), stable(), born()]
    found, doubts = episodes(*rows)
    assert (found[-1], doubts) == (4, {FEWER})


def test_a_round_has_no_environment_beyond_its_size(episodes: Any) -> None:
    assert episodes(started(), epoch(1, env=1), epoch(1, env=2)) == ([1, None], set())
