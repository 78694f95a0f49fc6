"""Which blueprints work, and what has grown? Seeds by blueprint, the model's size, and the best episodes."""

from collections.abc import Iterator

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
from nissa.sinks.prometheus.metric import ENV, GROUP, Labels, Readings, Rows, Sample, metrics, names, ratio

__all__ = ["COUNTS", "GAUGES", "KNOWN", "METRICS"]

_INITIATORS = ("policy", "heuristic", "gate", "episode_end")

_BLUEPRINT: Rows = {
    "nissa_blueprint_accuracy_delta_mean_ratio": ("ratio", "Mean improvement of validation accuracy by its fossils."),
    "nissa_blueprint_accuracy_delta_std_ratio": (
        "ratio",
        "Sample standard deviation of the improvement by its fossils.",
    ),
    "nissa_blueprint_churn_mean_ratio": ("ratio", "Mean improvement of its culled seeds, as it stood when they went."),
    "nissa_blueprint_churn_std_ratio": ("ratio", "Sample standard deviation of the improvement of its culled seeds."),
    "nissa_blueprint_lifespan_mean_epochs": ("epochs", "Mean epochs from germination to the end of its seeds."),
}
_MODEL: Rows = {
    "nissa_live_seeds": ("seeds", "Seeds that live in a slot and are not fossilized yet."),
    "nissa_growth_ratio": ("factor", "(host + fossilized parameters) / host of the model that is trained now."),
    "nissa_compute_cost_ratio": (
        "factor",
        "Cost of the model that is trained now / its host's, estimated by constants.",
    ),
    "nissa_flops_ratio": ("factor", "(host + fossilized operations) / host; absent unless all were measured."),
    "nissa_best_accuracy_ratio": ("ratio", "Peak validation accuracy of the best episode finished so far."),
    "nissa_best_growth_ratio": ("factor", "(host + seeds present) / host at the peak of the best episode."),
    "nissa_best_efficiency_ratio": ("ratio", "Peak accuracy / growth ratio of the best episode."),
}
_SEEDS: Rows = {
    "nissa_seeds_germinated_total": ("seeds", "Seeds germinated."),
    "nissa_seeds_fossilized_total": ("seeds", "Seeds that became a permanent part of the host."),
    "nissa_parameters_added_total": ("parameters", "Trainable parameters of the seeds that fossilized."),
}
_CULLED: Rows = {"nissa_seeds_culled_total": ("seeds", "Seeds removed; the reason is who wanted it.")}
_ORPHANS: Rows = {"nissa_orphan_seeds_total": ("seeds", "Seeds that ended without having been seen to germinate.")}
_PARETO: Rows = {"nissa_pareto_episodes": ("episodes", "Ranked episodes that none beats in accuracy and size at once.")}

METRICS = (
    *metrics("counter", (*ENV, "blueprint"), _SEEDS),
    *metrics("counter", (*ENV, "blueprint", "reason"), _CULLED),
    *metrics("counter", ENV, _ORPHANS),
    *metrics("gauge", ENV, _MODEL),
    *metrics("gauge", GROUP, _PARETO),
    *metrics("gauge", (*GROUP, "blueprint"), _BLUEPRINT),
)


def _blueprint(at: Labels, event: Event[BlueprintSummarized]) -> Iterator[Sample]:
    row = event.payload
    where = (at[0], row.group or "", row.blueprint)
    yield "nissa_blueprint_accuracy_delta_mean_ratio", where, ratio(row.acc_delta_mean)
    yield "nissa_blueprint_accuracy_delta_std_ratio", where, ratio(row.acc_delta_std)
    yield "nissa_blueprint_churn_mean_ratio", where, ratio(row.churn_mean)
    yield "nissa_blueprint_churn_std_ratio", where, ratio(row.churn_std)
    yield "nissa_blueprint_lifespan_mean_epochs", where, row.lifespan_mean


def _board(at: Labels, event: Event[ScoreboardUpdated]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_orphan_seeds_total", at, row.orphans
    yield "nissa_live_seeds", at, len(row.live_blueprints)
    yield "nissa_growth_ratio", at, row.growth_ratio
    yield "nissa_compute_cost_ratio", at, row.compute_cost
    yield "nissa_flops_ratio", at, row.flops_ratio


def _best(at: Labels, event: Event[BestRunsRanked]) -> Iterator[Sample]:
    """Of each environment the best, which comes first."""
    best: dict[Labels, BestRun] = {}
    pareto: dict[Labels, int] = {}
    for row in event.payload.runs:
        group: Labels = (at[0], row.group or "")
        best.setdefault((*group, "" if row.env is None else str(row.env)), row)
        pareto[group] = pareto.get(group, 0) + row.pareto
    for where, row in best.items():
        yield "nissa_best_accuracy_ratio", where, ratio(row.peak_accuracy)
        yield "nissa_best_growth_ratio", where, row.growth_ratio
        yield "nissa_best_efficiency_ratio", where, ratio(row.efficiency)
    for group, episodes in pareto.items():
        yield "nissa_pareto_episodes", group, episodes


def _named(_: Labels, event: Event[RunStarted]) -> Iterator[Sample]:
    for blueprint in names(event.payload.hyperparameters.get("blueprints")):
        yield from _opened((blueprint,))


def _germinated(at: Labels, event: Event[SeedGerminated]) -> Iterator[Sample]:
    where = (*at, event.payload.blueprint)
    yield "nissa_seeds_germinated_total", where, 1
    yield from _opened(where)


def _opened(where: Labels) -> Iterator[Sample]:
    yield "nissa_seeds_germinated_total", where, 0
    yield "nissa_seeds_fossilized_total", where, 0
    yield "nissa_parameters_added_total", where, 0
    for initiator in _INITIATORS:
        yield "nissa_seeds_culled_total", (*where, initiator), 0


def _fossilized(at: Labels, event: Event[SeedFossilized]) -> Iterator[Sample]:
    where = (*at, event.payload.blueprint or "unknown")
    yield "nissa_seeds_fossilized_total", where, 1
    yield "nissa_parameters_added_total", where, event.payload.params_added


def _culled(at: Labels, event: Event[SeedCulled]) -> Iterator[Sample]:
    yield "nissa_seeds_culled_total", (*at, event.payload.blueprint or "unknown", event.payload.initiator), 1


GAUGES: Readings = {BlueprintSummarized: _blueprint, ScoreboardUpdated: _board, BestRunsRanked: _best}
COUNTS: Readings = {SeedGerminated: _germinated, SeedFossilized: _fossilized, SeedCulled: _culled}
KNOWN: Readings = {RunStarted: _named}
