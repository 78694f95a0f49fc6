"""Each alert is silent while all is well and while its fault is young, fires when it must, and is over when that is."""

import shutil
from pathlib import Path

import pytest

from tests.grafana.promtool import judge
from tests.grafana.rules import ALERTS, GROUPS
from tests.grafana.stories import STORIES
from tests.grafana.story import Story

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"
)


@pytest.mark.parametrize("story", STORIES, ids=[f"{story.alert}: {story.name}" for story in STORIES])
def test_an_alert_fires_when_it_must_and_alone(story: Story, tmp_path: Path) -> None:
    assert judge(tmp_path, {"groups": GROUPS}, story) == ""


def test_every_alert_has_a_story_in_which_it_fires_and_is_over() -> None:
    assert {story.alert for story in STORIES if story.fires and max(story.silent) > story.fires[0]} == set(ALERTS)
