"""Is this process one of several that train a network together? Then its run is that of a rank, in the job's folder.

>>> job = Job("mnist", rank=2, world_size=4)
>>> job.run, job.directory(Path("runs/mnist")).as_posix()
('mnist-rank-2', 'runs/mnist/rank-2')
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from nissa.events.kinds import RunStarted

__all__ = ["Job", "rank_here", "rank_in"]

_DIRECTORY = "rank-"


class Job(NamedTuple):
    """A job, and which of its processes this is."""

    name: str
    rank: int
    world_size: int

    @property
    def run(self) -> str:
        """The name of this rank's run: no two ranks have the same."""
        return f"{self.name}{_suffix(self.rank)}"

    def directory(self, out: Path) -> Path:
        """That of this rank in the folder of the job."""
        return out / f"{_DIRECTORY}{self.rank}"

    def placed(self, told: RunStarted) -> RunStarted:
        """The start of the run with the rank in it, where that is not told."""
        own: dict[str, Any] = {"job": self.name, "rank": self.rank, "world_size": self.world_size}
        return replace(told, **{name: value for name, value in own.items() if getattr(told, name) is None})

    def called(self, name: str) -> "Job":
        """The same rank of the job of that name, or of the job that a rank's run of that name belongs to."""
        return self._replace(name=name.removesuffix(_suffix(self.rank)))


def rank_here() -> Job | None:
    """The rank of this process, in a job without a name; None where it trains alone.

    As torch.distributed says, where it is loaded and initialized, and else as `torchrun` and its like say by RANK and
    WORLD_SIZE.
    """
    rank, world_size = _of_torch() or _of_environment()
    return Job("", rank, world_size) if 0 <= rank < world_size > 1 else None


def rank_in(directory_name: str) -> int | None:
    """The rank that writes the directory of that name, in the folder of its job; None where that is no rank's.

    >>> rank_in("rank-2"), rank_in("job")
    (2, None)
    """
    number = directory_name.removeprefix(_DIRECTORY)
    is_rank = number != directory_name and number.isascii() and number.isdecimal()
    return int(number) if is_rank else None


def _of_torch() -> tuple[int, int] | None:
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed.get_rank(), distributed.get_world_size()


def _of_environment() -> tuple[int, int]:
    told = [os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE")]
    rank, world_size = (int(text) if text.isascii() and text.isdecimal() else -1 for text in told)
    return rank, world_size


def _suffix(rank: int) -> str:
    return f"-rank-{rank}"
