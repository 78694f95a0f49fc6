"""A process of a job finds out which rank it is, and its run is that rank's."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nissa.events.kinds import RunResumed, RunStarted
from nissa.pipeline.following import runs_meant
from nissa.pipeline.rank import rank_here
from nissa.pipeline.run_context import run_started
from nissa.pipeline.sources import Reading, read_log
from nissa.pipeline.telemetry import Telemetry


def starts(run: Path) -> list[RunStarted]:
    return [e.payload for e in read_log(run, Reading()) if isinstance(e.payload, RunStarted)]


def in_job(patch: pytest.MonkeyPatch, rank: object, world_size: object) -> None:
    patch.setenv("RANK", str(rank))
    patch.setenv("WORLD_SIZE", str(world_size))


@pytest.mark.parametrize(
    ("rank", "world_size", "found"),
    [
        (1, 4, (1, 4)),
        (0, 1, None),
        (4, 4, None),
        (-1, 4, None),
        ("", 4, None),
        ("one", "two", None),
        ("²", 4, None),
    ],
)
def test_torchrun_says_which_rank_it_is_where_there_are_several(
    rank: object, world_size: object, found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, rank, world_size)
    here = rank_here()
    assert (here and here[1:]) == found


def test_without_a_job_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert rank_here() is None
    monkeypatch.setenv("RANK", "0")
    assert rank_here() is None


@pytest.mark.parametrize(("world_size", "found"), [(8, (5, 8)), (1, None)])
def test_an_initialized_process_group_knows_better(
    world_size: int, found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, 1, 4)
    group = SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: True,
        get_rank=lambda: min(5, world_size - 1),
        get_world_size=lambda: world_size,
    )
    monkeypatch.setitem(sys.modules, "torch.distributed", group)
    here = rank_here()
    assert (here and here[1:]) == found


def test_each_rank_writes_a_run_of_its_own_in_the_folder_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rank in (1, 0):
        in_job(monkeypatch, rank, 2)
        with Telemetry("net", out=tmp_path / "net") as telemetry:
            assert telemetry.run == f"net-rank-{rank}"
            telemetry.emit(run_started(base_seed=7))
        first, told = starts(tmp_path / f"net/rank-{rank}")
        assert (first.job, first.rank, first.world_size) == ("net", rank, 2)
        assert (told.job, told.rank, told.world_size, told.base_seed) == ("net", rank, 2, 7)
        assert first.versions == told.versions != {}
    assert {path.name for path in runs_meant(tmp_path / "net")} >= {"rank-0", "rank-1"}


def test_a_job_without_a_name_is_called_as_its_folder_and_goes_on_under_the_name_that_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, 1, 2)
    with Telemetry(out=tmp_path / "net") as telemetry:
        assert telemetry.run == "net-rank-1"
    with Telemetry(out=tmp_path / "net", resume=True) as telemetry:
        assert telemetry.run == "net-rank-1"
    with Telemetry("net", out=tmp_path / "net", resume=True) as telemetry:
        assert telemetry.run == "net-rank-1"
    assert len(starts(tmp_path / "net/rank-1")) == 1, "a run that goes on has started before"
    in_job(monkeypatch, 1, 3)
    with Telemetry(out=tmp_path / "net", resume=True):
        pass
    told = [event.payload for event in read_log(tmp_path / "net/rank-1", Reading())]
    assert [payload.world_size for payload in told if isinstance(payload, RunResumed)] == [2, 2, 3]
    with Telemetry("mine", out=tmp_path / "other"):
        pass
    with Telemetry(out=tmp_path / "other", resume=True) as telemetry:
        assert telemetry.run == "mine-rank-1"


def test_a_port_is_taken_by_rank_0_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = []
    for rank in (0, 1):
        in_job(monkeypatch, rank, 2)
        with Telemetry("net", metrics=0, linger=0) as telemetry:
            urls.append(telemetry.metrics_url)
    assert urls[0]
    assert urls[1] is None


def test_two_processes_of_the_same_rank_are_told_that_one_directory_has_one_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_job(monkeypatch, 1, 2)
    with Telemetry("net", out=tmp_path), pytest.raises(FileExistsError, match=r"rank-1 is being written by another"):
        Telemetry("net", out=tmp_path)


def test_a_process_alone_is_no_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_job(monkeypatch, 0, 1)
    with Telemetry("net", out=tmp_path / "net") as telemetry:
        telemetry.emit(RunStarted())
    (told,) = starts(tmp_path / "net")
    assert (told.job, told.rank, told.world_size) == (None, None, None)
