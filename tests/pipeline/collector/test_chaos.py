"""Kills at random points, a few of each kind; `python -m tests.pipeline.collector.chaos` has as many as one likes."""

import random
from pathlib import Path

import pytest

from tests.pipeline.collector import chaos

pytestmark = pytest.mark.deep


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kill", [chaos.collector, chaos.trainer, chaos.both])
def test_whoever_is_killed_the_job_is_finished(tmp_path: Path, kill: chaos.Kill, seed: int) -> None:
    kill(tmp_path / "run", random.Random(seed))
