"""How does a group stand against its twins? Figures of each environment's episodes first, then over environments."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite, nan

from nissa.events.kinds import EpisodeCompared, VerdictReached
from nissa.operators.fold import Keyed, merge_disjoint
from nissa.operators.statistics import Interval, Moments, t_interval

__all__ = ["FIGURES", "MAX_RECENT", "Environment", "Standing", "Tally", "efficiency_ratio"]

MAX_RECENT = 256
"""Episodes of an environment that may still be told anew; those before count as they stood."""


def efficiency_ratio(accuracy: float | None, growth: float | None, twin: float | None) -> float | None:
    """(accuracy / parameters) / (twin's accuracy / host parameters); None without one of them, or by a zero.

    >>> efficiency_ratio(90.0, 1.25, 80.0), efficiency_ratio(90.0, None, 80.0)
    (0.9, None)
    """
    return None if accuracy is None or not growth or not twin else accuracy / twin / growth


def _beyond(value: float | None, twin: float | None) -> float | None:
    return None if value is None or twin is None else value - twin


FIGURES: Mapping[str, Callable[[EpisodeCompared], float | None]] = {
    "final_accuracy": lambda row: row.final_accuracy,
    "kept_accuracy": lambda row: row.kept_accuracy,
    "twin_accuracy": lambda row: row.twin_final_accuracy,
    "kept_delta": lambda row: _beyond(row.kept_accuracy, row.twin_final_accuracy),
    "final_delta": lambda row: _beyond(row.final_accuracy, row.twin_final_accuracy),
    "peak_delta": lambda row: _beyond(row.peak_accuracy, row.twin_peak_accuracy),
    "growth_ratio": lambda row: row.kept_growth_ratio,
    "efficiency_ratio": lambda row: efficiency_ratio(row.kept_accuracy, row.kept_growth_ratio, row.twin_final_accuracy),
    "final_growth_ratio": lambda row: row.final_growth_ratio,
    "final_efficiency_ratio": lambda row: efficiency_ratio(
        row.final_accuracy, row.final_growth_ratio, row.twin_final_accuracy
    ),
}
"""Of an episode, each beside the growth of its own network; their means bear these names and "_mean"."""


@dataclass(slots=True)
class Tally:
    """Some episodes of an environment."""

    episodes: int = 0
    wins: int = 0
    """Those whose kept network has an efficiency ratio above 1."""
    efficient: int = 0
    """Those with a finite one."""
    above: int = 0
    """Those whose kept accuracy is above the twin's."""
    ties: int = 0
    """Those whose kept accuracy equals it."""
    figures: dict[str, Moments] = field(default_factory=lambda: {name: Moments() for name in FIGURES})

    def add(self, row: EpisodeCompared) -> None:
        """Take an episode in."""
        found = {name: figure(row) for name, figure in FIGURES.items()}
        self.episodes += 1
        self.wins += (found["efficiency_ratio"] or 0.0) > 1
        self.efficient += isfinite(nan if found["efficiency_ratio"] is None else found["efficiency_ratio"])
        self.above += (found["kept_delta"] or 0.0) > 0
        self.ties += found["kept_delta"] == 0
        for name, value in found.items():
            if value is not None:
                self.figures[name].add(value)


@dataclass(slots=True)
class Environment:
    """The finished episodes of one environment."""

    recent: dict[int | None, tuple[int, EpisodeCompared]] = field(default_factory=dict)
    """By episode, the one that ended last at the end: how often it was validated, and its row."""
    settled: list[Tally] = field(default_factory=lambda: [Tally(), Tally(), Tally()])
    """Of the episodes before: those without a twin's accuracy of their length, with one, and with a kept one too."""
    tallies: list[Tally] = field(default_factory=lambda: [Tally(), Tally(), Tally()])
    """Likewise of all."""

    def enter(self, episode: int | None, looks: int, row: EpisodeCompared) -> None:
        """Take an episode in, as the last that ended; one that was there already is told anew."""
        again = self.recent.pop(episode, None) is not None
        self.recent[episode] = looks, row
        if len(self.recent) > MAX_RECENT:
            _, gone = self.recent.pop(next(iter(self.recent)))
            self.settled[_level(gone)].add(gone)
        if again:
            self._tally()
        else:
            self.tallies[_level(row)].add(row)

    def tell_anew(self, rows: Mapping[int | None, tuple[int, EpisodeCompared]]) -> None:
        """Put rows in the place of those that are there."""
        self.recent.update(rows)
        self._tally()

    def _tally(self) -> None:
        self.tallies = [_copy(tally) for tally in self.settled]
        for _, told in self.recent.values():
            self.tallies[_level(told)].add(told)


@dataclass(slots=True)
class Standing:
    """A group."""

    envs: Keyed[Environment] = field(default_factory=lambda: Keyed(Environment))
    unended: int = 0
    last: VerdictReached | None = None
    """As it was told last: what begins changes none of its means."""

    def begun(self, group: str | None) -> VerdictReached:
        """The verdict when one more episode began."""
        self.unended += 1
        self.last = replace(self.last, unended=self.unended) if self.last else self.verdict(group)
        return self.last

    def verdict(self, group: str | None) -> VerdictReached:
        """What its episodes come to; of those, only the ones that can be compared best."""
        told = [env.tallies for env in self.envs.items.values()]
        level = max((n for tallies in told for n in range(3) if tallies[n].episodes), default=0)
        used = [tallies[level] for tallies in told if tallies[level].episodes]
        found = {name: t_interval(_means(used, name)) for name in FIGURES}
        if any(tally.figures["kept_accuracy"].count < tally.episodes for tally in used):
            # A mean of some, beside the final accuracies of all, would look like a difference.
            found["kept_accuracy"] = Interval()
        delta = found["kept_delta"]
        self.last = VerdictReached(
            group=group,
            envs=len(used),
            episodes=sum(tally.episodes for tallies in told for tally in tallies),
            compared=sum(tallies[2].episodes for tallies in told),
            unended=self.unended,
            kept_delta_low=delta.low,
            kept_delta_high=delta.high,
            final_delta_low=found["final_delta"].low,
            final_delta_high=found["final_delta"].high,
            peak_delta_low=found["peak_delta"].low,
            peak_delta_high=found["peak_delta"].high,
            efficiency_wins=sum(tallies[2].wins for tallies in told),
            efficiency_episodes=sum(tallies[2].efficient for tallies in told),
            accuracy_wins=sum(tallies[2].above for tallies in told),
            accuracy_ties=sum(tallies[2].ties for tallies in told),
            shown=_shown(delta),
            **{f"{name}_mean": interval.mean for name, interval in found.items()},
        )
        return self.last

    def merge(self, other: "Standing | None") -> "Standing":
        """That of two parts of a stream, each environment whole in one of them."""
        other = other or Standing()
        merged = Standing(merge_disjoint(self.envs, other.envs), self.unended + other.unended)
        if last := self.last or other.last:
            merged.verdict(last.group)
        return merged


def _shown(delta: Interval) -> str:
    return {1: "better", -1: "worse", 0: "not shown"}[delta.side()]


def _level(row: EpisodeCompared) -> int:
    if row.twin_final_accuracy is None:
        return 0
    return 1 if row.kept_accuracy is None else 2


def _means(tallies: Iterable[Tally], name: str) -> list[float]:
    return [mean for tally in tallies if (mean := tally.figures[name].mean) is not None]


def _copy(tally: Tally) -> Tally:
    counts = (tally.episodes, tally.wins, tally.efficient, tally.above, tally.ties)
    return Tally(*counts, {name: of.merge(Moments()) for name, of in tally.figures.items()})
