"""What would have come of a run had nothing germinated in one slot? The run's log cannot tell: it is trained again."""

from collections.abc import Sequence
from typing import NamedTuple

from nissa.operators.statistics import Interval, t_interval
from nissa.trainer.repetition.recorded import RecordedRun
from nissa.trainer.training import History

__all__ = ["Without", "without_slot"]


class Without(NamedTuple):
    """An environment with the slot and without: means over its episodes of validation accuracies in percent."""

    env: int
    episodes: int
    kept_with: float
    kept_without: float
    final_with: float
    final_without: float


def without_slot(recorded: RecordedRun, history: History) -> tuple[list[Without], Interval, Interval]:
    """Each environment, and with minus without in points, kept and final: mean and 95% interval over environments.

    Episodes that ended in both runs count, and whose accuracies were measured.
    """
    rows = []
    for env in sorted({record.env for record in history.episodes}):
        pairs = [
            (told.kept, record.kept.accuracy, told.final, record.final.accuracy)
            for record in history.episodes
            if record.env == env and record.kept and (told := recorded.episodes.get((env, record.episode)))
        ]
        whole = [tuple(value for value in pair if value is not None) for pair in pairs]
        if whole := [pair for pair in whole if len(pair) == 4]:
            rows.append(Without(env, len(whole), *(_mean(column) for column in zip(*whole, strict=True))))
    kept = t_interval([row.kept_with - row.kept_without for row in rows])
    return rows, kept, t_interval([row.final_with - row.final_without for row in rows])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
