"""What came of an episode, and did it beat the same host trained alone?

>>> compared = EpisodeCompared(kept_accuracy=95.0, twin_final_accuracy=90.0)
>>> for n in (100, 1000):
...     found = outcome(None, compared, n, lambda accuracy, n: accuracy * (100 - accuracy) / n)
...     print(n, found.against_twin)
100 undecided
1000 better
"""

from collections.abc import Callable
from math import isfinite, sqrt

from nissa.events.kinds import EpisodeCompared, EpisodeEnded
from nissa.sinks.data_pack.structure import Outcome

__all__ = ["Variance", "in_a_line", "outcome"]

Variance = Callable[[float, int], float]
"""Of an accuracy in percent, of so many samples, in percentage points squared."""
_95 = 1.96
"""Standard errors either way that a 95% interval has."""


def outcome(ended: EpisodeEnded | None, compared: EpisodeCompared | None, n: int | None, variance: Variance) -> Outcome:
    """As the end of an episode, and its comparison with the twin, tell; of `n` validation samples."""
    told = compared or EpisodeCompared()
    return Outcome(
        ended=ended.outcome if ended else None,
        epochs=told.epochs,
        final_accuracy=told.final_accuracy,
        final_growth_ratio=told.final_growth_ratio,
        kept_accuracy=told.kept_accuracy,
        kept_growth_ratio=told.kept_growth_ratio,
        peak_accuracy=told.peak_accuracy,
        twin_final_accuracy=told.twin_final_accuracy,
        twin_peak_accuracy=told.twin_peak_accuracy,
        total_reward=ended.total_reward if ended else None,
        n_val=n,
        against_twin=_against(told.kept_accuracy, told.twin_final_accuracy, n, variance),
    )


def in_a_line(found: Outcome) -> str:
    """For a person.

    >>> in_a_line(Outcome(ended="completed", kept_accuracy=85.5556, twin_final_accuracy=92.2222, against_twin="worse"))
    'completed: kept 85.56%, twin 92.22%: worse'
    """
    figures = {"kept": found.kept_accuracy, "twin": found.twin_final_accuracy}
    if found.kept_accuracy is None:
        figures = {"as trained": found.final_accuracy} | figures
    told = ", ".join(f"{name} {value:.2f}%" for name, value in figures.items() if value is not None)
    return ": ".join(filter(None, [found.ended or "not ended", told, found.against_twin]))


def _against(kept: float | None, twin: float | None, n: int | None, variance: Variance) -> str | None:
    """By the 95% interval of the difference, as if each accuracy had a validation set of its own: rather too wide."""
    if kept is None or twin is None or not n or not isfinite(kept - twin):
        return None
    margin = _95 * sqrt(variance(kept, n) + variance(twin, n))
    return "better" if kept - twin > margin else "worse" if twin - kept > margin else "undecided"
