"""Each alert is silent while all is well and while its fault is young, fires when it must, and is over when that is."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.grafana.clocks import ACCEPTED, BEAT, ENDED, FAILED, LAST, alive, lives
from tests.grafana.promtool import judge
from tests.grafana.rules import ALERTS, GROUPS
from tests.grafana.stories import STORIES
from tests.grafana.story import Line, Story, steps

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"),
]
WORST = {story.alert: story for story in reversed(STORIES) if story.fires}
"""The first story by alert in which it fires."""
OF_RUNS = [alert for alert in WORST if not alert.startswith("NissaCluster")]
"""The watchdog of a cluster outlives all runs: where it is scraped, what it tells is so."""
_SINCE, _UNTIL = 40.0, 120.0
"""Minutes for which a run that is over is looked at; what ended did so at minute 10."""
_TIMES = (41, 43, 45, 48, 51, 56, 61, 71, 90, 115)
_DIED = {LAST: alive(), BEAT: alive()}
_COMPLETED = {**_DIED, ENDED: steps((0, 600))}
_LIVES_ON = {LAST: steps((0, 600)), BEAT: steps((0, 600)), ENDED: steps((0, 600)), FAILED: alive()}
_LIVES = {LAST: alive((0, 99)), BEAT: alive((0, 99))}


def missed(story: Story) -> Story:
    """The same with one scrape that fails just before the alert fires."""
    at = story.fires[0] - 2 * story.step
    return replace(story, missed=((at, at + story.step),), silent=(), fires=story.fires[:1])


def looked_at(alert: str, clocks: Mapping[str, Line], how: str, **later: Line) -> Story:
    """A story that stands still at its worst minute, and is looked at much later."""
    story = WORST[alert]
    lines = {**story.lines(), **clocks, "up@PROCESS": steps((0, 1)), ACCEPTED: steps((0, 700))}
    still = {name: _shown(line, story.fires[0]) for name, line in lines.items()}
    return Story(alert=alert, name=f"{story.name}, {how}", series={**still, **later}, silent=_TIMES, step=1)


def _shown(line: Line, at: float) -> Line:
    """What a series was at a time, as long as it is looked at."""
    value = line(at)
    return lambda minute: value if _SINCE <= minute < _UNTIL else None


def each(*stories: Story) -> pytest.MarkDecorator:
    """A test for each story."""
    return pytest.mark.parametrize("story", stories, ids=[f"{story.alert}: {story.name}" for story in stories])


@pytest.fixture(scope="module")
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, str]:
    """What promtool says of the stories that are asked for, by their id: all at once, because each start takes long."""
    here = [item for item in request.session.items if item.path == request.path]
    asked: list[Story] = [item.callspec.params["story"] for item in here if hasattr(item, "callspec")]
    complaints = judge(tmp_path_factory.mktemp("stories"), [(GROUPS, story) for story in asked])
    return {id(story): complaint for story, complaint in zip(asked, complaints, strict=True)}


@each(*STORIES)
def test_an_alert_fires_when_it_must_and_alone(story: Story, said: Mapping[int, str]) -> None:
    assert said[id(story)] == ""


def test_every_alert_has_a_story_in_which_it_fires_and_is_over() -> None:
    assert {story.alert for story in STORIES if story.fires and max(story.silent) > story.fires[0]} == set(ALERTS)


# Of which scrapes fail is what the one alert that is left out is about.
@each(*(missed(story) for story in STORIES if story.fires and story.alert != "NissaScrapeStale"))
def test_a_scrape_that_fails_while_an_alert_waits_does_not_put_it_off(story: Story, said: Mapping[int, str]) -> None:
    assert said[id(story)] == ""


@each(
    *(looked_at(alert, _DIED, "and it died") for alert in OF_RUNS),
    *(looked_at(alert, _COMPLETED, "and it completed") for alert in OF_RUNS),
    *(looked_at(alert, _LIVES_ON, "and its process lives on") for alert in OF_RUNS),
)
def test_what_is_over_or_only_looked_at_is_nobodys_alert(story: Story, said: Mapping[int, str]) -> None:
    assert said[id(story)] == ""


@each(
    *(
        looked_at(alert, {}, "and it lives", **_LIVES)
        for alert in ("NissaOverMutation", "NissaSinkDown", "NissaAccuracyDrop", "NissaPipelineFault")
    )
)
def test_the_same_of_a_run_that_lives_is_one(story: Story, said: Mapping[int, str]) -> None:
    assert f'alertname="{story.alert}"' in said[id(story)]


def test_a_run_that_died_and_begins_anew_leaves_no_other_alert_behind(tmp_path: Path) -> None:
    """Prometheus may judge what others ask for after them: then they are told what was so one evaluation before."""
    asked_last = sorted(GROUPS, key=lambda group: group["name"] == "nissa-alive")
    story = Story(
        alert="NissaScrapeStale", name="begun anew, it is silent", series=lives((0, 20), (30, 99)), silent=(30,)
    )
    assert judge(tmp_path, [(asked_last, story)]) == [""]
