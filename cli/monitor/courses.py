"""What the tables leave out: the courses of losses and accuracies, and what happened last, in bounded memory."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nissa.events.event import Env, Event, Scope
from nissa.events.kinds import (
    BatchCompleted,
    DecisionMade,
    EpochCompleted,
    HostBaselineEpoch,
    PolicyUpdated,
    RunStarted,
    SlotSnapshot,
)

__all__ = ["CompletedEpoch", "Courses", "Place", "PlaceCourse"]

Place = tuple[str | None, Env | None]
"""A group and an environment."""
_EPOCHS, _BATCHES, _ACTIONS, _TWINS = 2_000, 2_000, 12, 100


class CompletedEpoch(NamedTuple):
    """An epoch, and where it was."""

    episode: int | None
    epoch: int | None
    number: int
    """Among all of the environment."""
    completed: EpochCompleted


@dataclass(slots=True)
class PlaceCourse:
    """One environment: what its epochs reached, the host alone beside it, and the last decisions."""

    episode: int | None = None
    epoch: int | None = None
    slots: list[SlotSnapshot] = field(default_factory=list)
    total_params: int | None = None
    epochs: deque[CompletedEpoch] = field(default_factory=lambda: deque(maxlen=_EPOCHS))
    alone: dict[int | None, dict[int, HostBaselineEpoch]] = field(default_factory=dict)
    """The host alone, by episode (None: that of all) and epoch."""
    batches: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_BATCHES))
    """Numbers of batches in the run, and their losses."""
    actions: deque[str] = field(default_factory=lambda: deque(maxlen=_ACTIONS))
    seen: int = 0
    """Batches in all."""
    done: int = 0
    """Epochs in all."""

    def twin(self, episode: int | None) -> dict[int, HostBaselineEpoch]:
        """The host alone beside an episode, by epoch: the episode's own, else that of all."""
        return (self.alone.get(episode) or self.alone.get(None, {})).copy()

    def note_alone(self, scope: Scope, told: HostBaselineEpoch) -> None:
        """Take in a point of the host alone; of many episodes' own, those told first are forgotten."""
        if scope.epoch is not None:
            self.alone.setdefault(scope.episode, {})[scope.epoch] = told
            if len(self.alone) > _TWINS:
                del self.alone[next(episode for episode in self.alone if episode is not None)]


class Courses:
    """Keeps the last epochs, batches and decisions of each environment, and the last update of each group's policy."""

    inline = True
    kinds = (BatchCompleted, DecisionMade, EpochCompleted, HostBaselineEpoch, PolicyUpdated, RunStarted)

    def __init__(self) -> None:
        self.places: dict[Place, PlaceCourse] = defaultdict(PlaceCourse)
        self.policies: dict[str | None, PolicyUpdated] = {}
        self.started: RunStarted | None = None

    def __call__(self, event: Event[Any]) -> None:
        where, what = event.scope, event.payload
        if isinstance(what, RunStarted):
            self.started = what
        elif isinstance(what, PolicyUpdated):
            self.policies[where.group] = what
        elif isinstance(what, HostBaselineEpoch):
            self.places[where.group, where.env].note_alone(where, what)
        else:
            self._follow(self.places[where.group, where.env], event)

    def _follow(self, place: PlaceCourse, event: Event[Any]) -> None:
        what = event.payload
        place.episode = event.scope.episode if event.scope.episode is not None else place.episode
        if isinstance(what, BatchCompleted):
            place.seen += 1
            place.batches.append((place.seen, float(what.loss)))
        elif isinstance(what, EpochCompleted):
            place.epoch = event.scope.epoch
            place.done += 1
            place.slots, place.total_params = what.slots, what.total_params
            place.epochs.append(CompletedEpoch(event.scope.episode, event.scope.epoch, place.done, what))
        elif isinstance(what, DecisionMade):
            action = what.action
            about = ", ".join(filter(None, (action.slot, action.blueprint)))
            place.actions.append(f"{action.op}({about})" if about else action.op)
