"""The dashboards as they are shipped."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def boards(root: Path) -> dict[str, dict[str, Any]]:
    """Grafana's JSON by uid."""
    documents = [json.loads(file.read_text()) for file in sorted((root / "grafana/dashboards").glob("*.json"))]
    return {document["uid"]: document for document in documents}
