"""What an episode came to, as a study judges it, and the mean of several."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import fmean

from nissa.trainer.training import Course, EpisodeRecord

__all__ = ["Outcome", "alone", "grown", "mean_outcome"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One episode, or a mean over several.

    `final_accuracy` in percent; `training_delta` = it minus that of the host twin, percentage points; `growth_ratio`
    = (host + all seeds present) / host in the last epoch; `efficiency` = peak accuracy in percent / growth ratio at
    the peak, where ties go to the first epoch.
    """

    final_accuracy: float
    training_delta: float
    growth_ratio: float
    efficiency: float


def grown(record: EpisodeRecord, twin: Course) -> Outcome:
    """An episode against its twin."""
    trained = record.val_accuracies[1:]
    peak = trained.index(max(trained))
    return Outcome(
        final_accuracy=trained[-1],
        training_delta=trained[-1] - twin.val_accuracies[-1],
        growth_ratio=record.growth_ratios[-1],
        efficiency=trained[peak] / record.growth_ratios[peak],
    )


def alone(twin: Course) -> Outcome:
    """A twin against itself: the baseline."""
    accuracies = twin.val_accuracies[1:]
    return Outcome(final_accuracy=accuracies[-1], training_delta=0.0, growth_ratio=1.0, efficiency=max(accuracies))


def mean_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of each figure. Raises StatisticsError for no outcomes."""
    names = [field.name for field in fields(Outcome)]
    return Outcome(**{name: fmean(getattr(outcome, name) for outcome in outcomes) for name in names})
