"""Is growing winning? Each finished episode beside its host-only twin, and the verdict over all of a group.

Of an episode there are two networks: `final` is the one that was trained, all seeds in, and `kept` what remains of it.
An accuracy is of the same network as the growth of the same name.
"""

from nissa.events.event import Event
from nissa.events.kinds import EpisodeCompared, VerdictReached
from nissa.sinks.prometheus.lifetimes import of_run, shared
from nissa.sinks.prometheus.metric import ENV, GROUP, Labels, gauge, percent
from nissa.sinks.prometheus.rows import Row

__all__ = ["TABLES"]

_SHOWN = {"better": 1, "not shown": 0, "worse": -1}


def _group(at: Labels, event: Event[VerdictReached]) -> list[Row]:
    return [((at[0], event.payload.group or ""), event.payload)]


TABLES = (
    of_run(EpisodeCompared, ENV)(
        nissa_episode_final_accuracy_ratio=gauge(
            "ratio",
            "Validation accuracy of the network as trained, all seeds in, at the end of the last finished episode.",
            percent("final_accuracy"),
        ),
        nissa_episode_final_growth_ratio=gauge(
            "factor", "(host + all seeds present) / host of the same network.", "final_growth_ratio"
        ),
        nissa_episode_kept_accuracy_ratio=gauge(
            "ratio",
            "Validation accuracy of what remains after the end of the last finished episode; absent if not measured.",
            percent("kept_accuracy"),
        ),
        nissa_episode_kept_growth_ratio=gauge(
            "factor", "(host + fossilized parameters) / host of what remains.", "kept_growth_ratio"
        ),
        nissa_episode_twin_accuracy_ratio=gauge(
            "ratio",
            "Validation accuracy of the host-only twin at the epoch in which the last finished episode ended.",
            percent("twin_final_accuracy"),
        ),
        nissa_episode_peak_accuracy_ratio=gauge(
            "ratio", "Highest validation accuracy of the last finished episode.", percent("peak_accuracy")
        ),
        nissa_episode_twin_peak_accuracy_ratio=gauge(
            "ratio",
            "Highest validation accuracy of the host-only twin up to the epoch in which that episode ended.",
            percent("twin_peak_accuracy"),
        ),
    ),
    shared(VerdictReached, GROUP, rows=_group, key=lambda event: event.payload.group)(
        nissa_verdict=gauge(
            "1",
            "Kept accuracy against the twins': 1 where it is shown to be better, -1 to be worse, 0 where neither is.",
            lambda row: _SHOWN.get(row.shown),
        ),
        nissa_verdict_kept_training_delta_mean_ratio=gauge(
            "ratio",
            "Kept accuracy minus the twin's at the same epoch, a mean over environments.",
            percent("kept_training_delta_mean"),
        ),
        nissa_verdict_kept_training_delta_low_ratio=gauge(
            "ratio",
            "Lower end of its 95% interval; absent with fewer than two environments.",
            percent("kept_training_delta_low"),
        ),
        nissa_verdict_kept_training_delta_high_ratio=gauge(
            "ratio", "Upper end of its 95% interval; absent with fewer than two.", percent("kept_training_delta_high")
        ),
        nissa_verdict_final_training_delta_mean_ratio=gauge(
            "ratio",
            "Accuracy as trained minus the twin's at the same epoch, a mean over environments.",
            percent("final_training_delta_mean"),
        ),
        nissa_verdict_peak_training_delta_mean_ratio=gauge(
            "ratio",
            "Peak accuracy minus the twin's peak over the same epochs, a mean over environments.",
            percent("peak_training_delta_mean"),
        ),
        nissa_verdict_kept_accuracy_mean_ratio=gauge(
            "ratio", "Mean validation accuracy of the networks that are kept.", percent("kept_accuracy_mean")
        ),
        nissa_verdict_final_accuracy_mean_ratio=gauge(
            "ratio", "Mean validation accuracy of the networks as trained.", percent("final_accuracy_mean")
        ),
        nissa_verdict_twin_accuracy_mean_ratio=gauge(
            "ratio", "Mean validation accuracy of the hosts trained alone for as long.", percent("twin_accuracy_mean")
        ),
        nissa_verdict_kept_growth_mean_ratio=gauge(
            "factor", "Mean growth of the networks that are kept.", "growth_ratio_mean"
        ),
        nissa_verdict_final_growth_mean_ratio=gauge(
            "factor", "Mean growth of the networks as trained.", "final_growth_ratio_mean"
        ),
        nissa_verdict_kept_efficiency_mean_ratio=gauge(
            "factor",
            "Accuracy by parameter of the networks that are kept, by that of the twins; below 1, size lost.",
            "efficiency_ratio_mean",
        ),
        nissa_verdict_final_efficiency_mean_ratio=gauge(
            "factor",
            "Accuracy by parameter of the networks as trained, by that of the twins.",
            "final_efficiency_ratio_mean",
        ),
        nissa_verdict_environments=gauge("environments", "Environments that the means are over.", "envs"),
        nissa_verdict_episodes=gauge("episodes", "Finished episodes of the group.", "episodes"),
        nissa_verdict_compared_episodes=gauge(
            "episodes", "Those with a kept accuracy, and a twin's of the same length.", "compared"
        ),
        nissa_verdict_unended_episodes=gauge(
            "episodes", "Episodes that began and have not ended: they are in no mean.", "unended"
        ),
        nissa_verdict_efficient_episodes=gauge(
            "episodes", "Compared episodes whose kept network has more accuracy by parameter.", "efficiency_wins"
        ),
    ),
)
