"""A real log of esper-lite, where there is one, and a short one in the same form, written by hand."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def esper_log(request: pytest.FixtureRequest, root: Path) -> Path:
    """The log that --esper-log names."""
    path = Path(request.config.getoption("--esper-log") or root.parent / "shared" / "esper" / "events.jsonl")
    if not path.exists():
        pytest.skip(f"no log of esper-lite at {path}: give one with --esper-log PATH")
    return path


@pytest.fixture(scope="session")
def esper_rows(esper_log: Path) -> list[dict[str, Any]]:
    """Its events, each once, read by Python's own json."""
    rows: dict[str, dict[str, Any]] = {}
    for line in esper_log.read_text().splitlines():
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            rows.setdefault(row["event_id"], row)
    return list(rows.values())


@pytest.fixture
def excerpt(root: Path) -> Path:
    """37 lines, with all that is known to go wrong in such logs."""
    return root / "tests/pipeline/sources/esper/esper_excerpt.jsonl"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows, or lines as they are, to a log."""

    def to_file(*rows: Any, name: str = "events.jsonl") -> Path:
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
        return tmp_path / name

    return to_file
