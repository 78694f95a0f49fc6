"""Inputs that were kept are refused in a line, or read; what led to a failure once among them."""

from collections.abc import Iterator

import pytest

from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS, close


@pytest.fixture(autouse=True, scope="module")
def served() -> Iterator[None]:
    yield
    close()


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_that_were_kept_are_read_or_plainly_refused(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)
