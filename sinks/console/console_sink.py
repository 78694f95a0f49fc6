"""The run as it goes, on a terminal: progress, a line for each turn in a seed's life, and the tables now and then."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from nissa.events.event import Env, Event
from nissa.events.kinds import EpochAssessed, EpochCompleted, RunEnded, RunStarted
from nissa.sinks.console.event_lines import LINED, flag_line, line
from nissa.sinks.console.injected_faults import InjectedFaults
from nissa.sinks.console.reached import reached
from nissa.sinks.console.summary_tables import summary
from nissa.sinks.console.summary_times import SummaryTimes
from nissa.sinks.tables import Tables

__all__ = ["ConsoleSink"]


class ConsoleSink:
    """A sink that prints. Without a terminal there is no progress bar, only lines.

    The tables come after every `every` finished episodes, as `SummaryTimes` says, and when it is closed. Raises
    ValueError when `every` is below 1.
    """

    kinds = (*LINED, *Tables.kinds, EpochCompleted)

    def __init__(self, console: Console | None = None, *, every: int | None = None) -> None:
        self._console, self._times = console or Console(markup=False), SummaryTimes(every)
        self._tables, self._faults = Tables(), InjectedFaults()
        self._progress = Progress(
            TextColumn("[bold]training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs {task.fields[reached]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            # rich would put locks around everybody's stdout, and a forked worker that prints would hang on one.
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not self._console.is_terminal,
        )
        self._started: float | None = None
        self._last: dict[tuple[str | None, Env | None], EpochCompleted] = {}
        self._flags: dict[tuple[str | None, Env | None], tuple[int | None, set[str]]] = {}

    def __call__(self, event: Event[Any]) -> None:
        if self._started is None:
            self._started = event.time
        if self._times(event):
            self._console.print(summary(self._tables.snapshot(), so_far=True, injected=self._faults.text()))
        self._tables(event)
        elapsed = event.time - self._started
        told = self._news(event, elapsed) if isinstance(event.payload, EpochAssessed) else line(event, elapsed)
        if told is not None:
            self._console.print(told, highlight=False, soft_wrap=True)
        self._follow(event)

    def close(self) -> None:
        """Take the progress bar away, and show what came of it all, also of an unfinished run.

        What ended with the run, such as its alerts, is told after the run's own end.
        """
        self._progress.stop()
        if self._started is not None:
            self._console.print(summary(self._tables.snapshot(), injected=self._faults.text()))
            self._started = None

    def _news(self, event: Event[EpochAssessed], elapsed: float) -> Text | None:
        """Red flags, each once an episode: some come and go with every epoch."""
        place, episode = (event.scope.group, event.scope.env), event.scope.episode
        known, told = self._flags.get(place, (None, set()))
        told = told if known == episode else set()
        risen = [flag for flag in event.payload.red_flags if flag not in told]
        self._flags[place] = episode, told.union(risen)
        return flag_line(event, risen, elapsed) if risen else None

    def _follow(self, event: Event[Any]) -> None:
        match event.payload:
            case RunStarted(n_envs=envs, n_episodes=episodes, max_epochs=epochs):
                planned = (envs or 0) * (episodes or 0) * (epochs or 0)
                self._progress.add_task("", total=planned or None, reached="")
                self._progress.start()
                self._faults(event)
            case EpochCompleted():
                self._advance(event)
            case RunEnded():
                self._progress.stop()

    def _advance(self, event: Event[EpochCompleted]) -> None:
        self._last[event.scope.group, event.scope.env] = event.payload
        for task in self._progress.task_ids:
            self._progress.update(task, advance=1, reached=reached(self._last.values()))
