"""A few bytes in the run directory that the trainer and its collector both see, without asking each other.

>>> import tempfile
>>> mine = Control.make(Path(tempfile.mkdtemp()) / "control")
>>> its = Control.open(mine.path)
>>> its.fidelity, its.read = "dense", 17
>>> mine.fidelity, mine.read
('dense', 17)
"""

import mmap
import os
from pathlib import Path

from nissa.events.vocabulary import Fidelity

__all__ = ["CONTROL", "Control"]

CONTROL = "collector.map"
_LEVELS: tuple[Fidelity, ...] = ("normal", "dense")
_SIZE = 64
_MACHINE = slice(16, 52)
"""Where the name of the machine stands: bytes in memory are shared there and nowhere else."""


class Control:
    """What passes between trainer and collector, by its place among the bytes.

    0: how closely probes are to look. 4-7: in how many looks they take one. 8-15: how many numbers of events were read
    and worked off. 56-63: what that took, in microseconds of CPU.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), _SIZE)
        self._words, self._halves = memoryview(self._bytes).cast("Q"), memoryview(self._bytes).cast("I")
        self.here = self._bytes[_MACHINE] == _machine()
        """Whether it was made on this machine, so that what is written here is seen there."""

    @classmethod
    def make(cls, path: Path) -> "Control":
        """A new one at `path`, in place of any that is there. Raises OSError."""
        content, new = bytearray(_SIZE), path.with_name(f"{path.name}.tmp")
        content[_MACHINE] = _machine()
        # Whoever has the old one sees that there is another.
        new.write_bytes(content)
        new.replace(path)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> "Control":
        """That which the trainer made. Raises OSError, or ValueError if it is too short."""
        return cls(path)

    @property
    def fidelity(self) -> Fidelity:
        """How closely probes are to look."""
        return _LEVELS[self._bytes[0] & 1]

    @fidelity.setter
    def fidelity(self, level: Fidelity) -> None:
        self._bytes[0] = _LEVELS.index(level)

    @property
    def one_in(self) -> int:
        """Of so many looks that are due, probes are to take one."""
        return self._halves[1] or 1

    @one_in.setter
    def one_in(self, looks: int) -> None:
        self._halves[1] = looks

    @property
    def read(self) -> int:
        """The number behind that of the last event that went through all operators and sinks."""
        return self._words[1]

    @read.setter
    def read(self, following: int) -> None:
        self._words[1] = following

    @property
    def cpu(self) -> float:
        """Seconds that the collectors of the run have computed."""
        return self._words[7] / 1e6

    @cpu.setter
    def cpu(self, seconds: float) -> None:
        self._words[7] = int(seconds * 1e6)


def _machine() -> bytes:
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        name = os.uname().nodename
    return name.encode()[:36].ljust(36)
