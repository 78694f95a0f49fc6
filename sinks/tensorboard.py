"""Scalars for TensorBoard: what `Curves` has of events.

Each environment is a run of TensorBoard's, in a folder of its own, so that curves of environments lie over one another.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from nissa.events.event import Event
from nissa.sinks.curves import Curves
from nissa.sinks.packages import needed

__all__ = ["TensorBoardSink"]

_LONGEST = 200
"""Characters of the name of a folder."""


class TensorBoardSink:
    """`Telemetry(sinks={"tensorboard": TensorBoardSink("runs/tb")})`; then `tensorboard --logdir runs/tb`.

    Raises MissingPackageError where TensorBoard is not installed.
    """

    kinds = Curves.kinds

    def __init__(self, logdir: Path | str) -> None:
        self._logdir = Path(logdir)
        self._writer = needed("tensorboard.summary", "nissa[tensorboard]").Writer
        self._writers: dict[str, Any] = {}
        self._curves = Curves()

    def __call__(self, event: Event[Any]) -> None:
        """Take an event."""
        point = self._curves.point(event)
        for tag, value in point.numbers.items():
            self._of(point.place).add_scalar(tag, value, point.step, wall_time=event.time)

    def flush(self) -> None:
        """Write out what waits."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Write out all, and let go of the files."""
        for writer in self._writers.values():
            writer.close()

    def _of(self, place: str) -> Any:
        if place not in self._writers:
            self._writers[place] = self._writer(str(self._logdir / _folder(place)))
        return self._writers[place]


def _folder(place: str) -> str:
    """A place in a name that no file system takes for a path.

    >>> _folder("a/b ppo env3"), _folder("..")
    ('a%2Fb ppo env3', '%2E.')
    """
    name = quote(place, safe=" ")
    return (f"%2E{name[1:]}" if name.startswith(".") else name)[:_LONGEST]
