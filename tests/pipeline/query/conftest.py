"""Runs to ask, and how they are asked."""

import os
import shutil
from pathlib import Path

import pytest

from tests.pipeline.query.asking import Ask, ask


@pytest.fixture(scope="module")
def run(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo in a directory of its own, where tables may be kept."""
    own = tmp_path_factory.mktemp("asked") / "run"
    shutil.copytree(demo, own, copy_function=os.link, ignore=shutil.ignore_patterns(".tables"))
    return own


@pytest.fixture(scope="module")
def demo_says(run: Path) -> Ask:
    """Asks the demo."""
    return lambda sql: ask(run, sql)
