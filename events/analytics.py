"""What does growing come to, by environment and by group: the questions of the research, each with its answer."""

from dataclasses import field

from nissa.events.event import Env
from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Count, DoublePoints, Fraction, Percent, Points, Ratio

__all__ = [
    "AccuracyDelta",
    "AnalyticsUpdated",
    "ArmComparison",
    "EquivalentParams",
    "ParamsEfficiency",
    "PolicyComparison",
    "SeedContribution",
    "TrainingHealth",
    "TrajectoryPoint",
]


@part
class AccuracyDelta:
    """What growing gained, against two baselines that are not the same."""

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
    ablation_delta_mean: Points | None = None
    """Accuracy of the network as trained minus that of the same one with its seeds off, after the last epoch: mean of
    each environment's episodes first, then over environments."""
    ablation_delta_low: Points | None = None
    """Lower end of the 95% interval of `ablation_delta_mean`, Student's t over environments; None with fewer than
    two."""
    ablation_delta_high: Points | None = None
    """Upper end of the 95% interval of `ablation_delta_mean`."""
    ablation_delta_n: Count
    """Episodes that `ablation_delta_mean` rests on: those whose network was measured so after its last epoch."""


@part
class TrajectoryPoint:
    """An epoch of the episode that each environment finished last."""

    epoch: Count
    """Epoch."""
    grown_accuracy: Percent
    """Validation accuracy of the networks that grow after an epoch, mean over environments."""
    twin_accuracy: Percent | None = None
    """Validation accuracy of the same hosts trained alone after that epoch; None unless told of each."""


@part
class ParamsEfficiency:
    """Accuracy by parameter, by that of the host alone, and the growth that it is paid with."""

    efficiency_ratio_mean: Ratio | None = None
    """(kept accuracy / its parameters) / (twin's accuracy / host parameters); below 1, growing lost by size."""
    final_efficiency_ratio_mean: Ratio | None = None
    """The efficiency ratio of the networks as trained."""
    growth_ratio_mean: Ratio | None = None
    """Growth of the networks that are kept."""
    final_growth_ratio_mean: Ratio | None = None
    """Growth of the networks as trained."""


@part
class EquivalentParams:
    """How large is a host as accurate that never grows? Read off hosts of several widths, trained alone."""

    kept_equivalent_params: Count | None = None
    """Parameters of a host trained alone that is as accurate as the kept network: mean over environments. None where
    that of one lies outside of the hosts that were trained, or none were."""
    kept_params: Count | None = None
    """Parameters of the networks that are kept, of the same environments."""
    final_equivalent_params: Count | None = None
    """Parameters of a host trained alone that is as accurate as the network as trained: mean over environments. None
    where that of one lies outside of the hosts that were trained, or none were."""
    final_params: Count | None = None
    """Parameters of the networks as trained, of the same environments."""
    curve_hosts: Count
    """Hosts trained alone that the equivalents are read off, the twins among them."""
    curve_envs: Count
    """Environments with at least two such hosts; the others are in none of these figures."""


@part
class SeedContribution:
    """What the seeds of a blueprint in a slot are worth to the networks in which they ended an episode."""

    slot: str
    """Slot of the host."""
    blueprint: str | None = None
    """Blueprint of the seeds; None where that is not told."""
    seed_params: Count | None = None
    """Trainable parameters of the seed, 0 for an empty slot; None if not known."""
    shapley_mean: Points | None = None
    """Shapley value after an episode's last epoch: mean of each environment's seeds first, then over environments."""
    shapley_mean_low: Points | None = None
    """Lower end of the 95% interval of `shapley_mean`, Student's t over environments; None with fewer than two."""
    shapley_mean_high: Points | None = None
    """Upper end of the 95% interval of `shapley_mean`."""
    shapley_n: Count
    """Seeds that `shapley_mean` rests on."""
    shapley_envs: Count
    """Environments that `shapley_mean` is over."""


@part
class PolicyComparison:
    """Decisions in which the heuristic would have done one thing: the policy did another in some, and the same in
    others. What followed is observed, not tried: the policy did not toss a coin.

    What followed a decision is the change of the validation accuracy over five epochs, the decision's own the first,
    minus that of the host trained alone. Those with fewer left, and those that were refused, are not counted.
    """

    heuristic_op: str
    """Operation that the heuristic would have chosen."""
    policy_op: str
    """Operation that the policy chose in its place."""
    differing: Count
    """Decisions in which the policy chose `policy_op` where the heuristic would have chosen `heuristic_op`."""
    agreeing: Count
    """Decisions in which the policy chose `heuristic_op` as the heuristic would have."""
    differing_gain_mean: DoublePoints | None = None
    """What followed where the policy and the heuristic differ, net of the host alone: mean over decisions."""
    agreeing_gain_mean: DoublePoints | None = None
    """What followed where both chose `heuristic_op`, net of the host alone: mean over decisions."""
    policy_gain_mean: DoublePoints | None = None
    """`differing_gain_mean` minus `agreeing_gain_mean`: above 0, more followed where the policy went its own way."""
    policy_gain_low: DoublePoints | None = None
    """Lower end of the 95% interval of `policy_gain_mean`, clustered by episode; None with fewer than two."""
    policy_gain_high: DoublePoints | None = None
    """Upper end of the 95% interval of `policy_gain_mean`."""


@part
class TrainingHealth:
    """How well the networks trained."""

    assessed: Count
    """Epochs that were assessed."""
    flagged: Count
    """Epochs that were assessed with a red flag at least."""
    flags: dict[str, Count] = field(default_factory=dict)
    """Epochs by red flag."""
    health_mean: Fraction | None = None
    """Mean over assessed epochs of the share of layers without a complaint; None if no layer was measured."""
    alerts: dict[str, Count] = field(default_factory=dict)
    """Alerts raised, by name."""
    alerts_standing: Count
    """Alerts that were raised and not resolved yet."""


@part
class ArmComparison:
    """A group beside another one of the same run."""

    other: str | None = None
    """The other group."""
    arm_gain_mean: DoublePoints | None = None
    """`kept_training_delta_mean` of a group minus that of the other one, each a mean over its environments."""
    arm_gain_low: DoublePoints | None = None
    """Lower end of the 95% interval of `arm_gain_mean`, a bootstrap over environments; None where one group has a
    single one."""
    arm_gain_high: DoublePoints | None = None
    """Upper end of the 95% interval of `arm_gain_mean`."""
    arm_envs: Count
    """Environments of the group that the comparison rests on."""
    other_envs: Count
    """Environments of the other group that the comparison rests on."""


@kind(Importance.ROUTINE, derived=True)
class AnalyticsUpdated(Payload):
    """The answers so far: of a group over its environments, and of each environment by itself.

    Told when an episode was compared with its twin. An environment's episodes share a host and a twin, so its own row
    has no interval over environments.
    """

    group: str | None = None
    """Group (A/B arm)."""
    env: Env | None = None
    """Environment; None in the row of a whole group."""
    episodes: Count
    """Finished episodes."""
    envs: Count
    """Environments that the means are over."""
    accuracy_delta: AccuracyDelta
    """How much more accurate is it than without seeds?"""
    accuracy_trajectory: list[TrajectoryPoint]
    """How did it get there, beside the host alone? Of the episode that each environment finished last."""
    params_efficiency_ratio: ParamsEfficiency
    """Is it more accurate by parameter?"""
    equivalent_traditional_params: EquivalentParams
    """How large would a network have to be that does not grow?"""
    seed_contributions: list[SeedContribution]
    """Which seeds is that due to, by slot and blueprint?"""
    policy_vs_heuristic: list[PolicyComparison]
    """Where the policy goes another way than the heuristic, what follows?"""
    decisions: Count
    """Decisions that `action_distribution` is of."""
    action_distribution: dict[str, Fraction]
    """Share of each operation among all decisions, whether or not it was carried out."""
    training_health: TrainingHealth
    """Did training go well?"""
    arms: list[ArmComparison] = field(default_factory=list)
    """A group beside each other one of the run; empty in an environment's row, and without another group."""
