"""Scalars for W&B: what `Curves` has of events. Each environment is a run of W&B's, and a run is a group of them.

W&B's library stays out of the trainer. It replaces `sys.exit` and `sys.excepthook`, waits without limit when a process
ends, and would hand our run to a trainer that calls `wandb.init` itself. A process of ours has it instead.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import IO, Any

import orjson

from nissa.events.event import Event
from nissa.sinks.curves import Curves
from nissa.sinks.packages import MissingPackageError

__all__ = ["WandbSink"]

_OF_THE_TRAINER = ("WANDB_SERVICE", "WANDB_RUN_ID", "WANDB_RESUME")
"""Variables that say which run the trainer's own W&B writes, and where."""


class WandbSink:
    """`Telemetry(sinks={"wandb": WandbSink("runs")})`; then `wandb sync runs/wandb/offline-run-*`.

    Nothing is sent, unless the variable `WANDB_MODE` or `mode="online"` says so. `arguments` are those of `wandb.init`,
    such as project, entity and tags. A process that dies is started again with the next event, and curves go on in a
    run of the same name. Raises MissingPackageError where W&B is not installed, TypeError for what JSON does not hold.
    """

    kinds = Curves.kinds

    def __init__(self, directory: Path | str, **arguments: Any) -> None:
        # A folder of that name, as W&B leaves one, is no package.
        if not (found := find_spec("wandb")) or not found.origin:
            raise MissingPackageError("wandb is not installed: pip install 'nissa[wandb]'")
        settings = orjson.dumps({"project": "nissa", **arguments}).decode()
        self._command = [sys.executable, "-m", "nissa.sinks.wandb.writer", os.fspath(directory), settings]
        self._curves = Curves()
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, event: Event[Any]) -> None:
        """Take an event; W&B's service has it, or else this raises RuntimeError."""
        point = self._curves.point(event)
        told = point._replace(numbers={name: _plain(value) for name, value in point.numbers.items()})
        asked = orjson.dumps([event.scope.run, event.time, [*told]]) + b"\n"
        process = self._process = self._process or self._start()
        try:
            answer = _ask(process, asked)
        except OSError:
            answer = b""
        if answer != b"\n":
            self._process = None
            status = _end(process)
            raise RuntimeError(answer.decode().strip() or f"W&B's process ended with status {status}")

    def close(self) -> None:
        """Have all runs finished. Raises RuntimeError where they were not, such as for want of a network."""
        process, self._process = self._process, None
        if process and (status := _end(process)):
            raise RuntimeError(f"W&B's process ended with status {status}; `wandb sync` sends what it has not sent")

    def after_fork(self) -> None:
        """In a forked child: the process is the parent's, which it outlives while anybody holds these."""
        if self._process:
            for pipe in _pipes(self._process):
                pipe.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in os.environ.items() if name not in _OF_THE_TRAINER}
        return subprocess.Popen(
            self._command,
            # Without buffers there is no lock that a fork could leave taken.
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"WANDB_MODE": "offline", **environment},
            start_new_session=True,
        )


def _plain(value: float) -> Any:
    """JSON has no word for what is not finite."""
    return value if isfinite(value) else str(value)


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


def _ask(process: "subprocess.Popen[bytes]", asked: bytes) -> bytes:
    questions, answers = _pipes(process)
    while asked:
        asked = asked[questions.write(asked) :]
    return answers.readline()


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Tell the process that there is no more; its status, when it has ended."""
    questions, answers = _pipes(process)
    questions.close()
    with answers:
        return process.wait()
