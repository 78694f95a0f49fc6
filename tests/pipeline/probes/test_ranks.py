"""Two ranks of DistributedDataParallel, as the documents have them: each tells a run of its own, and none waits."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nissa.events.kinds import BatchCompleted, EpochCompleted, GradientsMeasured, RunEnded
from nissa.pipeline.sources import Reading, read_log
from tests.waiting import LIMIT

PAGE = Path(__file__).parents[3] / "docs/trainers.md"


@pytest.mark.deep  # two processes load torch
def test_two_ranks_tell_as_the_page_says(tmp_path: Path) -> None:
    found = re.search(r"With `torchrun (.*) ddp\.py`:\n\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    assert len(found[2].splitlines()) <= 40
    (tmp_path / "ddp.py").write_text(found[2])
    command = [sys.executable, "-m", "torch.distributed.run", *found[1].split(), "ddp.py"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=LIMIT, capture_output=True)
    ranks = [[e.payload for e in read_log(tmp_path / f"runs/ddp/rank-{n}", Reading())] for n in (0, 1)]
    for told in ranks:
        kinds = [type(payload) for payload in told]
        assert (kinds.count(BatchCompleted), kinds.count(EpochCompleted)) == (60, 3)
        assert [payload.outcome for payload in told if isinstance(payload, RunEnded)] == ["completed"]
    losses, gradients = (
        [[payload for payload in told if isinstance(payload, kind)] for told in ranks]
        for kind in (BatchCompleted, GradientsMeasured)
    )
    assert losses[0] != losses[1], "each rank has its own data"
    assert len(gradients[0]) == 6
    assert gradients[0] == gradients[1], "and the gradients of both"
