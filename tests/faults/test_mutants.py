"""Each guard of what is promised is missed by a named test, when it is gone."""

from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS, Mutant, copied, killed, status_of
from tests.waiting import LIMIT

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("copy"))


def test_where_nothing_is_missing_all_named_tests_pass(copy: Path) -> None:
    assert not status_of({mutant.test: None for mutant in MUTANTS}, copy, LIMIT * 5)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.file}: {mutant.guard.strip()[:60]}")
def test_a_guard_that_is_gone_is_missed(mutant: Mutant, copy: Path) -> None:
    assert killed(mutant, copy), f"{mutant.test} does not notice"
