"""What operators derive from the stream, declared here so that sinks need to know no operator."""

from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Count, Fraction, Percent, Points, Ratio, Real

__all__ = [
    "BestRun",
    "BestRunsRanked",
    "BlueprintSummarized",
    "EpochAssessed",
    "FeaturesComputed",
    "ScoreboardUpdated",
]


@kind(Importance.ROUTINE, derived=True)
class BlueprintSummarized(Payload):
    """How a blueprint has done so far in a group. A mean that cannot be formed yet is None."""

    group: str | None = None
    """Group (A/B arm)."""
    blueprint: str
    """Blueprint; "unknown" for seeds that ended without one."""
    germinated: Count
    """Seeds germinated."""
    fossilized: Count
    """Seeds fossilized."""
    culled: Count
    """Seeds culled."""
    fossilization_rate: Percent | None = None
    """fossilized / (fossilized + culled)."""
    acc_delta_mean: Points | None = None
    """Mean improvement of fossilized seeds."""
    acc_delta_std: Points | None = None
    """Its sample standard deviation; None below two."""
    churn_mean: Points | None = None
    """Mean improvement of culled seeds: what was lost (or kept) by removing them."""
    churn_std: Points | None = None
    """Its sample standard deviation; None below two."""
    lifespan_mean: Ratio | None = None
    """Mean epochs from germination to the end, fossilized or culled."""


@kind(Importance.ROUTINE, derived=True)
class ScoreboardUpdated(Payload):
    """The seeds of one environment: totals over the run, and the model that it trains now."""

    group: str | None = None
    """Group (A/B arm)."""
    env: int | None = None
    """Environment."""
    germinated: Count
    """Seeds germinated, over the run."""
    fossilized: Count
    """Seeds fossilized, over the run."""
    culled: Count
    """Seeds culled, over the run."""
    orphans: Count
    """Seeds that ended without having been seen to germinate; they are counted all the same."""
    params_added: Count
    """Parameters of fossilized seeds, over the run."""
    fossilized_by_blueprint: dict[str, int]
    """Fossilized seeds by blueprint, over the run."""
    host_params: Count | None = None
    """Parameters of the host; None before the start of an episode told them."""
    live_blueprints: dict[str, str]
    """Blueprint in each slot with a live seed, in this episode."""
    growth_ratio: Ratio | None = None
    """(host + fossilized parameters) / host of this episode's model; None when the host is not known."""
    compute_cost: Ratio
    """1 + sum((multiplier - 1) x count) over this episode's fossilized seeds: an estimate from constants."""
    flops_ratio: Ratio | None = None
    """(host + fossilized operations) / host of this episode's model; None unless all were measured."""


@part
class BestRun:
    """An episode at its best epoch."""

    group: str | None = None
    """Group (A/B arm)."""
    env: int | None = None
    """Environment."""
    episode: int | None = None
    """Episode."""
    epoch: int | None = None
    """Epoch of the peak; the first one, if several share it."""
    peak_accuracy: Percent
    """Highest validation accuracy."""
    growth_ratio: Ratio | None = None
    """(host + seeds present at the peak, whatever their stage) / host; None when one of the sizes was not told."""
    efficiency: Ratio | None = None
    """peak_accuracy / growth_ratio; None without that."""
    rank: Count
    """1 = the highest peak accuracy; among equals, the smaller model."""
    pareto: bool
    """Whether no other is as accurate and smaller, or more accurate and no larger; false where growth is None."""


@kind(Importance.ROUTINE, derived=True)
class BestRunsRanked(Payload):
    """The best finished episodes so far, best first."""

    runs: list[BestRun]
    """Ranked by peak accuracy: the best of the run, bounded in number, and the best of each environment besides."""
    finished: Count
    """Episodes finished so far, listed or not."""


@kind(Importance.ROUTINE, derived=True)
class EpochAssessed(Payload):
    """What a person would say of a network after an epoch: how it goes, what is wrong, what could be done."""

    narrative: str
    """One line: "Loss improving (0.542 -> 0.398) | Gradient health good | Class imbalance: 3=42% vs 7=91%"."""
    red_flags: list[str]
    """What is wrong, the worst first, such as "non_finite", "vanishing_gradients", "sustained_plateau"."""
    opportunities: list[str]
    """What could be done, such as "slot_available", "healthy_gradients"."""
    health: Fraction | None = None
    """Share of measured layers without a complaint, 0 as soon as anything is broken; None if nothing was measured."""
    complaints: dict[str, list[str]]
    """Layers by complaint: "non_finite", "exploding", "vanishing", "dead"."""
    plateau_epochs: Count
    """Epochs since the validation accuracy last improved by half a point."""


@kind(Importance.ROUTINE, derived=True)
class FeaturesComputed(Payload):
    """The observation after an epoch, in the order that `probes_configured.features` gives."""

    values: list[Real | None]
    """None = not measured in this epoch; NaN = measured, broken."""
    missing: Count
    """How many are None."""
