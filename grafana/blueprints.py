"""Which blueprints work? What became of their seeds, what they gained, and what they cost."""

from typing import Any

from nissa.grafana.frame import Sections, dashboard
from nissa.grafana.panels import bars, lines
from nissa.grafana.queries import Query, increase, of, spread
from nissa.grafana.tables import Column, rows
from nissa.grafana.thresholds import COMPUTE_COST, GROWTH

__all__ = ["blueprints"]

_BY = ("run", "group", "blueprint")
_LEGEND = "{{run}} {{group}} {{blueprint}}"


def blueprints() -> dict[str, Any]:
    """The dashboard "Nissa blueprints"."""
    text = "What became of the seeds of each blueprint: how many stayed, what they gained, what they added to the host."
    return dashboard("nissa-blueprints", "Nissa blueprints", text, _sections())


def _sections() -> Sections:
    return {
        "Blueprints": [_table()],
        "Seeds": _seeds(),
        "What they gain": _gains(),
        "What they cost": _costs(),
    }


def _total(metric: str) -> str:
    return f"sum by ({', '.join(_BY)}) ({of(metric)})"


def _fossilization_rate() -> str:
    fossilized, culled = (_total(f"nissa_seeds_{what}_total") for what in ("fossilized", "culled"))
    return f"{fossilized} / (({fossilized} + {culled}) > 0)"


def _table() -> Any:
    text = (
        "One row a blueprint of a group. Gains and churn are differences of validation accuracies, as means over seeds."
    )
    return rows(
        "Blueprints",
        text,
        _BY,
        Column("germinated", of("nissa_seeds_germinated_total"), "short"),
        Column("fossilized", of("nissa_seeds_fossilized_total"), "short"),
        Column("culled", of("nissa_seeds_culled_total"), "short"),
        Column("rate", _fossilization_rate(), "percentunit"),
        Column("gain", of("nissa_blueprint_accuracy_delta_mean_ratio"), "percentunit"),
        Column("gain ±", of("nissa_blueprint_accuracy_delta_std_ratio"), "percentunit"),
        Column("churn", of("nissa_blueprint_churn_mean_ratio"), "percentunit"),
        Column("churn ±", of("nissa_blueprint_churn_std_ratio"), "percentunit"),
        Column("epochs", of("nissa_blueprint_lifespan_mean_epochs"), "none"),
        Column("parameters", of("nissa_parameters_added_total"), "short"),
        size=(24, 8),
    )


def _seeds() -> list[Any]:
    return [
        lines(
            "Fossilization rate",
            "Fossilized seeds / (fossilized + culled) since the run began; empty until a seed ends.",
            "percentunit",
            Query(_fossilization_rate(), _LEGEND),
        ),
        _events("Seeds germinated", "Seeds germinated in the time of a point.", "nissa_seeds_germinated_total"),
        _events("Seeds fossilized", "Seeds that became part of the host.", "nissa_seeds_fossilized_total", 8),
        _events("Seeds culled", "Seeds removed in the time of a point.", "nissa_seeds_culled_total", 8),
        bars(
            "Who culls",
            "Seeds culled since the run began, by who wanted it.",
            "short",
            Query(f"sum by (reason) ({of('nissa_seeds_culled_total')})", "{{reason}}"),
        ),
    ]


def _events(title: str, text: str, metric: str, width: int = 12) -> Any:
    expr = f"sum by ({', '.join(_BY)}) ({increase(metric)})"
    return lines(title, text, "short", Query(expr, _LEGEND), size=(width, 8), style="stacked")


def _gains() -> list[Any]:
    gain = "Mean improvement of the validation accuracy by the seeds that fossilized, since their germination."
    churn = "Mean improvement by the seeds that were culled, as it stood when they went: below 0, culling was right."
    spans = "Mean epochs from germination to fossilization or culling."
    return [
        _mean("Gain of fossils", gain, "percentunit", "nissa_blueprint_accuracy_delta_mean_ratio"),
        _mean("Churn", churn, "percentunit", "nissa_blueprint_churn_mean_ratio"),
        _mean("Lifespan", spans, "none", "nissa_blueprint_lifespan_mean_epochs"),
    ]


def _mean(title: str, text: str, unit: str, metric: str) -> Any:
    return lines(title, text, unit, Query(of(metric), _LEGEND), size=(8, 8))


def _costs() -> list[Any]:
    added = "Trainable parameters of the seeds that fossilized, since the run began."
    cost = "Cost of the model that is trained now by its host's, estimated by constants for each blueprint."
    flops = "Operations of the model that is trained now by its host's, as measured; empty unless all were."
    orphans = "Seeds that ended without having been seen to germinate, as in a log that begins late; of no blueprint."
    return [
        lines("Parameters added", added, "short", Query(_total("nissa_parameters_added_total"), _LEGEND)),
        lines(
            "Growth", "(host + fossilized parameters) / host.", "suffix:x", *_grown("nissa_growth_ratio"), limits=GROWTH
        ),
        lines("Compute cost", cost, "suffix:x", *_grown("nissa_compute_cost_ratio"), size=(8, 8), limits=COMPUTE_COST),
        lines("Operations", flops, "suffix:x", *_grown("nissa_flops_ratio"), size=(8, 8), limits=COMPUTE_COST),
        bars("Orphans", orphans, "short", Query(f"sum by (run) ({of('nissa_orphan_seeds_total')})", "{{run}}")),
    ]


def _grown(metric: str) -> tuple[Query, ...]:
    return tuple(spread(of(metric)))
