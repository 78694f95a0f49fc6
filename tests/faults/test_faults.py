"""Each trial, a few times; `make faults` makes them as often as one table says. And the judges see what is wrong."""

import random
from pathlib import Path
from typing import Any

import pytest

from nissa import Telemetry
from nissa.events.kinds import BatchCompleted
from nissa.sinks.run_log import segments
from tests.faults.books import consistent, whole
from tests.faults.children import told
from tests.faults.trial import Trial, again
from tests.faults.trials import PROMISES, TRIALS

DAILY = [trial for trial in TRIALS if trial.daily]


@pytest.mark.parametrize("trial", DAILY, ids=lambda trial: trial.name)
def test_what_is_promised_holds(trial: Trial) -> None:
    holds(trial, trial.daily)


@pytest.mark.deep
@pytest.mark.parametrize(
    "trial", [trial for trial in TRIALS if not trial.daily and trial.promise != 13], ids=lambda trial: trial.name
)
def test_what_is_promised_holds_where_others_try_it_every_day(trial: Trial) -> None:
    holds(trial, max(1, trial.usual // 10))


def holds(trial: Trial, times: int) -> None:
    outcome = trial.run(times, random.Random(0))
    assert not outcome.wrong, outcome.wrong[0][:4000]


def test_what_goes_wrong_in_a_process_of_a_trial_is_heard(tmp_path: Path) -> None:
    def wrong(out: Path, chance: random.Random) -> float:
        return told(lambda: 1 / (len(str(out)) * 0))

    outcome = again(wrong)(2, random.Random(0))
    assert (outcome.times, len(outcome.wrong)) == (2, 2)
    assert "ZeroDivisionError" in outcome.wrong[0]


@pytest.mark.parametrize(
    "harm",
    [
        lambda lines: [*lines, lines[3]],
        lambda lines: [*lines[:3], lines[3][:20] + b"\n", *lines[4:]],
        lambda lines: [*lines[:3], *lines[4:]],
        lambda lines: lines[:-1],
    ],
    ids=["twice", "damaged", "missing", "no end"],
)
def test_a_log_that_is_not_whole_is_not_taken_for_one(tmp_path: Path, harm: Any) -> None:
    with Telemetry("run", out=tmp_path / "run") as telemetry:
        for batch in range(9):
            telemetry.emit(BatchCompleted(batch=batch, loss=1.0))
    whole(tmp_path / "run", 9)
    (log,) = segments(tmp_path / "run")
    log.write_bytes(b"".join(harm(log.read_bytes().splitlines(keepends=True))))
    with pytest.raises(AssertionError):
        whole(tmp_path / "run", 9)
    with pytest.raises(AssertionError):
        consistent(tmp_path / "run", 12)


def test_every_promise_that_is_tried_is_named() -> None:
    assert {trial.promise for trial in TRIALS} == PROMISES.keys()
