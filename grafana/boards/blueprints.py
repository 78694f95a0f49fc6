"""Which blueprints work? What became of their seeds, what they gained, and what they cost."""

from typing import Any

from nissa.grafana.boards.frame import Sections, dashboard
from nissa.grafana.panels import COMPUTE_COST, GROWTH, Column, bars, growing, lines, rows
from nissa.grafana.promql import Query, held, increase, of, once, spread, summed, total

__all__ = ["blueprints_board"]

_BY = ("run", "group", "blueprint")
_KEY = ", ".join(_BY)
_LEGEND = "{{blueprint}} {{group}} {{run}}"
_CUT_OFF = "A seed that the end of its episode cuts off counts as culled"


def blueprints_board() -> dict[str, Any]:
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


def _fossilization_rate(**chosen: str) -> str:
    fossilized, culled = (total(of(f"nissa_seeds_{end}_total", **chosen), _KEY) for end in ("fossilized", "culled"))
    return f"{fossilized} / (({fossilized} + {culled}) > 0)"


def _table() -> Any:
    text = (
        "One row a blueprint of a group, over all its environments, whichever are chosen; seeds and parameters since "
        f"the run began. Gains and churn are differences of validation accuracies, as means over seeds. {_CUT_OFF}."
    )
    counts = {
        name: summed(of(f"nissa_{what}_total", env=".*"), _KEY)
        for name, what in (
            *((name, f"seeds_{name}") for name in ("germinated", "fossilized", "culled")),
            ("parameters", "parameters_added"),
        )
    }
    return rows(
        "Blueprints",
        text,
        _BY,
        *(Column(name, counts[name], "short") for name in ("germinated", "fossilized", "culled")),
        Column("fossilized %", _fossilization_rate(env=".*"), "percentunit"),
        Column("gain", of("nissa_blueprint_accuracy_delta_mean_ratio"), "percentunit"),
        Column("gain ±", of("nissa_blueprint_accuracy_delta_std_ratio"), "percentunit"),
        Column("churn", of("nissa_blueprint_churn_mean_ratio"), "percentunit"),
        Column("churn ±", of("nissa_blueprint_churn_std_ratio"), "percentunit"),
        Column("epochs", of("nissa_blueprint_lifespan_mean_epochs"), "none"),
        Column("parameters", counts["parameters"], "short"),
        size=(24, 8),
    )


def _seeds() -> list[Any]:
    rate = f"Fossilized seeds / (fossilized + culled) since the run began; empty until a seed ends. {_CUT_OFF}."
    culled = Query(total(increase("nissa_seeds_culled_total"), "run, group, reason"), "{{reason}} {{group}} {{run}}")
    why = "Seeds removed, by who wanted it: episode_end cut off those that might have stayed."
    return [
        lines("Fossilization rate", rate, "percentunit", Query(_fossilization_rate(), _LEGEND)),
        _events("Seeds germinated", "Seeds germinated.", "nissa_seeds_germinated_total"),
        _events("Seeds fossilized", "Seeds that became part of the host.", "nissa_seeds_fossilized_total"),
        growing("Seeds culled", why, culled),
    ]


def _events(title: str, text: str, metric: str) -> Any:
    return growing(title, text, Query(total(increase(metric), _KEY), _LEGEND))


def _gains() -> list[Any]:
    everywhere = "Over all environments, whichever are chosen."
    gain = "Mean improvement of the validation accuracy by the seeds that fossilized, since their germination."
    churn = (
        "Mean improvement by the seeds that were culled, as it stood when they went: below 0, culling was right. "
        f"{_CUT_OFF}, too."
    )
    spans = "Mean epochs from germination to fossilization or culling."
    return [
        _mean("Gain of fossils", f"{gain} {everywhere}", "percentunit", "nissa_blueprint_accuracy_delta_mean_ratio"),
        _mean("Churn", f"{churn} {everywhere}", "percentunit", "nissa_blueprint_churn_mean_ratio"),
        _mean("Lifespan", f"{spans} {everywhere}", "none", "nissa_blueprint_lifespan_mean_epochs"),
        _who_culls(),
    ]


def _mean(title: str, text: str, unit: str, metric: str) -> Any:
    return lines(title, text, unit, Query(once(of(metric), _KEY), _LEGEND))


def _who_culls() -> Any:
    text = "Seeds culled since the run began, by who wanted it; episode_end is none of the policy's doing."
    culled = held(total(of("nissa_seeds_culled_total"), "run, group, reason"))
    query = Query(f"sort_desc(({culled}) > 0)", "{{reason}} {{group}} {{run}}")
    return bars("Who culls", text, "short", query, size=(12, 8), none="nobody did")


def _costs() -> list[Any]:
    added = "Trainable parameters of the seeds that fossilized, since the run began."
    growth = "(host + fossilized parameters) / host of the models that are trained then, over environments."
    cost = "Cost of the model that is trained then by its host's, estimated by constants for each blueprint."
    flops = "Operations of the model that is trained then by its host's, as measured; empty unless all were."
    orphans = "Seeds that ended, since the run began, and were not seen to germinate, as in a log that begins late."
    parameters = Query(total(of("nissa_parameters_added_total"), _KEY), _LEGEND)
    lost = Query(held(total(of("nissa_orphan_seeds_total"))), "{{group}} {{run}}")
    return [
        lines("Parameters added", added, "short", parameters),
        lines("Growth", growth, "suffix:x", *spread(of("nissa_growth_ratio")), limits=GROWTH),
        _cost("Compute cost", cost, "nissa_compute_cost_ratio"),
        _cost("Measured compute cost", flops, "nissa_flops_ratio"),
        bars("Orphans", orphans, "short", lost),
    ]


def _cost(title: str, text: str, metric: str) -> Any:
    return lines(title, text, "suffix:x", *spread(of(metric)), size=(8, 8), limits=COMPUTE_COST)
