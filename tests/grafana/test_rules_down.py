"""What the rules know of a run after Prometheus was down itself, so that it recorded nothing for a while."""

from collections.abc import Iterator

import pytest

from tests.grafana.rules import RECORDED
from tests.grafana.test_gone import Lines, every, place, serving
from tests.prometheus import Prometheus

DOWN, UP = 2000.0, 4000.0
LAST = "nissa_run_last_event_timestamp_seconds"
RECORDS = "run:nissa_run_last_event_timestamp_seconds:last1h"
TOLD = [(at, at) for at, _ in every(UP + 60) if not DOWN < at < UP]
LINES: Lines = {name + place("old", "a:1"): TOLD for name in (LAST, RECORDS)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It was down for half an hour, and came back a minute ago."""
    yield from serving(LINES, tmp_path_factory.mktemp("down"))


def test_a_run_that_it_knew_before_is_watched_still(server: Prometheus) -> None:
    rows = server.get("query", query=RECORDED["run:nissa_run_watched:last1h"], time=str(UP + 60))["result"]
    assert [row["metric"]["run"] for row in rows] == ["old"]
