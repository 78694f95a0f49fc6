"""What is in a pack, in a few numbers: counted as its episodes are written."""

from collections import Counter
from dataclasses import dataclass, field
from math import isfinite

from nissa.sinks.data_pack.structure import Episode, QuickStats

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Of the episodes so far."""

    runs: dict[str, None] = field(default_factory=dict)
    episodes: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    lowest: float | None = None
    highest: float | None = None

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        self.runs[episode.run] = None
        self.episodes += 1
        for decision in episode.decisions:
            self.actions[decision.action.op] += 1
            if decision.hindsight:
                self.judged[decision.hindsight.verdict] += 1
        self.turns.update(moment.event for moment in episode.summary.key_moments)
        accuracy = episode.outcome.final_accuracy
        if accuracy is not None and isfinite(accuracy):
            self.lowest = accuracy if self.lowest is None else min(self.lowest, accuracy)
            self.highest = accuracy if self.highest is None else max(self.highest, accuracy)

    def stats(self) -> QuickStats:
        """What they come to."""
        kept, removed = self.turns["fossilize"], self.turns["cull"]
        return QuickStats(
            runs=[*self.runs],
            episodes=self.episodes,
            decisions=self.actions.total(),
            action_distribution=dict(sorted(self.actions.items())),
            judged=dict(sorted(self.judged.items())),
            accuracy_range=None if self.lowest is None or self.highest is None else [self.lowest, self.highest],
            seeds_germinated=self.turns["germinate"],
            seeds_fossilized=kept,
            seeds_culled=removed,
            seed_success_rate=kept / (kept + removed) if kept + removed else None,
        )
