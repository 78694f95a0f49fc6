"""What is over, or only looked at, is nobody's alert: a run that ended, and a recorded one behind `nissa serve`."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.grafana.clocks import ACCEPTED, BEAT, ENDED, FAILED, LAST, alive
from tests.grafana.promtool import judge
from tests.grafana.rules import GROUPS
from tests.grafana.stories import STORIES
from tests.grafana.story import Line, Story, steps

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"
)
_SINCE, _UNTIL = 40.0, 120.0
"""Minutes for which it is looked at; what ended did so at minute 10."""
_TIMES = (41, 43, 45, 48, 51, 56, 61, 71, 90, 115)

_DIED = {LAST: alive(), BEAT: alive()}
_COMPLETED = {**_DIED, ENDED: steps((0, 600))}
_LIVES_ON = {LAST: steps((0, 600)), BEAT: steps((0, 600)), ENDED: steps((0, 600)), FAILED: alive()}
WORST = {story.alert: story for story in reversed(STORIES) if story.fires}
"""The first story by alert in which it fires."""


def _shown(line: Line, at: float) -> Line:
    """What a series was at a time, as long as it is looked at."""
    value = line(at)
    return lambda minute: value if _SINCE <= minute < _UNTIL else None


def looked_at(story: Story, clocks: Mapping[str, Line]) -> Story:
    """The story stands still at its worst minute, and is looked at much later."""
    lines = {**story.lines(), **clocks, "up@PROCESS": steps((0, 1)), ACCEPTED: steps((0, 700))}
    still = {name: _shown(line, story.fires[0]) for name, line in lines.items()}
    return Story(alert=story.alert, name=f"{story.name}, looked at later", series=still, silent=_TIMES, step=1)


@pytest.mark.parametrize("clocks", [_DIED, _COMPLETED, _LIVES_ON], ids=["died", "completed", "lives on"])
@pytest.mark.parametrize("alert", WORST)
def test_what_is_over_is_no_alert(alert: str, clocks: Mapping[str, Line], tmp_path: Path) -> None:
    assert judge(tmp_path, {"groups": GROUPS}, looked_at(WORST[alert], clocks)) == ""


@pytest.mark.parametrize("alert", ["NissaOverMutation", "NissaSinkDown", "NissaAccuracyDrop", "NissaPipelineFault"])
def test_the_same_of_a_run_that_lives_is_one(alert: str, tmp_path: Path) -> None:
    story = looked_at(WORST[alert], {})
    lives = replace(story, series={**story.series, LAST: alive((0, 99)), BEAT: alive((0, 99))})
    assert f'alertname="{alert}"' in judge(tmp_path, {"groups": GROUPS}, lives)
