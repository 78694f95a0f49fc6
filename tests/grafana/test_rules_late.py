"""Prometheus may judge what other rules ask for after them: then they are told what was so one evaluation before."""

import shutil
from pathlib import Path

import pytest

from tests.grafana.clocks import lives
from tests.grafana.promtool import judge
from tests.grafana.rules import GROUPS
from tests.grafana.story import Story

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus"
)
ASKED_LAST = sorted(GROUPS, key=lambda group: group["name"] == "nissa-alive")


def test_a_run_that_died_and_begins_anew_leaves_no_other_alert_behind(tmp_path: Path) -> None:
    story = Story(
        alert="NissaScrapeStale", name="begun anew, it is silent", series=lives((0, 20), (30, 99)), silent=(30,)
    )
    assert judge(tmp_path, {"groups": ASKED_LAST}, story) == ""
