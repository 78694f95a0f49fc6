"""How does a group stand against its twins? Figures of each environment's episodes first, then over environments."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite

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
    "kept_training_delta": lambda row: _beyond(row.kept_accuracy, row.twin_final_accuracy),
    "final_training_delta": lambda row: _beyond(row.final_accuracy, row.twin_final_accuracy),
    "peak_training_delta": lambda row: _beyond(row.peak_accuracy, row.twin_peak_accuracy),
    "growth_ratio": lambda row: row.kept_growth_ratio,
    "efficiency_ratio": lambda row: efficiency_ratio(row.kept_accuracy, row.kept_growth_ratio, row.twin_final_accuracy),
    "final_growth_ratio": lambda row: row.final_growth_ratio,
    "final_efficiency_ratio": lambda row: efficiency_ratio(
        row.final_accuracy, row.final_growth_ratio, row.twin_final_accuracy
    ),
}
"""Of an episode, each beside the growth of its own network; their means bear these names and "_mean"."""

DELTAS = ("kept_training_delta", "final_training_delta", "peak_training_delta")
"""Those that are told with their intervals."""


@dataclass(slots=True)
class Tally:
    """Some episodes of an environment."""

    episodes: int = 0
    efficiency_episodes: int = 0
    """Those whose kept network has a finite efficiency ratio."""
    efficiency_wins: int = 0
    """Those of them where it is above 1."""
    accuracy_wins: int = 0
    """Those whose kept network is more accurate than the twin."""
    accuracy_ties: int = 0
    """Those where it is as accurate."""
    figures: dict[str, Moments] = field(default_factory=lambda: {name: Moments() for name in FIGURES})

    def add(self, row: EpisodeCompared) -> None:
        """Take an episode in."""
        found = {name: figure(row) for name, figure in FIGURES.items()}
        self.episodes += 1
        ratio, delta = found["efficiency_ratio"], found["kept_training_delta"]
        if ratio is not None and isfinite(ratio):
            self.efficiency_episodes += 1
            self.efficiency_wins += ratio > 1
        if delta is not None:
            self.accuracy_wins += delta > 0
            self.accuracy_ties += delta == 0
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
        found = {name: _interval(used, name) for name in FIGURES}
        compared = [tallies[2] for tallies in told]
        self.last = VerdictReached(
            group=group,
            envs=len(used),
            episodes=sum(tally.episodes for tallies in told for tally in tallies),
            compared=sum(tally.episodes for tally in compared),
            unended=self.unended,
            efficiency_episodes=sum(tally.efficiency_episodes for tally in compared),
            efficiency_wins=sum(tally.efficiency_wins for tally in compared),
            accuracy_wins=sum(tally.accuracy_wins for tally in compared),
            accuracy_ties=sum(tally.accuracy_ties for tally in compared),
            shown=_shown(found["kept_training_delta"]),
            **{f"{name}_mean": interval.mean for name, interval in found.items()},
            **{f"{name}_low": found[name].low for name in DELTAS},
            **{f"{name}_high": found[name].high for name in DELTAS},
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


def _interval(tallies: Iterable[Tally], name: str) -> Interval:
    """Of a figure that each episode has: the mean of some, beside those of all, would look like a difference."""
    figures = [(tally.figures[name], tally.episodes) for tally in tallies]
    return t_interval(of.total_mean for of, _ in figures) if all(of.count == n for of, n in figures) else Interval()


def _copy(tally: Tally) -> Tally:
    return replace(tally, figures={name: of.merge(Moments()) for name, of in tally.figures.items()})
