"""The process that writes for W&B: `python -m nissa.sinks.wandb.writer DIRECTORY ARGUMENTS`.

Each line that comes is a point of curves. It is answered by an empty line, or by what went wrong, which is the end.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from nissa.sinks.curves import Point
from nissa.sinks.packages import needed

__all__ = ["main"]

PATIENCE = 30
"""Seconds that W&B has when the trainer has no more to tell, or is gone. Its service ends with this process."""
_LONGEST = 128
"""Characters of the name of a run."""


def main(arguments: Sequence[str]) -> int:
    """Write until nothing comes any more. Returns the exit status: 1 where W&B failed."""
    directory, settings = arguments
    # What W&B prints is no answer.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    threading.Thread(target=_end_in_time, daemon=True).start()
    try:
        runs = _Runs(Path(directory), orjson.loads(settings))
        for line in sys.stdin.buffer:
            group, time, point = orjson.loads(line)
            runs.log(group, time, Point(*point))
            os.write(answers, b"\n")
        runs.finish()
    except BaseException as error:  # noqa: BLE001  # a library may fail in any way
        os.write(answers, f"{type(error).__name__}: {error}".replace("\n", " ").encode() + b"\n")
        return 1
    return 0


def _end_in_time() -> None:
    """Wait until the trainer has closed its end, or is gone, and then not much longer, whatever W&B is waiting for."""
    trainer = select.poll()
    trainer.register(sys.stdin, 0)
    trainer.poll()
    signal.alarm(PATIENCE)


class _Runs:
    """The runs of W&B, one for each place."""

    def __init__(self, directory: Path, settings: dict[str, Any]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._wandb = needed("wandb", "nissa[wandb]")
        # Its process is not the trainer: there is nothing to see in its terminal, code and load.
        quiet = {"silent": True, "console": "off", "disable_code": True, "disable_git": True}
        hidden = {"x_disable_meta": True, "x_disable_stats": True}
        self._settings = settings | {
            "dir": str(directory),
            "reinit": "create_new",
            "settings": self._wandb.Settings(**quiet, **hidden),
        }
        self._runs: dict[str, Any] = {}
        self._defined: set[tuple[str, str]] = set()
        self._is_served = False

    def log(self, group: str, time: float, point: Point) -> None:
        """Add a point. W&B's own step only grows, so each subject has a column for its steps."""
        if point.place not in self._runs:
            named = {"group": group, **self._settings, "name": point.place[:_LONGEST]}
            self._runs[point.place] = self._wandb.init(**named)
        steps = f"{point.subject}/step"
        for name in point.numbers:
            self._define(point.place, name, steps)
        row = {name: float(value) for name, value in point.numbers.items()}
        self._runs[point.place].log({**row, steps: point.step, "_timestamp": time})
        self._check_service()

    def finish(self) -> None:
        """End all runs: W&B writes out, or sends, what is left."""
        for run in self._runs.values():
            run.finish()

    def _check_service(self) -> None:
        """Raise where W&B's service has ended: its library only hands over. A run that is switched off has none."""
        try:
            # It is the one child of this process.
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            ended = self._is_served
        else:
            self._is_served = True
        if ended:
            raise ChildProcessError("W&B's service has ended")

    def _define(self, place: str, name: str, steps: str) -> None:
        """A curve stands over its own steps; W&B takes a name with a star for a pattern."""
        if name and "*" not in name and (place, name) not in self._defined:
            self._defined.add((place, name))
            self._runs[place].define_metric(name, step_metric=steps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
