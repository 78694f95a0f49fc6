"""Which runs are compared: those named, those below a folder, and what each came to; what is left out says why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import EpisodeCompared, RunStarted
from nissa.operators import verdicts
from nissa.operators.comparison import Compared
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import UnreadableRunError
from nissa.sinks.run_log import segments

__all__ = ["LeftOut", "Run", "read_runs"]


class LeftOut(NamedTuple):
    """A run, or an arm of it, that is not compared."""

    path: str
    reason: str
    unread: bool = False
    """Whether it could not be read, or not whole."""


@dataclass(slots=True)
class Run:
    """A run that was read."""

    path: Path
    label: str
    """What the user calls its arms; empty where that is their group alone."""
    seed: int | None = None
    began: float | None = None
    """When its first event was emitted."""
    compared: Compared = field(default_factory=lambda: Compared(""))

    def __call__(self, event: Event[Any]) -> None:
        """Take an event in."""
        self.compared.run = event.scope.run
        self.began = event.time if self.began is None else self.began
        if isinstance(event.payload, EpisodeCompared):
            self.compared.take(event.payload)
        elif isinstance(event.payload, RunStarted):
            self.seed = event.payload.base_seed


def read_runs(named: Iterable[str]) -> tuple[list[Run], list[LeftOut]]:
    """Each run once. `NAME=PATH` calls what is at PATH by that name; a folder stands for all runs below it."""
    runs: list[Run] = []
    left_out: list[LeftOut] = []
    for label, path in (found for text in named for found in _found(text)):
        run = Run(path, label)
        if unreadable := _read(run):
            left_out.append(LeftOut(str(path), unreadable, unread=True))
        elif reason := _repeats(run, runs):
            left_out.append(LeftOut(str(path), reason))
        else:
            runs.append(run)
    return runs, left_out


def _found(text: str) -> Iterator[tuple[str, Path]]:
    label, equals, rest = text.partition("=")
    if not equals or Path(text).exists():
        label, rest = "", text
    path = Path(rest)
    below = sorted({file.parent for file in path.rglob("events-*.jsonl*")}) if path.is_dir() else []
    runs = [path] if segments(path) else [folder for folder in below if segments(folder)]
    yield from ((label, run) for run in runs or [path])


def _read(run: Run) -> str | None:
    """Why it cannot be read whole, if so."""
    try:
        result = replay(run.path, [run], {"verdict": verdicts()})
    except (UnreadableRunError, OSError) as error:
        return str(error).removeprefix(f"{run.path}: ")
    return result.reading.complaint()


def _repeats(run: Run, others: Iterable[Run]) -> str | None:
    """Why it is no repetition: nothing has ended in it, or it was counted already."""
    if not run.compared.rows:
        return "no episode of it has ended"
    for other in others:
        if (run.compared.run, run.began) == (other.compared.run, other.began):
            return f"the same run as {other.path}"
        same = {row[0] for row in run.compared.rows} & {row[0] for row in other.compared.rows}
        if same and run.label == other.label and run.seed is not None and run.seed == other.seed:
            return f"seed {run.seed} again, as {other.path}: to compare the two, name them, A={other.path} B={run.path}"
    return None
