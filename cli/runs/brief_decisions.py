"""What was decided in a run, and what hindsight says of it: counts, the decisions that were good or bad, the policy."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kinds import DecisionJudged, DecisionMade, PolicyUpdated

__all__ = ["Decided"]

_KEPT = 3


@dataclass
class Decided:
    """A sink."""

    kinds = (DecisionMade, DecisionJudged, PolicyUpdated)

    ops: Counter[str] = field(default_factory=Counter)
    """Decisions by operation."""
    refused: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    """Judged ones by verdict."""
    good: list[tuple[Scope, DecisionJudged]] = field(default_factory=list)
    """The first that were."""
    bad: list[tuple[Scope, DecisionJudged]] = field(default_factory=list)
    updates: Counter[str | None] = field(default_factory=Counter)
    """By group."""
    updated: dict[str | None, PolicyUpdated] = field(default_factory=dict)
    """The last one of each group."""

    def __call__(self, event: Event[Any]) -> None:
        row = event.payload
        if isinstance(row, DecisionMade):
            self.ops[row.action.op] += 1
            self.refused += row.executed is False
        elif isinstance(row, DecisionJudged):
            self.verdicts[row.verdict] += 1
            kept = {"good": self.good, "bad": self.bad}.get(row.verdict, [])
            if len(kept) < _KEPT:
                kept.append((event.scope, row))
        elif isinstance(row, PolicyUpdated):
            self.updates[event.scope.group] += 1
            self.updated[event.scope.group] = row
