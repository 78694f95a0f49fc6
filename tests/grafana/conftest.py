"""The dashboards as they are shipped, and a past for them to show."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.past import Past, lived
from tests.prometheus import Prometheus


@pytest.fixture(scope="session")
def boards(root: Path) -> dict[str, dict[str, Any]]:
    """Grafana's JSON by uid."""
    documents = [json.loads(file.read_text()) for file in sorted((root / "grafana/dashboards").glob("*.json"))]
    return {document["uid"]: document for document in documents}


@pytest.fixture(scope="session")
def past(demo: Path, boards: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Six hours of history."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on this machine: apt-get install prometheus")
    directory = tmp_path_factory.mktemp("past")
    told = lived(demo, boards, directory / "data")
    # A backfill has no end marks, which a real scrape leaves at once.
    told.prometheus = Prometheus(directory, lookback="20s")
    try:
        told.prometheus.wait(lambda: told.prometheus.query("vector(1)"))
        yield told
    finally:
        told.prometheus.stop()
