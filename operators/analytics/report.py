"""The row of an environment, or of a group: what each question is answered from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isfinite, isnan
from statistics import fmean
from typing import Any

from nissa.events.event import Env
from nissa.events.kinds import (
    AccuracyDelta,
    AnalyticsUpdated,
    ArmComparison,
    ParamsEfficiency,
    SeedContribution,
    TrainingHealth,
    TrajectoryPoint,
    VerdictReached,
)
from nissa.operators.analytics.equivalents import equivalents
from nissa.operators.analytics.policy import comparisons
from nissa.operators.analytics.record import Record
from nissa.operators.host_twin import HostTwin
from nissa.operators.statistics import Interval, Moments, t_interval

__all__ = ["Told", "reported"]

_MOST = 100.0
"""Percentage points."""

Told = Sequence[tuple[Record, HostTwin]]
"""Environments with their twins."""


def reported(
    told: Told, verdict: VerdictReached, env: Env | None, arms: Sequence[ArmComparison] = ()
) -> AnalyticsUpdated:
    """The answers of these environments, whose verdict is known."""
    records = [record for record, _ in told]
    ops = sum((record.ops for record in records), Counter[str]())
    return AnalyticsUpdated(
        group=verdict.group,
        env=env,
        episodes=verdict.episodes,
        envs=verdict.envs,
        accuracy_delta=_accuracy_delta(records, verdict),
        accuracy_trajectory=_trajectory([pair for pair in told if pair[0].finished]),
        params_efficiency_ratio=ParamsEfficiency(
            efficiency_ratio_mean=verdict.efficiency_ratio_mean,
            final_efficiency_ratio_mean=verdict.final_efficiency_ratio_mean,
            growth_ratio_mean=verdict.growth_ratio_mean,
            final_growth_ratio_mean=verdict.final_growth_ratio_mean,
        ),
        equivalent_traditional_params=equivalents(records),
        seed_contributions=_contributions(records),
        policy_vs_heuristic=comparisons(records),
        decisions=ops.total(),
        action_distribution={op: n / ops.total() for op, n in sorted(ops.items())},
        training_health=_health(records),
        arms=[*arms],
    )


def _accuracy_delta(records: Iterable[Record], verdict: VerdictReached) -> AccuracyDelta:
    measured = [record.ablation_delta for record in records]
    ablation = _within(t_interval(of.total_mean for of in measured if of.count))
    return AccuracyDelta(
        kept_training_delta_mean=verdict.kept_training_delta_mean,
        kept_training_delta_low=verdict.kept_training_delta_low,
        kept_training_delta_high=verdict.kept_training_delta_high,
        final_training_delta_mean=verdict.final_training_delta_mean,
        final_training_delta_low=verdict.final_training_delta_low,
        final_training_delta_high=verdict.final_training_delta_high,
        ablation_delta_mean=ablation.mean,
        ablation_delta_low=ablation.low,
        ablation_delta_high=ablation.high,
        ablation_delta_n=sum(of.count for of in measured),
    )


def _trajectory(told: Told) -> list[TrajectoryPoint]:
    """Epochs that all of them have, so that every point is of the same environments."""
    shared = set[int].intersection(*(set(record.finished) for record, _ in told)) if told else set()
    return [_point(told, epoch) for epoch in sorted(shared)]


def _point(told: Told, epoch: int) -> TrajectoryPoint:
    twins = [accuracy for _, twin in told if (accuracy := twin.at(epoch)) is not None]
    return TrajectoryPoint(
        epoch=epoch,
        grown_accuracy=_mean([record.finished[epoch] for record, _ in told]),
        twin_accuracy=_mean(twins) if len(twins) == len(told) else None,
    )


def _mean(values: Sequence[float]) -> float:
    """Not `fmean` of what is not finite, which raises on two infinities."""
    return fmean(values) if all(map(isfinite, values)) else sum(values) / len(values)


def _contributions(records: Sequence[Record]) -> list[SeedContribution]:
    keys = {key for record in records for key in record.contributions}
    return [_contribution(records, *key) for key in sorted(keys, key=lambda key: (key[0], key[1] or ""))]


def _contribution(records: Sequence[Record], slot: str, blueprint: str | None) -> SeedContribution:
    found = [seeds for record in records if (seeds := record.contributions.get((slot, blueprint)))]
    mean, low, high = _within(t_interval(seeds.shapley.total_mean for seeds in found))
    sizes = {seeds.params for seeds in found}
    return SeedContribution(
        slot=slot,
        blueprint=blueprint,
        seed_params=sizes.pop() if len(sizes) == 1 else None,
        shapley_mean=mean,
        shapley_mean_low=low,
        shapley_mean_high=high,
        shapley_n=sum(seeds.shapley.count for seeds in found),
        shapley_envs=len(found),
    )


def _within(found: Interval) -> Interval:
    """No difference of two accuracies is beyond 100 points, however wide the interval of few is. NaN stays."""
    low, high = found.low, found.high
    if low is None or high is None or isnan(low):
        return found
    return Interval(found.mean, max(low, -_MOST), min(high, _MOST))


def _health(records: Sequence[Record]) -> TrainingHealth:
    found = [record.health for record in records]
    share: Moments = Moments()
    for health in found:
        share = share.merge(health.share)
    flags, alerts = (_counts(getattr(health, name) for health in found) for name in ("flags", "alerts"))
    return TrainingHealth(
        assessed=sum(health.assessed for health in found),
        flagged=sum(health.flagged for health in found),
        flags=flags,
        health_mean=share.mean,
        alerts=alerts,
        alerts_standing=max(0, sum(health.standing for health in found)),
    )


def _counts(counters: Iterable[Any]) -> dict[str, int]:
    return dict(sorted(sum(counters, Counter[str]()).items()))
