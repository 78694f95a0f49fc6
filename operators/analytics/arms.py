"""How does a group stand beside the others of its run? Environments of each, drawn anew."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from nissa.events.kinds import ArmComparison
from nissa.operators.analytics.report import Told
from nissa.operators.statistics import bootstrap_interval

__all__ = ["beside"]

_RESAMPLES = 1_000
"""At each episode's end, so a quarter of what a comparison of runs takes."""


def beside(told: Told, others: Mapping[str | None, Told]) -> list[ArmComparison]:
    """A group beside each other one with a compared environment.

    Each environment counts as what it gained over its own twin, so it matters little which seeds a group drew.
    """
    own = _gains(told)
    found = {group: gains for group, other in others.items() if (gains := _gains(other))}
    return [_row(own, group, gains) for group, gains in found.items()] if own else []


def _row(own: list[float], group: str | None, other: list[float]) -> ArmComparison:
    gain = bootstrap_interval(_difference, own, other, resamples=_RESAMPLES)
    return ArmComparison(
        other=group,
        arm_gain_mean=gain.mean,
        arm_gain_low=gain.low,
        arm_gain_high=gain.high,
        arm_envs=len(own),
        other_envs=len(other),
    )


def _difference(own: Sequence[float], other: Sequence[float]) -> float:
    return fmean(own) - fmean(other)


def _gains(told: Told) -> list[float]:
    verdicts = (record.verdict for record, _ in told if record.verdict)
    return [gain for verdict in verdicts if (gain := verdict.kept_training_delta_mean) is not None]
