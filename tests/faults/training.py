"""Training goes on under each fault as if nothing was there: the same losses, weights and generators, bit for bit."""

import random
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from nissa import Telemetry
from tests.faults.children import told
from tests.faults.trial import Outcome, again
from tests.faults.under import FAULTS, Fault
from tests.trainer.test_reproducible import trained

__all__ = ["alone", "trained_under", "untouched"]


def trained_under(fault: Fault, out: Path) -> Any:
    """What a training under a fault comes to, in this process."""
    out.parent.chmod(0o755)
    with fault.begin(out) as telemetry:
        return trained(telemetry)


def untouched(times: int, chance: random.Random) -> Outcome:
    """Trainings under so many faults, in turn."""
    expected, faults = told(alone), cycle(FAULTS)

    def same(out: Path, _: random.Random) -> None:
        fault = next(faults)
        assert told(partial(trained_under, fault, out)) == expected, fault.name

    return again(same)(times, chance)


def alone() -> Any:
    """What a training comes to without any fault, in this process."""
    with Telemetry("alone") as telemetry:
        return trained(telemetry)
