"""What does growing come to, by group? What the seeds bring, what size it saves, and what the policy's own way brings.

The rows of environments are in the log and in `snapshot()`; metrics are of whole groups.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import AnalyticsUpdated, HostAloneTrained
from nissa.sinks.prometheus.lifetimes import shared
from nissa.sinks.prometheus.metric import ENV, GROUP, Labels, gauge, percent
from nissa.sinks.prometheus.rows import Row, Rows, by

__all__ = ["TABLES"]


def _key(event: Event[AnalyticsUpdated]) -> tuple[Any, ...]:
    return event.payload.group, event.payload.env


def _parts(field: str, *labels: Callable[[Any], str | None]) -> Rows:
    """A row for each part of a group, labelled by what it says of itself."""
    read = attrgetter(field)

    def rows(at: Labels, event: Event[AnalyticsUpdated]) -> list[Row]:
        row = event.payload
        found = read(row) if row.env is None else []
        parts = found if isinstance(found, list) else [found]
        return [((at[0], row.group or "", *(label(part) or "" for label in labels)), part) for part in parts]

    return rows


TABLES = (
    shared(AnalyticsUpdated, GROUP, rows=_parts("accuracy_delta"), key=_key)(
        nissa_analytics_ablation_delta_mean_ratio=gauge(
            "ratio",
            "Accuracy as trained minus that of the same network with its seeds off, a mean over environments.",
            percent("ablation_delta_mean"),
        ),
        nissa_analytics_ablation_delta_low_ratio=gauge(
            "ratio",
            "Lower end of the 95% interval of the ablation delta; absent with fewer than two environments.",
            percent("ablation_delta_low"),
        ),
        nissa_analytics_ablation_delta_high_ratio=gauge(
            "ratio", "Upper end of the 95% interval of the ablation delta.", percent("ablation_delta_high")
        ),
        nissa_analytics_ablation_delta_episodes=gauge(
            "episodes", "Episodes that the ablation delta rests on.", "ablation_delta_n"
        ),
    ),
    shared(AnalyticsUpdated, GROUP, rows=_parts("equivalent_traditional_params"), key=_key)(
        nissa_analytics_kept_equivalent_parameters=gauge(
            "parameters",
            "Parameters of a host trained alone that is as accurate as the kept network; absent outside of those told.",
            "kept_equivalent_params",
        ),
        nissa_analytics_kept_parameters=gauge(
            "parameters", "Parameters of the networks that are kept, in the same environments.", "kept_params"
        ),
        nissa_analytics_final_equivalent_parameters=gauge(
            "parameters",
            "Parameters of a host trained alone that is as accurate as the network as trained; absent outside.",
            "final_equivalent_params",
        ),
        nissa_analytics_final_parameters=gauge(
            "parameters", "Parameters of the networks as trained, in the same environments.", "final_params"
        ),
        nissa_analytics_curve_hosts=gauge("hosts", "Hosts trained alone that these are read off.", "curve_hosts"),
        nissa_analytics_curve_environments=gauge(
            "environments", "Environments with hosts of several widths.", "curve_envs"
        ),
    ),
    shared(AnalyticsUpdated, GROUP, rows=_parts("training_health"), key=_key)(
        nissa_analytics_assessed_epochs=gauge("epochs", "Epochs that were assessed.", "assessed"),
        nissa_analytics_flagged_epochs=gauge("epochs", "Epochs with a red flag.", "flagged"),
        nissa_analytics_health_mean_ratio=gauge(
            "ratio", "Mean share of layers without a complaint over the assessed epochs.", "health_mean"
        ),
    ),
    shared(
        AnalyticsUpdated,
        (*GROUP, "slot", "blueprint"),
        rows=_parts("seed_contributions", attrgetter("slot"), attrgetter("blueprint")),
        key=_key,
    )(
        nissa_seed_shapley_mean_ratio=gauge(
            "ratio",
            "Shapley value of a blueprint's seeds in a slot after an episode's last epoch, a mean over environments.",
            percent("shapley_mean"),
        ),
        nissa_seed_shapley_mean_low_ratio=gauge(
            "ratio",
            "Lower end of the 95% interval of that mean; absent with fewer than two environments.",
            percent("shapley_mean_low"),
        ),
        nissa_seed_shapley_mean_high_ratio=gauge(
            "ratio", "Upper end of the 95% interval of that mean.", percent("shapley_mean_high")
        ),
        nissa_seed_shapley_seeds=gauge("seeds", "Seeds that it rests on.", "shapley_n"),
        nissa_seed_shapley_environments=gauge("environments", "Environments that it is over.", "shapley_envs"),
        nissa_seed_each_parameters=gauge(
            "parameters", "Trainable parameters of one of these seeds; absent where they differ.", "seed_params"
        ),
    ),
    shared(
        AnalyticsUpdated,
        (*GROUP, "heuristic_op", "policy_op"),
        rows=_parts("policy_vs_heuristic", attrgetter("heuristic_op"), attrgetter("policy_op")),
        key=_key,
    )(
        nissa_policy_gain_mean_ratio=gauge(
            "ratio",
            "What followed where the policy chose another operation, minus what followed where it agreed; observed.",
            percent("policy_gain_mean"),
        ),
        nissa_policy_gain_low_ratio=gauge(
            "ratio", "Lower end of its 95% interval, clustered by episode.", percent("policy_gain_low")
        ),
        nissa_policy_gain_high_ratio=gauge(
            "ratio", "Upper end of its 95% interval, clustered by episode.", percent("policy_gain_high")
        ),
        nissa_policy_differing_decisions=gauge(
            "decisions", "Decisions in which the policy chose this other operation.", "differing"
        ),
        nissa_policy_differing_gain_mean_ratio=gauge(
            "ratio",
            "Change of the accuracy over five epochs from them on, net of the host alone.",
            percent("differing_gain_mean"),
        ),
        nissa_policy_agreeing_decisions=gauge(
            "decisions", "Decisions in which it chose the heuristic's operation.", "agreeing"
        ),
        nissa_policy_agreeing_gain_mean_ratio=gauge(
            "ratio",
            "Change of the accuracy over five epochs from those on, net of the host alone.",
            percent("agreeing_gain_mean"),
        ),
    ),
    shared(AnalyticsUpdated, (*GROUP, "other"), rows=_parts("arms", attrgetter("other")), key=_key)(
        nissa_arm_gain_mean_ratio=gauge(
            "ratio",
            "Kept accuracy over that of the twins, minus the same of another group of the run.",
            percent("arm_gain_mean"),
        ),
        nissa_arm_gain_low_ratio=gauge(
            "ratio", "Lower end of its 95% interval, a bootstrap over environments.", percent("arm_gain_low")
        ),
        nissa_arm_gain_high_ratio=gauge(
            "ratio", "Upper end of its 95% interval, a bootstrap over environments.", percent("arm_gain_high")
        ),
        nissa_arm_environments=gauge("environments", "Environments of the group in it.", "arm_envs"),
        nissa_arm_other_environments=gauge("environments", "Environments of the other group in it.", "other_envs"),
    ),
    shared(
        HostAloneTrained,
        (*ENV, "width"),
        rows=by(lambda row: f"{row.width:g}"),
        key=lambda event: (event.scope.group, event.scope.env, event.payload.width),
    )(
        nissa_host_alone_accuracy_ratio=gauge(
            "ratio", "Validation accuracy of a host of this width that was trained alone.", percent("final_accuracy")
        ),
        nissa_host_alone_loss=gauge("nats", "Validation loss of that host.", "final_loss"),
        nissa_host_alone_parameters=gauge("parameters", "Trainable parameters of that host.", "host_params"),
        nissa_host_alone_epochs=gauge("epochs", "Epochs for which it was trained.", "epochs"),
    ),
)
