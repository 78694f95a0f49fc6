"""What did a run come to, arm by arm? Its environments' episodes against their twins, as one figure each."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from nissa.events.event import Env
from nissa.events.kinds import EpisodeCompared
from nissa.operators.verdict import FIGURES as ALL_FIGURES

__all__ = ["FIGURES", "Compared", "Missing", "Repetition", "repetitions"]

FIGURES = ("kept_accuracy", "kept_training_delta", "final_training_delta", "efficiency_ratio", "growth_ratio")
"""Of an episode, as a verdict has them: accuracies in percent, deltas in percentage points from the twin's."""

_Where = tuple[str | None, Env | None, int | None]


@dataclass(slots=True)
class Compared:
    """The finished episodes of one run, by group, environment and episode, each as it was told last."""

    run: str
    rows: dict[_Where, EpisodeCompared] = field(default_factory=dict)

    def take(self, row: EpisodeCompared) -> None:
        """Take a row in."""
        self.rows[row.group, row.env, row.episode] = row


class Repetition(NamedTuple):
    """One trial of an arm: a run, or an environment of it."""

    arm: str
    name: str
    envs: int
    episodes: int
    """Those that the figures are of ..."""
    finished: int
    """... of all that ended."""
    figures: Mapping[str, float | None]
    """Means over its environments of the means over their episodes; None of a figure that one of them lacks."""


class Missing(NamedTuple):
    """An arm of a run in which nothing can be compared, and why."""

    arm: str
    reason: str


def repetitions(run: Compared, *, by: str = "run", last: int | None = None) -> Iterator[Repetition | Missing]:
    """The run, or each of its environments (`by="env"`), as a repetition of each of its groups.

    Only episodes with a kept accuracy and a twin's of their own length count, and of those the `last` ones of each
    environment, if given. Raises ValueError for another `by`, and a `last` below 1.
    """
    if by not in {"run", "env"} or (last is not None and last < 1):
        raise ValueError(f'need by="run" or "env" and last >= 1, not {by!r} and {last}')
    groups: dict[str, list[EpisodeCompared]] = defaultdict(list)
    for row in run.rows.values():
        groups[row.group or "-"].append(row)
    for arm, rows in groups.items():
        envs = _by_env(rows, last)
        if not envs:
            yield Missing(arm, _why_none(rows))
        elif by == "run":
            yield _repetition(arm, run.run, list(envs.values()), len(rows))
        else:
            for env, episodes in envs.items():
                finished = sum(row.env == env for row in rows)
                yield _repetition(arm, f"{run.run} env {env}", [episodes], finished)


def _by_env(rows: Sequence[EpisodeCompared], last: int | None) -> dict[Env | None, list[EpisodeCompared]]:
    envs: dict[Env | None, list[EpisodeCompared]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -1 if row.episode is None else row.episode):
        if row.kept_accuracy is not None and row.twin_final_accuracy is not None:
            envs[row.env].append(row)
    return {env: episodes[-last:] if last else episodes for env, episodes in envs.items()}


def _repetition(arm: str, name: str, envs: Sequence[Sequence[EpisodeCompared]], finished: int) -> Repetition:
    figures = {}
    for figure in FIGURES:
        means = [_mean([ALL_FIGURES[figure](row) for row in episodes]) for episodes in envs]
        figures[figure] = _mean(means)
    return Repetition(arm, name, len(envs), sum(map(len, envs)), finished, figures)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of some, beside those of all, would look like a difference."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def _why_none(rows: Sequence[EpisodeCompared]) -> str:
    if all(row.twin_final_accuracy is None for row in rows):
        return "no twin: no host trained alone for as many epochs was told of"
    if all(row.kept_accuracy is None for row in rows):
        return "the network that is kept was not measured"
    return "no episode has both its kept accuracy and its twin's"
