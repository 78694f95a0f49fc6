"""Scalars for TensorBoard: numbers of epochs, batches, updates and episodes, and whatever a trainer logged by name.

Each environment is a run of TensorBoard's, in a folder of its own, so that curves of environments lie over one another.
The step of a curve is how many of its kind came before in that environment, for scalars the trainer's own step. In a
run that is resumed it begins anew.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    BatchCompleted,
    EpisodeEnded,
    EpochCompleted,
    PolicyUpdated,
    ScalarsLogged,
    ThroughputMeasured,
)
from nissa.sinks.packages import needed

__all__ = ["TensorBoardSink"]

_PREFIXES: dict[type, str] = {
    BatchCompleted: "batch",
    EpisodeEnded: "episode",
    EpochCompleted: "epoch",
    PolicyUpdated: "update",
    ThroughputMeasured: "throughput",
}
_NUMBERS = {"batch", "update"}
"""Fields that number their kind."""
_LONGEST = 200
"""Characters of the name of a folder."""


class TensorBoardSink:
    """`Telemetry(sinks={"tensorboard": TensorBoardSink("runs/tb")})`; then `tensorboard --logdir runs/tb`.

    Raises MissingPackageError where TensorBoard is not installed.
    """

    kinds = (*_PREFIXES, ScalarsLogged)

    def __init__(self, logdir: Path | str) -> None:
        self._logdir = Path(logdir)
        self._writer = needed("tensorboard.summary", "nissa[tensorboard]").Writer
        self._writers: dict[str, Any] = {}
        self._told: Counter[tuple[str, type]] = Counter()

    def __call__(self, event: Event[Any]) -> None:
        """Take an event."""
        place, kind = _folder(event.scope), type(event.payload)
        step = self._told[place, kind]
        self._told[place, kind] += 1
        if kind is ScalarsLogged and event.payload.step is not None:
            step = event.payload.step
        for tag, value in _numbers(event.payload):
            self._of(place).add_scalar(tag, value, step, wall_time=event.time)

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
            self._writers[place] = self._writer(str(self._logdir / place))
        return self._writers[place]


def _folder(scope: Scope) -> str:
    """Run, group and environment in a name that no file system takes for a path.

    >>> _folder(Scope("a/b", "ppo", 3)), _folder(Scope(".."))
    ('a%2Fb ppo env3', '%2E.')
    """
    env = None if scope.env is None else f"env{scope.env}"
    name = quote(" ".join(part for part in (scope.run, scope.group, env) if part), safe=" ")
    return (f"%2E{name[1:]}" if name.startswith(".") else name)[:_LONGEST]


def _numbers(payload: Any) -> Iterator[tuple[str, float]]:
    """Tags and values: fields that are numbers, and those of mappings."""
    if isinstance(payload, ScalarsLogged):
        yield from payload.values.items()
        return
    prefix = _PREFIXES[type(payload)]
    for field in fields(payload):
        value = getattr(payload, field.name)
        items = value.items() if isinstance(value, Mapping) else [(None, value)]
        for name, item in items:
            if isinstance(item, int | float) and not isinstance(item, bool) and field.name not in _NUMBERS:
                yield f"{prefix}/{field.name}" + ("" if name is None else f"/{name}"), float(item)
