"""Training goes on under each fault, bit for bit; `tests/trainer/test_reproducible.py` has other ways to be harmed."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.children import told
from tests.faults.training import alone, trained_under
from tests.faults.under import FAULTS, Fault

_DAILY = ("a disk that hangs", "a clock that jumps both ways")


@pytest.fixture(scope="module")
def expected() -> Any:
    return told(alone)


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=() if fault.name in _DAILY else pytest.mark.deep) for fault in FAULTS],
    ids=lambda fault: fault.name,
)
def test_training_is_bit_identical_under(fault: Fault, tmp_path: Path, expected: Any) -> None:
    assert told(partial(trained_under, fault, tmp_path / "run")) == expected
