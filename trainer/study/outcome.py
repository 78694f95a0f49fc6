"""What an episode came to, as a study judges it, and the mean of several."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import nan
from statistics import fmean

from nissa.trainer.training import Course, EpisodeRecord, Measured

__all__ = ["Outcome", "alone", "grown", "mean_outcome"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One episode, or a mean over several, told of two networks.

    `kept_*` is what remains at the end, `final_*` the network as it was trained, with all its seeds. Of each: accuracy
    in percent; `delta` = it minus that of the host twin, percentage points; `growth_ratio` = (host + its seeds) / host;
    `efficiency_ratio` = (accuracy / parameters) / (accuracy of the twin / parameters of the host).
    """

    kept_accuracy: float
    kept_delta: float
    kept_growth_ratio: float
    kept_efficiency_ratio: float
    final_accuracy: float
    final_delta: float
    final_growth_ratio: float
    final_efficiency_ratio: float


def grown(record: EpisodeRecord, twin: Course) -> Outcome:
    """An episode against its twin. Raises ValueError if it has not ended."""
    if record.kept is None:
        raise ValueError(f"episode {record.episode} of environment {record.env} has not ended")
    return Outcome(**_against("kept", record.kept, twin), **_against("final", record.final, twin))


def alone(twin: Course) -> Outcome:
    """A twin against itself: the baseline."""
    host = Measured(twin.val_accuracies[-1], twin.val_losses[-1], 1.0)
    return Outcome(**_against("kept", host, twin), **_against("final", host, twin))


def mean_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of each figure. Raises StatisticsError for no outcomes."""
    names = [field.name for field in fields(Outcome)]
    return Outcome(**{name: fmean(getattr(outcome, name) for outcome in outcomes) for name in names})


def _against(which: str, network: Measured, twin: Course) -> dict[str, float]:
    baseline = twin.val_accuracies[-1]
    return {
        f"{which}_accuracy": network.accuracy,
        f"{which}_delta": network.accuracy - baseline,
        f"{which}_growth_ratio": network.growth_ratio,
        f"{which}_efficiency_ratio": network.accuracy / network.growth_ratio / baseline if baseline else nan,
    }
