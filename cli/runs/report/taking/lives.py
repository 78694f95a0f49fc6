"""The lives of seeds as spans: from which epoch to which a slot was in which stage, and how its seed ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nissa.events.event import Env, Event, Scope
from nissa.events.kinds import EpochCompleted, SeedCulled, SeedFossilized, SeedGerminated, StageChanged
from nissa.events.vocabulary import EMPTY_STAGES

__all__ = ["Course", "Lives", "Span"]

_EPISODES = 60
"""Episodes that are kept, those that were told of last; of many environments, two of each."""
_SPANS = 500
"""Of a slot in an episode, the first ones."""


@dataclass(slots=True)
class Span:
    """A stage of a seed in a slot."""

    stage: str
    seed: str | None
    blueprint: str | None
    first: int
    """Epoch in which it began."""
    last: int | None = None
    """Epoch in which it ended; None while it goes on."""
    end: str = ""
    """How the seed ended, where it ended in this stage."""


class _Place(NamedTuple):
    group: str | None
    env: Env | None
    episode: int | None


@dataclass(slots=True)
class Course:
    """The spans of an episode by slot, and the last epoch that is known of it."""

    slots: dict[str, list[Span]] = field(default_factory=dict)
    epoch: int = 0


@dataclass
class Lives:
    """A sink."""

    kinds = (SeedGerminated, StageChanged, SeedFossilized, SeedCulled, EpochCompleted)

    left_out: int = 0
    """Episodes that there was no room for."""
    _courses: dict[_Place, Course] = field(default_factory=dict)
    """That told of last at the end."""
    _networks: set[tuple[str | None, Env | None]] = field(default_factory=set)

    def __call__(self, event: Event[Any]) -> None:
        row, course = event.payload, self._course(event.scope)
        course.epoch = max(course.epoch, event.scope.epoch or 0)
        match row:
            case EpochCompleted():
                for slot in row.slots:
                    course.slots.setdefault(slot.slot, [])
            case SeedGerminated():
                _enter(course, row.slot, Span("GERMINATED", row.seed, row.blueprint, course.epoch))
            case StageChanged():
                _enter(course, row.slot, Span(row.to_stage, row.seed, row.blueprint, course.epoch))
            case SeedFossilized():
                _enter(course, row.slot, Span("FOSSILIZED", row.seed, row.blueprint, course.epoch))
            case SeedCulled():
                _cull(course, row)

    def courses(self) -> Iterator[tuple[_Place, Course]]:
        """What is known of each episode in which there was a slot."""
        return ((where, course) for where, course in self._courses.items() if course.slots)

    def _course(self, scope: Scope) -> Course:
        where = _Place(scope.group, scope.env, scope.episode)
        self._networks.add((scope.group, scope.env))
        self._courses[where] = self._courses.pop(where, Course())
        if len(self._courses) > max(_EPISODES, 2 * len(self._networks)):
            del self._courses[next(iter(self._courses))]
            self.left_out += 1
        return self._courses[where]


def _enter(course: Course, slot: str, span: Span) -> None:
    """A slot's next stage, told once or twice; an empty one has no span."""
    spans = course.slots.setdefault(slot, [])
    now = spans[-1] if spans and spans[-1].last is None else None
    if now and (now.stage, now.seed) == (span.stage, span.seed):
        return
    if now:
        now.last = course.epoch
    if span.stage not in EMPTY_STAGES and len(spans) < _SPANS:
        spans.append(span)


def _cull(course: Course, row: SeedCulled) -> None:
    if spans := course.slots.setdefault(row.slot, []):
        spans[-1].last = course.epoch if spans[-1].last is None else spans[-1].last
        by = f" by {row.initiator.replace('_', ' ')}" if row.initiator else ""
        spans[-1].end = f"culled{by}" + (f": {row.reason}" if row.reason else "")
