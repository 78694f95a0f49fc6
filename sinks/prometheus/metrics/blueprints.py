"""Which blueprints work? What their seeds brought, apart from the progress that training makes without them."""

from nissa.events.event import Event
from nissa.events.kinds import BlueprintSummarized
from nissa.sinks.prometheus.lifetimes import shared
from nissa.sinks.prometheus.metric import GROUP, Labels, gauge, percent
from nissa.sinks.prometheus.rows import Row

__all__ = ["TABLES"]


def _of_blueprint(at: Labels, event: Event[BlueprintSummarized]) -> list[Row]:
    row = event.payload
    return [((at[0], row.group or "", row.blueprint), row)]


def _shown(row: BlueprintSummarized) -> int | None:
    if row.net_gain_mean is None:
        return None
    low, high = row.net_gain_low, row.net_gain_high
    return 0 if low is None or high is None else (low > 0) - (high < 0)


TABLES = (
    shared(
        BlueprintSummarized,
        (*GROUP, "blueprint"),
        rows=_of_blueprint,
        key=lambda event: (event.payload.group, event.payload.blueprint),
    )(
        nissa_blueprint_net_gain_mean_ratio=gauge(
            "ratio",
            "Change of validation accuracy while a seed lived less the twin's over the same epochs, over environments.",
            percent("net_gain_mean"),
        ),
        nissa_blueprint_net_gain_low_ratio=gauge(
            "ratio", "Lower end of the 95% interval of the net gain, over environments.", percent("net_gain_low")
        ),
        nissa_blueprint_net_gain_high_ratio=gauge(
            "ratio", "Upper end of the 95% interval of the net gain, over environments.", percent("net_gain_high")
        ),
        nissa_blueprint_net_gain_shown=gauge(
            "1",
            "1 where the interval of the net gain is above 0, -1 where it is below, 0 where neither is shown.",
            _shown,
        ),
        nissa_blueprint_net_gain_seeds=gauge("seeds", "Seeds that the net gain rests on.", "net_gain_n"),
        nissa_blueprint_net_gain_environments=gauge(
            "environments", "Environments that those seeds were in.", "net_gain_envs"
        ),
        nissa_blueprint_ablation_mean_ratio=gauge(
            "ratio",
            "Validation accuracy that switching a seed off costs the trained network at the end of its life.",
            percent("ablation_mean"),
        ),
        nissa_blueprint_ablation_low_ratio=gauge(
            "ratio", "Lower end of the 95% interval of the ablation, over environments.", percent("ablation_low")
        ),
        nissa_blueprint_ablation_high_ratio=gauge(
            "ratio", "Upper end of the 95% interval of the ablation, over environments.", percent("ablation_high")
        ),
        nissa_blueprint_ablation_seeds=gauge("seeds", "Seeds that the ablation rests on.", "ablation_n"),
        nissa_blueprint_cull_drop_mean_ratio=gauge(
            "ratio",
            "Validation accuracy right before a cull minus right after it, of seeds that were mixed in.",
            percent("cull_drop_mean"),
        ),
        nissa_blueprint_cull_drop_low_ratio=gauge(
            "ratio", "Lower end of the 95% interval of the cull drop, over environments.", percent("cull_drop_low")
        ),
        nissa_blueprint_cull_drop_high_ratio=gauge(
            "ratio", "Upper end of the 95% interval of the cull drop, over environments.", percent("cull_drop_high")
        ),
        nissa_blueprint_cull_drop_seeds=gauge("seeds", "Seeds that the cull drop rests on.", "cull_drop_n"),
        nissa_blueprint_cut_off_seeds=gauge(
            "seeds", "Seeds among the culled that the end of an episode cut off: nobody judged them.", "cut_off"
        ),
        nissa_blueprint_late_germinated_seeds=gauge(
            "seeds",
            "Seeds germinated in the last quarter of the run's planned episodes, or of those begun where more.",
            "late_germinated",
        ),
        nissa_blueprint_late_fossilized_seeds=gauge(
            "seeds",
            "Seeds fossilized in the last quarter of the run's planned episodes, or of those begun where more.",
            "late_fossilized",
        ),
        nissa_blueprint_accuracy_delta_mean_ratio=gauge(
            "ratio",
            "Mean change of validation accuracy while its fossilized seeds lived: progress, whatever made it.",
            percent("acc_delta_mean"),
        ),
        nissa_blueprint_accuracy_delta_std_ratio=gauge(
            "ratio", "Sample standard deviation of that change.", percent("acc_delta_std")
        ),
        nissa_blueprint_churn_mean_ratio=gauge(
            "ratio",
            "Mean change of validation accuracy while its culled seeds lived; what a cull costs is the cull drop.",
            percent("churn_mean"),
        ),
        nissa_blueprint_churn_std_ratio=gauge(
            "ratio", "Sample standard deviation of the change while its culled seeds lived.", percent("churn_std")
        ),
        nissa_blueprint_lifespan_mean_epochs=gauge(
            "epochs", "Mean epochs from germination to the end of its seeds.", "lifespan_mean"
        ),
    ),
)
