"""What is new for whoever watches the terminal: lines in their order, and how far the run has come, as plain data.

It only updates memory, so that it may stand where the operators are: in the trainer's process, or in a collector's.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from rich.text import Text

from nissa.events.event import Env, Event
from nissa.events.kinds import AlertRaised, BatchCompleted, EpochCompleted, RunStarted
from nissa.events.vocabulary import MARK
from nissa.sinks.console.event_lines import LINED, epoch_line, line
from nissa.sinks.console.reached import reached

__all__ = ["KEPT", "News"]

KEPT = 100
"""Lines that are kept for a terminal that is slow, or for one that is asked for again."""


class News:
    """A sink that knows the last lines and the progress of a run."""

    inline = True
    kinds = (*LINED, EpochCompleted, BatchCompleted)

    def __init__(self) -> None:
        self._begin: Callable[[], Any] | None = None
        self._time = 0.0
        self._started: float | None = None
        # Apart, so that epochs, which a row may show instead, push no alert out.
        self._lines: dict[bool, deque[dict[str, Any]]] = {is_epoch: deque(maxlen=KEPT) for is_epoch in (True, False)}
        self._told = {True: 0, False: 0}
        self._epochs = self._alerts = 0
        self._planned: int | None = None
        self._batch: BatchCompleted | None = None
        self._last: dict[tuple[str | None, Env | None], EpochCompleted] = {}

    def begin_with(self, begin: Callable[[], Any]) -> None:
        """Call `begin` with the next event: those of a run that goes on are told before there is anything to show."""
        self._begin = begin

    def __call__(self, event: Event[Any]) -> None:
        begin, self._begin = self._begin, None
        if begin:
            begin()
        # 0.0 is a time too, of a trainer that counts its own.
        started = self._started = event.time if self._started is None else self._started
        self._time = event.time
        if isinstance(event.payload, BatchCompleted):
            self._batch = event.payload
            return
        self._follow(event)
        is_epoch = isinstance(event.payload, EpochCompleted)
        told = (epoch_line if is_epoch else line)(event, event.time - started)
        if told is not None:
            number = self._told[is_epoch]
            self._lines[is_epoch].append(_plain(told) | {"number": number, "seq": event.seq, "epoch": is_epoch})
            self._told[is_epoch] += 1

    def news(self) -> dict[str, Any]:
        """Lines, and the progress. Safe to call from any thread.

        Lines of epochs and others are numbered apart, and the last `KEPT` of each are there.
        """
        # What follows from an epoch has its number, and stays behind it.
        lines = sorted([*self._lines[True], *self._lines[False]], key=lambda line: line["seq"])
        progress = {
            "epochs": self._epochs,
            "planned": self._planned,
            "reached": reached([*self._last.values()]) or _loss(self._batch),
            "batch": self._batch and self._batch.batch,
            "alerts": self._alerts,
            "seconds": 0.0 if self._started is None else self._time - self._started,
        }
        return {"lines": lines, "progress": progress}

    def _follow(self, event: Event[Any]) -> None:
        match event.payload:
            case RunStarted(n_envs=envs, n_episodes=episodes, max_epochs=epochs):
                self._planned = (envs or 0) * (episodes or 0) * (epochs or 0) or None
            case EpochCompleted():
                self._epochs += 1
                self._last[event.scope.group, event.scope.env] = event.payload
            case AlertRaised(severity=severity) if severity != MARK:
                self._alerts += 1


def _loss(batch: BatchCompleted | None) -> str:
    return f"loss {batch.loss:.4g}" if batch else ""


def _plain(text: Text) -> dict[str, Any]:
    """A line that may cross to another process, where it is a `Text` again."""
    return {"text": text.plain, "spans": [[span.start, span.end, str(span.style)] for span in text.spans]}
