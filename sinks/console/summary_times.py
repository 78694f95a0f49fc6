"""When is it time for the tables? After whole rounds of the environments, while training goes on."""

from math import ceil, inf
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import EpisodeEnded, EpochCompleted, RunStarted

__all__ = ["EPISODES", "SummaryTimes"]

EPISODES = 5
"""Finished episodes between tables, at least, where nothing else is asked for."""
_GAP = 1.0
"""Seconds between tables: nobody reads faster, and one costs as much as hundreds of events."""


class SummaryTimes:
    """After every `every` finished episodes; by default, after as many whole rounds as have `EPISODES` of them.

    It is time with the next epoch, so that no tables come right before those at the end, and not twice in a second of
    the run. Raises ValueError when `every` is below 1.
    """

    def __init__(self, every: int | None) -> None:
        if every is not None and every < 1:
            raise ValueError(f"every must be at least 1 episode, not {every}")
        self._asked, self._every = every is not None, every or EPISODES
        self._finished, self._due, self._last = 0, False, -inf

    def __call__(self, event: Event[Any]) -> bool:
        """Take an event in; whether the tables are to be shown before what comes of it."""
        match event.payload:
            case RunStarted(n_envs=envs) if not self._asked:
                envs = max(envs or 1, 1)
                self._every = ceil(EPISODES / envs) * envs
            case EpisodeEnded():
                self._finished += 1
                self._due |= self._finished % self._every == 0
            case EpochCompleted() if self._due and event.time >= self._last + _GAP:
                self._due, self._last = False, event.time
                return True
        return False
