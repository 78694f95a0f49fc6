"""The trainers of others take seconds to import: no test is looked for in these files where none is asked for."""

from pathlib import Path

import pytest

_OWN = ("test_door.py",)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Daily tests know of the door only."""
    return True if config.option.markexpr == "not deep" and collection_path.name not in _OWN else None
