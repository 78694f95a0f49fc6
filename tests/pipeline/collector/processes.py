"""Trainers and collectors as processes of their own, which tests may kill: only such as they started, and none else."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from nissa.pipeline.collector.control import CONTROL, Control
from tests.waiting import until

__all__ = ["Trainer", "alive", "is_free", "send", "training"]


def send(pid: int, number: int) -> None:
    """Signal a process of ours. Raises ValueError on what would be a group, or everybody."""
    if pid <= 1 or pid == os.getpid():
        raise ValueError(f"not to be signalled: {pid}")
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def is_free(url: str) -> bool:
    """Whether the port of a URL can be had."""
    place = urlsplit(url)
    with socket.socket() as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((place.hostname, place.port))
        except OSError:
            return False
    return True


class Trainer:
    """`tests.pipeline.collector.trainer`, running; `group` makes it the leader of a process group of its own."""

    def __init__(self, out: Path, *arguments: int, group: bool = False) -> None:
        command = [sys.executable, "-m", "tests.pipeline.collector.trainer", str(out), *map(str, arguments)]
        self.out = out
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=group
        )
        self.collector = int(self._told("collector"))
        self.url = self._told("metrics")

    def _told(self, what: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            name, value = line.split()
            if name == what:
                return value
        raise AssertionError(f"the trainer ended: {self.process.stderr and self.process.stderr.read()}")

    def flushed(self) -> int:
        """Wait for the next epoch: the number behind that of the last event that is in the log."""
        return int(self._told("flushed"))

    def collecting(self) -> None:
        """Wait until the collector has read something."""
        until(lambda: Control.open(self.out / CONTROL).read)

    def kill(self) -> int:
        """`kill -9`; the last number that it told to be in the log."""
        send(self.process.pid, signal.SIGKILL)
        said, _ = self.process.communicate()
        return max((int(line.split()[1]) for line in said.splitlines() if line.startswith("flushed")), default=0)


@contextmanager
def training(out: Path, *arguments: int, group: bool = False) -> Iterator[Trainer]:
    """A trainer, which is gone after the block with its collector."""
    trainer = Trainer(out, *arguments, group=group)
    try:
        yield trainer
    finally:
        trainer.kill()
        send(trainer.collector, signal.SIGCONT)
        until(lambda: not alive(trainer.collector))
