"""What has grown? Seeds by blueprint, the network's size, and the best episodes."""

from collections.abc import Mapping

from nissa.events.event import Event
from nissa.events.kinds import (
    BestRun,
    BestRunsRanked,
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


def _initiator(seed: SeedCulled) -> str:
    return seed.initiator or "unknown"


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
        rows=by(_blueprint, _initiator),
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
)
