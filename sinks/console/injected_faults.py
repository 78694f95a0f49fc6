"""Was a run broken on purpose? Faults that it names in `run_started.hyperparameters["injections"]`, by run."""

import re
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import RunStarted
from nissa.sinks.text import counted

__all__ = ["InjectedFaults", "injected_text"]

_FAULT = re.compile(r"\w+@(env|ep)\d", re.ASCII)


class InjectedFaults:
    """A sink that knows how many faults were injected into each run."""

    inline = True
    kinds = (RunStarted,)

    def __init__(self) -> None:
        self.runs: dict[str, int] = {}

    def __call__(self, event: Event[RunStarted]) -> None:
        self.runs[event.scope.run] = _count(event.payload)

    def text(self) -> str:
        """Of all runs; empty without any."""
        return _text(sum(self.runs.values()))


def injected_text(run: RunStarted) -> str:
    """How many of one run: "2 faults injected on purpose"; empty without any."""
    return _text(_count(run))


def _count(run: RunStarted) -> int:
    """What another trainer calls injections may be anything."""
    told: Any = run.hyperparameters.get("injections")
    faults = told if isinstance(told, list | tuple) else ()
    return sum(isinstance(fault, str) and _FAULT.match(fault) is not None for fault in faults)


def _text(count: int) -> str:
    return f"{counted(count, 'fault')} injected on purpose" if count else ""
