"""When is a run not trained again? A table of what differs, and what is said of it."""

from typing import Any

import pytest

from nissa.events.kinds import RunStarted
from nissa.trainer.repetition import differing, refusals

HERE: dict[str, Any] = {
    "git_commit": "a1",
    "versions": {"python": "3.12.1", "torch": "2.13.0"},
    "numerics": {"cpu_capability": "AVX2", "threads": "1", "interop_threads": "2"},
    "hardware": {"machine": "x86_64", "cores": "2"},
    "data_digest": "d1",
}


def told(**changes: Any) -> RunStarted:
    return RunStarted(**(HERE | changes))


@pytest.mark.parametrize(
    ("was", "reason"),
    [
        ({"git_commit": "b2"}, "commit was b2, is a1"),
        ({"git_commit": "a1-dirty"}, "the run was trained with files that differ from its commit a1"),
        ({"versions": {"python": "3.12.1", "torch": "2.6.0"}}, "version of torch was 2.6.0, is 2.13.0"),
        ({"versions": {"python": "3.12.1"}}, "version of torch was not told, is 2.13.0"),
        (
            {"numerics": HERE["numerics"] | {"cpu_capability": "AVX512"}},
            "numerics of cpu_capability was AVX512, is AVX2",
        ),
        ({"numerics": HERE["numerics"] | {"threads": "8"}}, "numerics of threads was 8, is 1"),
        ({"numerics": HERE["numerics"] | {"MKL_CBWR": "AVX"}}, "numerics of MKL_CBWR was AVX, is not told"),
        ({"data_digest": "d2"}, "the data: their digest was d2, is d1"),
        ({"data_digest": None}, "the data: their digest was not told, is d1"),
    ],
)
def test_a_difference_that_changes_numbers_is_a_reason_to_refuse(was: dict[str, Any], reason: str) -> None:
    assert refusals(told(**was), told()) == [reason]
    assert differing(told(**was), told()) == []


def test_files_that_differ_here_are_a_reason_too_and_both_commits_are_told() -> None:
    assert refusals(told(git_commit="b2-dirty"), told(git_commit="a1-dirty")) == [
        "the run was trained with files that differ from its commit b2",
        "files here differ from their commit a1",
        "commit was b2-dirty, is a1-dirty",
    ]


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        ({"git_commit": None}, {}, "the commit of the run is not known"),
        ({}, {"git_commit": None}, "the commit here is not known"),
        ({"hardware": HERE["hardware"] | {"cores": "64"}}, {}, "hardware of cores was 64, is 2"),
        (
            {"numerics": HERE["numerics"] | {"OMP_NUM_THREADS": "1"}},
            {},
            "numerics of OMP_NUM_THREADS was 1, is not told",
        ),
        (
            {"numerics": HERE["numerics"] | {"interop_threads": "32"}},
            {},
            "numerics of interop_threads was 32, is 2",
        ),
    ],
)
def test_what_changes_no_number_by_itself_is_told_and_not_refused(was: Any, now: Any, line: str) -> None:
    assert refusals(told(**was), told(**now)) == []
    assert differing(told(**was), told(**now)) == [line]


def test_the_same_conditions_leave_nothing_to_say() -> None:
    assert refusals(told(), told()) == differing(told(), told()) == []
