"""Lives of seeds: of many environments at once, unfinished, and without epochs."""

from typing import Any

import pytest

from nissa.cli.runs.brief_claims import _show
from nissa.cli.runs.report.live.server import _ASKED
from nissa.cli.runs.report.page.elements import tag, text
from nissa.cli.runs.report.page.timeline import timeline
from nissa.cli.runs.report.report import _MOST
from nissa.cli.runs.report.taking import Lives
from nissa.events.kinds import SeedCulled, SeedGerminated
from tests.samples import event

BORN = SeedGerminated(slot="s", seed="x", blueprint="norm")


def drawn(*told: Any) -> str:
    lives = Lives()
    for each in told:
        lives(each)
    return text(tag("div", [*timeline(lives)]))


@pytest.mark.parametrize("envs", [3, 100])
def test_environments_in_step_keep_their_lives(envs: int) -> None:
    lives = Lives()
    for epoch in (1, 2):
        for env in range(envs):
            payload = BORN if epoch == 1 else SeedCulled(slot="s", seed="x", blueprint="norm")
            lives(event(payload, env=env, episode=0, epoch=epoch))
    assert (len([*lives.courses()]), lives.left_out) == (envs, 0)
    assert all(course.slots["s"][0].last == 2 for _, course in lives.courses())


def test_a_life_that_goes_on_goes_on_to_the_last_epoch() -> None:
    page = drawn(event(BORN, env=0, episode=0, epoch=1), event(BORN, env=0, episode=0, epoch=8))
    assert "from epoch 1 to 8" in page
    assert "to 9" not in page


def test_without_epochs_no_strip_is_drawn_and_that_is_said() -> None:
    page = drawn(event(BORN, env=0, episode=0))
    assert "tell no epoch" in page
    assert 'x="-' not in page


def test_a_seed_from_before_the_first_epoch_begins_at_the_edge() -> None:
    assert 'x="-' not in drawn(event(BORN, env=0, episode=0, epoch=0), event(BORN, env=0, episode=0, epoch=4))


def test_as_many_runs_are_asked_for_as_a_page_holds() -> None:
    assert _ASKED == _MOST


@pytest.mark.parametrize(("env", "word"), [("a; rm -rf ~", "'a; rm -rf ~'"), ("{x}", "'{x}'"), (3, "3")])
def test_a_command_to_copy_holds_a_name_as_one_word(env: object, word: str) -> None:
    assert _show(env, 0).format(path="run") == f"show run --env {word} --episode 0"
