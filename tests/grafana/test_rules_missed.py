"""A scrape that fails now and then neither puts an alert off nor ends it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.grafana.promtool import judge
from tests.grafana.rules import GROUPS
from tests.grafana.stories import STORIES
from tests.grafana.story import Story

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"
)
FIRE = [story for story in STORIES if story.fires and story.alert != "NissaScrapeStale"]
"""Of which scrapes fail is what the one alert that is left out is about."""


@pytest.mark.parametrize("story", FIRE, ids=[f"{story.alert}: {story.name}" for story in FIRE])
def test_a_scrape_that_fails_while_an_alert_waits_does_not_put_it_off(story: Story, tmp_path: Path) -> None:
    at = story.fires[0] - 2 * story.step
    missed = replace(story, missed=((at, at + story.step),), silent=(), fires=story.fires[:1])
    assert judge(tmp_path, {"groups": GROUPS}, missed) == ""
