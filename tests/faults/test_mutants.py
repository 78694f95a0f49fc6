"""Each guard of what is promised is missed by a named test, when it is gone."""

from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS, Mutant, copied, killed, tested

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("copy"))


def test_where_nothing_is_missing_a_named_test_passes(copy: Path) -> None:
    assert not tested(MUTANTS[0].test, copy)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.file}: {mutant.guard.strip()[:60]}")
def test_a_guard_that_is_gone_is_missed(mutant: Mutant, copy: Path) -> None:
    assert killed(mutant, copy), f"{mutant.test} does not notice"
