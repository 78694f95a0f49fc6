"""Four processes that train together over gloo, whole and sharded: what the job tells, against their joined logs."""

import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nissa.events.codec import encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import AlertRaised, BatchCompleted, EpochCompleted, RanksCompared, StepTimed
from nissa.pipeline.sources import Reading, UnreadableRunError, read_log
from tests.operators.ranks.jobs import derived
from tests.pipeline.jobs.four_ranks import CASES, STEPS
from tests.waiting import LIMIT, until

pytestmark = pytest.mark.deep  # four processes load torch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases, trained."""
    out = tmp_path_factory.mktemp("four")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "4"]
    command = [*torchrun, "-m", "tests.pipeline.jobs.four_ranks", str(out)]
    root = Path(__file__).parents[3]
    subprocess.run(command, cwd=root, check=True, timeout=3 * LIMIT, capture_output=True)
    until(lambda: all(map(partial(has_ended, out), CASES)))
    return out


def has_ended(folder: Path, case: str) -> bool:
    with suppress(UnreadableRunError):
        return bool(told(folder, case)[-1].payload.kind == "run_ended")
    return False


def told(folder: Path, case: str, run: str = "job") -> list[Event[Any]]:
    return [event for event in read_log(folder / case / run, Reading()) if not event.ordinal]


def of(folder: Path, case: str, kind: type[Any]) -> list[Any]:
    return [event.payload for event in told(folder, case) if isinstance(event.payload, kind)]


def lines(payloads: list[Any]) -> list[bytes]:
    return [encode(Event(0, 0.0, Scope("x"), payload)) for payload in payloads]


@pytest.mark.parametrize("case", CASES)
def test_merged_results_are_those_of_one_process_over_the_joined_logs(folder: Path, case: str) -> None:
    joined = [event for rank in range(4) for event in told(folder, case, f"rank-{rank}")]
    joined.sort(key=lambda event: event.time)
    assert lines([event.payload for event in told(folder, case)]) == lines(derived(joined))


@pytest.mark.parametrize("case", CASES)
def test_counts_add_up_exactly_and_the_loss_is_the_mean_over_samples(folder: Path, case: str) -> None:
    rows = of(folder, case, RanksCompared)
    assert sum(row.steps for row in rows) == 2 * STEPS
    assert {(row.incomplete, row.timed_out, row.late) for row in rows} == {(0, 0, 0)}
    assert sum(row.samples for row in rows) == 2 * STEPS * (8 + 9 + 10 + 11)
    total = 0.0
    for rank in range(4):
        events = [event.payload for event in told(folder, case, f"rank-{rank}")]
        assert {event.samples for event in events if isinstance(event, StepTimed)} == {8 + rank}
        total += sum(event.loss for event in events if isinstance(event, BatchCompleted)) * (8 + rank)
    assert sum(row.loss * row.samples for row in rows) == pytest.approx(total, rel=1e-12)
    epochs = of(folder, case, EpochCompleted)
    assert [(epoch.n_val, epoch.val_loss) for epoch in epochs] == [(46, pytest.approx((11 + 24 + 39) / 46))] * 2


def test_the_norm_of_a_sharded_gradient_is_that_of_the_whole(folder: Path) -> None:
    whole, sharded = (of(folder, case, RanksCompared) for case in ("ddp-none", "sharded-none"))

    def mean(rows: list[RanksCompared]) -> float:
        return sum((row.grad_norm or 0.0) * row.steps for row in rows) / (2 * STEPS)

    assert mean(sharded) == pytest.approx(mean(whole), rel=1e-4)
    norms = [rank.grad_norm for rank in whole[0].ranks]
    assert norms == pytest.approx([norms[0]] * 4, rel=1e-6), "one gradient, which all hold"
    parts = {round(rank.grad_norm or 0.0, 6) for rank in sharded[0].ranks}
    assert len(parts) == 4, "four shards"


@pytest.mark.parametrize(
    ("case", "alert", "subject"),
    [
        ("ddp-work", "rank_straggler", "rank 2 own work"),
        ("ddp-loading", "rank_straggler", "rank 2 data loading"),
        ("sharded-loading", "rank_straggler", "rank 2 data loading"),
        ("ddp-loss", "rank_diverged", "rank 2 loss"),
    ],
)
def test_the_rank_with_a_fault_is_named_within_ten_steps(folder: Path, case: str, alert: str, subject: str) -> None:
    raised = [(one.alert, one.subject) for one in of(folder, case, AlertRaised)]
    assert (alert, subject) in raised
    first = next(row for row in of(folder, case, RanksCompared) if alert in row.ranks[2].alerts)
    assert first.epoch == 2
    assert first.batch < 10


@pytest.mark.parametrize("case", CASES)
def test_nobody_else_goes_another_way_or_is_silent(folder: Path, case: str) -> None:
    """Who is slow on a busy machine is for the machine to say."""
    raised = {(one.alert, one.subject) for one in of(folder, case, AlertRaised) if one.alert != "rank_straggler"}
    assert raised == ({("rank_diverged", "rank 2 loss")} if case == "ddp-loss" else set())
