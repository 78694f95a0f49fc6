"""Which blueprints work, and what has grown? Seeds by blueprint, the model's size, and the best episodes."""

from collections.abc import Mapping

from nissa.events.event import Event
from nissa.events.kinds import (
    BestRun,
    BestRunsRanked,
    BlueprintSummarized,
    RunStarted,
    ScoreboardUpdated,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.events.vocabulary import INITIATORS
from nissa.sinks.prometheus.lifetimes import added, of_run, shared
from nissa.sinks.prometheus.metric import ENV, GROUP, Labels, counter, gauge, percent
from nissa.sinks.prometheus.rows import Row, Rows, by, named, place_of

__all__ = ["TABLES"]


def _blueprint(seed: SeedFossilized | SeedCulled) -> str:
    return seed.blueprint or "unknown"


def _of_blueprint(at: Labels, event: Event[BlueprintSummarized]) -> list[Row]:
    row = event.payload
    return [((at[0], row.group or "", row.blueprint), row)]


def _shown(row: BlueprintSummarized) -> int | None:
    if row.net_gain_mean is None:
        return None
    low, high = row.net_gain_low, row.net_gain_high
    return 0 if low is None or high is None else (low > 0) - (high < 0)


def _best(at: Labels, event: Event[BestRunsRanked]) -> list[Row]:
    """Of each environment the best, which comes first."""
    best: dict[Labels, BestRun] = {}
    for row in event.payload.runs:
        best.setdefault(place_of(at[0], row), row)
    return [*best.items()]


def _pareto(at: Labels, event: Event[BestRunsRanked]) -> list[Row]:
    episodes: dict[Labels, int] = {}
    for row in event.payload.runs:
        group = (at[0], row.group or "")
        episodes[group] = episodes.get(group, 0) + row.pareto
    return [*episodes.items()]


def _by_initiator(blueprints: Rows) -> Rows:
    def rows(at: Labels, event: Event[RunStarted | SeedGerminated]) -> list[Row]:
        return [((*labels, initiator), None) for labels, _ in blueprints(at, event) for initiator in INITIATORS]

    return rows


_FIRST: Mapping[type, Rows] = {RunStarted: named("blueprints"), SeedGerminated: by("blueprint")}

TABLES = (
    added(SeedGerminated, (*ENV, "blueprint"), rows=by("blueprint"), zeros={RunStarted: named("blueprints")})(
        nissa_seeds_germinated_total=counter("seeds", "Seeds germinated."),
    ),
    added(SeedFossilized, (*ENV, "blueprint"), rows=by(_blueprint), zeros=_FIRST)(
        nissa_seeds_fossilized_total=counter("seeds", "Seeds that became a permanent part of the host."),
        nissa_parameters_added_total=counter(
            "parameters", "Trainable parameters of the seeds that fossilized.", "params_added"
        ),
    ),
    added(
        SeedCulled,
        (*ENV, "blueprint", "initiator"),
        rows=by(_blueprint, "initiator"),
        zeros={kind: _by_initiator(rows) for kind, rows in _FIRST.items()},
    )(
        nissa_seeds_culled_total=counter("seeds", "Seeds removed, by who wanted it."),
    ),
    of_run(ScoreboardUpdated, ENV)(
        nissa_orphan_seeds_total=counter("seeds", "Seeds that ended without having been seen to germinate.", "orphans"),
        nissa_live_seeds=gauge(
            "seeds", "Seeds that live in a slot and are not fossilized yet.", lambda row: len(row.live_blueprints)
        ),
        nissa_live_growth_ratio=gauge(
            "factor", "(host + fossilized parameters) / host of the network that is trained now.", "growth_ratio"
        ),
        nissa_compute_cost_ratio=gauge(
            "factor", "Cost of the network that is trained now / its host's, estimated by constants.", "compute_cost"
        ),
        nissa_flops_ratio=gauge(
            "factor", "(host + fossilized operations) / host; absent unless all were measured.", "flops_ratio"
        ),
    ),
    shared(BestRunsRanked, ENV, rows=_best)(
        nissa_best_peak_accuracy_ratio=gauge(
            "ratio", "Peak validation accuracy of the best episode finished so far.", percent("peak_accuracy")
        ),
        nissa_best_peak_growth_ratio=gauge(
            "factor", "(host + seeds present, whatever their stage) / host at that peak.", "growth_ratio"
        ),
        nissa_best_peak_efficiency=gauge(
            "ratio per factor", "Peak accuracy, 0 to 1, by the growth ratio at that peak.", percent("efficiency")
        ),
    ),
    shared(BestRunsRanked, GROUP, rows=_pareto)(
        nissa_pareto_episodes=gauge("episodes", "Ranked episodes that none beats in accuracy and size at once.", float),
    ),
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
            "seeds", "Seeds germinated in the last quarter of the run's episodes so far.", "late_germinated"
        ),
        nissa_blueprint_late_fossilized_seeds=gauge(
            "seeds", "Seeds fossilized in the last quarter of the run's episodes so far.", "late_fossilized"
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
