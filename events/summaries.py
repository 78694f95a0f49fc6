"""What operators derive from the stream, declared here so that sinks need to know no operator."""

from nissa.events.event import Env
from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Count, Efficiency, Epochs, Fraction, Percent, Points, Ratio, Real

__all__ = [
    "BestRun",
    "BestRunsRanked",
    "BlueprintSummarized",
    "EpisodeCompared",
    "EpochAssessed",
    "FeaturesComputed",
    "ScoreboardUpdated",
    "VerdictReached",
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
    """Seeds culled, those among them that the end of an episode cut off."""
    cut_off: Count
    """Seeds among the culled that the end of an episode cut off: nobody judged them."""
    never_mixed: Count
    """Seeds among the culled that never took part in the output, as far as their shares were told; they are in the net
    gain all the same, for it is of all that ended."""
    late_germinated: Count
    """Seeds germinated in the last quarter of the run's planned episodes, or of those begun where more: in whole
    episodes and at least one."""
    late_fossilized: Count
    """Seeds fossilized in the last quarter of the run's planned episodes, or of those begun where more: in whole
    episodes and at least one."""
    fossilization_rate: Percent | None = None
    """fossilized / (fossilized + culled)."""
    acc_delta_mean: Points | None = None
    """Mean change of the validation accuracy while its fossilized seeds lived: progress, whatever made it."""
    acc_delta_std: Points | None = None
    """Sample standard deviation of what `acc_delta_mean` is of; None below two."""
    churn_mean: Points | None = None
    """Mean change of the validation accuracy while its culled seeds lived, as the documents define it; what the cull
    itself cost is `cull_drop_mean`."""
    churn_std: Points | None = None
    """Sample standard deviation of what `churn_mean` is of; None below two."""
    lifespan_mean: Epochs | None = None
    """Mean epochs from germination to the end, fossilized or culled."""
    net_gain_mean: Points | None = None
    """Change of the validation accuracy while a seed lived, cut off or not, minus what the host-only twin gained
    meanwhile: mean of each environment's seeds first, then over environments."""
    net_gain_low: Points | None = None
    """Lower end of the 95% interval of `net_gain_mean`, Student's t over environments; None with fewer than two."""
    net_gain_high: Points | None = None
    """Upper end of the 95% interval of `net_gain_mean`."""
    net_gain_n: Count
    """Seeds that `net_gain_mean` rests on."""
    net_gain_envs: Count
    """Environments that `net_gain_mean` is over."""
    ablation_mean: Points | None = None
    """Accuracy that switching the seed off costs the trained network at the end of its life: mean of each environment's
    seeds first, then over environments."""
    ablation_low: Points | None = None
    """Lower end of the 95% interval of `ablation_mean`, Student's t over environments; None with fewer than two."""
    ablation_high: Points | None = None
    """Upper end of the 95% interval of `ablation_mean`."""
    ablation_n: Count
    """Seeds that `ablation_mean` rests on."""
    ablation_envs: Count
    """Environments that `ablation_mean` is over."""
    cull_drop_mean: Points | None = None
    """Accuracy right before a cull minus right after, of seeds that were mixed in: mean of each environment's seeds
    first, then over environments."""
    cull_drop_low: Points | None = None
    """Lower end of the 95% interval of `cull_drop_mean`, Student's t over environments; None with fewer than two."""
    cull_drop_high: Points | None = None
    """Upper end of the 95% interval of `cull_drop_mean`."""
    cull_drop_n: Count
    """Seeds that `cull_drop_mean` rests on."""
    cull_drop_envs: Count
    """Environments that `cull_drop_mean` is over."""


@kind(Importance.ROUTINE, derived=True)
class ScoreboardUpdated(Payload):
    """The seeds of one environment: totals over the run, and the model that it trains now, as it would be kept."""

    group: str | None = None
    """Group (A/B arm)."""
    env: Env | None = None
    """Environment."""
    germinated: Count
    """Seeds germinated, over the run."""
    fossilized: Count
    """Seeds fossilized, over the run."""
    culled: Count
    """Seeds culled, over the run."""
    orphans: Count
    """Seeds that ended without having been seen to germinate; they are counted all the same."""
    params_added: Count | None = None
    """Parameters of fossilized seeds, over the run; None when the size of one is not known."""
    fossilized_by_blueprint: dict[str, int]
    """Fossilized seeds by blueprint, over the run."""
    host_params: Count | None = None
    """Trainable parameters of the host, without seeds; None if not told."""
    live_blueprints: dict[str, str]
    """Blueprint in each slot with a live seed, in this episode."""
    growth_ratio: Ratio | None = None
    """(host + fossilized parameters) / host of this episode's model: what would be kept now, without live seeds; None
    when a size is not known."""
    compute_cost: Ratio
    """1 + sum((multiplier - 1) x count) over this episode's fossilized seeds: an estimate from constants."""
    flops_ratio: Ratio | None = None
    """(host + fossilized operations) / host of this episode's model; None unless all were measured."""


@part
class BestRun:
    """An episode at its best epoch, all of the network as it was trained, with the seeds that it had then."""

    group: str | None = None
    """Group (A/B arm)."""
    env: Env | None = None
    """Environment."""
    episode: int | None = None
    """Episode."""
    epoch: int | None = None
    """Epoch of the peak; the first one, if several share it."""
    peak_accuracy: Percent
    """Highest validation accuracy of the episode's epochs; None where none was finite."""
    growth_ratio: Ratio | None = None
    """(host + seeds present at the peak, whatever their stage) / host; None when one of the sizes was not told."""
    efficiency: Efficiency | None = None
    """peak_accuracy / growth_ratio, in percent per growth ratio; None without that."""
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
    """Episodes finished so far, listed or not, one that ended twice once; `VerdictReached.unended` has the others."""


@kind(Importance.ROUTINE, derived=True)
class EpisodeCompared(Payload):
    """A finished episode beside the host-only twin of its environment, each accuracy with the growth of its network."""

    group: str | None = None
    """Group (A/B arm)."""
    env: Env | None = None
    """Environment."""
    episode: int | None = None
    """Episode."""
    epochs: Count | None = None
    """Epochs that it was trained; None if not told."""
    final_accuracy: Percent | None = None
    """Validation accuracy after the last epoch, of the network as it was trained; None if not measured."""
    final_growth_ratio: Ratio | None = None
    """(host + all seeds present) / host of the network as it was trained; None when a size is not known."""
    kept_accuracy: Percent | None = None
    """Validation accuracy of the network that is kept; None if not measured."""
    kept_growth_ratio: Ratio | None = None
    """Growth of what remains."""
    peak_accuracy: Percent | None = None
    """Highest validation accuracy of the episode's epochs; None where none was finite."""
    twin_final_accuracy: Percent | None = None
    """Validation accuracy of the twin at the epoch in which the episode ended; None where that was not told."""
    twin_peak_accuracy: Percent | None = None
    """Highest validation accuracy of the twin up to the epoch in which the episode ended; None where it was not told
    epoch by epoch."""
    twin_epochs: Count | None = None
    """Epochs for which the twin was trained, as far as had been told of it when the row was."""


@kind(Importance.ROUTINE, derived=True)
class VerdictReached(Payload):
    """Is growing winning? All finished episodes of a group so far, against their own environments' twins.

    A mean is one of each environment's episodes first, then over environments. Where some of them have a kept accuracy
    and a twin's of the same length, only those are in it; else those with a twin's; else all. All means are of the same
    episodes: there is none of a figure that one of them lacks. It is told when an episode ends, and when one begins,
    so that those that never end are counted.
    """

    group: str | None = None
    """Group (A/B arm)."""
    envs: Count
    """Environments that the means are over."""
    episodes: Count
    """Finished episodes."""
    compared: Count
    """Finished episodes with a kept accuracy and a twin's of the same length."""
    unended: Count
    """Episodes that began and have not ended: they are in no mean."""
    final_accuracy_mean: Percent | None = None
    """Validation accuracy of the networks as trained."""
    kept_accuracy_mean: Percent | None = None
    """Validation accuracy of the networks that are kept."""
    twin_accuracy_mean: Percent | None = None
    """Validation accuracy of the hosts trained alone for as long."""
    kept_training_delta_mean: Points | None = None
    """Kept accuracy minus the twin's."""
    kept_training_delta_low: Points | None = None
    """Lower end of the 95% interval of `kept_training_delta_mean`, Student's t over environments; None with fewer than
    two."""
    kept_training_delta_high: Points | None = None
    """Upper end of the 95% interval of `kept_training_delta_mean`."""
    final_training_delta_mean: Points | None = None
    """Final accuracy minus the twin's."""
    final_training_delta_low: Points | None = None
    """Lower end of the 95% interval of `final_training_delta_mean`, Student's t over environments; None with fewer than
    two."""
    final_training_delta_high: Points | None = None
    """Upper end of the 95% interval of `final_training_delta_mean`."""
    peak_training_delta_mean: Points | None = None
    """Peak accuracy minus the twin's peak over the same epochs."""
    peak_training_delta_low: Points | None = None
    """Lower end of the 95% interval of `peak_training_delta_mean`, Student's t over environments; None with fewer than
    two."""
    peak_training_delta_high: Points | None = None
    """Upper end of the 95% interval of `peak_training_delta_mean`."""
    growth_ratio_mean: Ratio | None = None
    """Growth of the networks that are kept."""
    efficiency_ratio_mean: Ratio | None = None
    """(kept accuracy / its parameters) / (twin's accuracy / host parameters); below 1, growing lost by size."""
    final_growth_ratio_mean: Ratio | None = None
    """Growth of the networks as trained."""
    final_efficiency_ratio_mean: Ratio | None = None
    """The efficiency ratio of the networks as trained."""
    efficiency_episodes: Count
    """Compared episodes whose kept network has a finite efficiency ratio."""
    efficiency_wins: Count
    """Compared episodes whose kept network has an efficiency ratio above 1; out of `efficiency_episodes`."""
    accuracy_wins: Count
    """Compared episodes whose kept accuracy is above the twin's."""
    accuracy_ties: Count
    """Compared episodes whose kept accuracy is equal to the twin's."""
    shown: str
    """"better" or "worse" where the interval of `kept_training_delta_mean` excludes 0, otherwise "not shown"."""


@kind(Importance.ROUTINE, derived=True)
class EpochAssessed(Payload):
    """What a person would say of a network after an epoch: how it goes, what is wrong, what could be done."""

    narrative: str
    """One line: "Loss improving (mean of 5 epochs 0.542 -> 0.472; now 0.398) | Gradient health good"."""
    red_flags: list[str]
    """What is wrong, the worst first, such as "non_finite", "vanishing_gradients", "sustained_plateau"."""
    opportunities: list[str]
    """What could be done, such as "slot_available", "healthy_gradients"."""
    learning: str
    """How it learns, beside its health: "starting", "improving", "plateau", "worsening" or "broken" (not finite)."""
    health: Fraction | None = None
    """Share of measured layers without a complaint, 0 as soon as anything is broken; None if nothing was measured."""
    complaints: dict[str, list[str]]
    """Layers by complaint: "non_finite", "exploding", "vanishing", "dead"."""
    plateau_epochs: Count | None = None
    """Epochs since the best validation accuracy was beaten by half a point, None before one was measured; whether it is
    a plateau says `learning`."""


@kind(Importance.ROUTINE, derived=True)
class FeaturesComputed(Payload):
    """The observation after an epoch, in the order that `probes_configured.features` gives."""

    values: list[Real | None]
    """None = not measured in this epoch; NaN = measured, broken."""
    missing: Count
    """Features that are None."""
