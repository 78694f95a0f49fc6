"""Which blueprints work? What became of their seeds, what they gained, and what they cost."""

from typing import Any

from nissa.grafana.boards.brought import brought, worth
from nissa.grafana.boards.frame import Sections, dashboard
from nissa.grafana.boards.verdict import compared
from nissa.grafana.panels import COMPUTE_COST, GROWTH, Column, bars, growing, lines, rows
from nissa.grafana.promql import Query, held, increase, of, once, spread, summed, total

__all__ = ["blueprints_board"]

_BY = ("run", "group", "blueprint")
_KEY = ", ".join(_BY)
_LEGEND = "{{blueprint}} {{group}} {{run}}"
_INITIATOR = "run, group, initiator"
_CUT_OFF = "A seed that the end of its episode cuts off counts as culled"


def blueprints_board() -> dict[str, Any]:
    """The dashboard "Nissa blueprints"."""
    text = (
        "What became of the seeds of each blueprint: how many stayed, what they brought, what they added to the host."
    )
    return dashboard("nissa-blueprints", "Nissa blueprints", text, _sections())


def _sections() -> Sections:
    return {
        "Blueprints": [brought(), _counts()],
        "Which does the policy prefer?": _preferred(),
        "Seeds": _seeds(),
        "What they brought": worth(),
        "What they cost": _costs(),
        "Beside other networks": compared(),
    }


def _fossilization_rate(**chosen: str) -> str:
    fossilized, culled = (total(of(f"nissa_seeds_{end}_total", **chosen), _KEY) for end in ("fossilized", "culled"))
    return f"{fossilized} / (({fossilized} + {culled}) > 0)"


def _counts() -> Any:
    text = (
        "One row a blueprint of a group, over all its environments, whichever are chosen; seeds and parameters since "
        "the run began. Of the culled, the cut off are those that the end of their episode took: nobody judged them. "
        "Last quarter: of the planned episodes, or of those begun where more."
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
        Column("cut off", of("nissa_blueprint_cut_off_seeds"), "short"),
        Column("fossilized %", _fossilization_rate(env=".*"), "percentunit"),
        Column("last quarter germinated", of("nissa_blueprint_late_germinated_seeds"), "short"),
        Column("last quarter fossilized", of("nissa_blueprint_late_fossilized_seeds"), "short"),
        Column("epochs", of("nissa_blueprint_lifespan_mean_epochs"), "none"),
        Column("parameters", counts["parameters"], "short"),
        size=(24, 8),
    )


def _preferred() -> list[Any]:
    whole = "Seeds germinated since the run began, over all environments, whichever are chosen."
    late = (
        "Seeds germinated in the last quarter of the planned episodes, or of those begun where more, over all "
        "environments, whichever are chosen: what the policy came to prefer."
    )
    germinated = held(total(of("nissa_seeds_germinated_total", env=".*"), _KEY))
    last = held(once(of("nissa_blueprint_late_germinated_seeds"), _KEY))
    return [
        bars("Germinated in the whole run", whole, "short", Query(germinated, _LEGEND), size=(12, 8)),
        bars("Germinated in the last quarter", late, "short", Query(last, _LEGEND), size=(12, 8)),
    ]


def _seeds() -> list[Any]:
    rate = f"Fossilized seeds / (fossilized + culled) since the run began; empty until a seed ends. {_CUT_OFF}."
    culled = Query(total(increase("nissa_seeds_culled_total"), _INITIATOR), "{{initiator}} {{group}} {{run}}")
    why = "Seeds removed, by who wanted it: episode_end cut off those that might have stayed."
    return [
        lines("Fossilization rate", rate, "percentunit", Query(_fossilization_rate(), _LEGEND)),
        _events("Seeds germinated", "Seeds germinated.", "nissa_seeds_germinated_total"),
        _events("Seeds fossilized", "Seeds that became part of the host.", "nissa_seeds_fossilized_total"),
        growing("Seeds culled", why, culled),
        _who_culls(),
        _cut_off(),
    ]


def _events(title: str, text: str, metric: str) -> Any:
    return growing(title, text, Query(total(increase(metric), _KEY), _LEGEND))


def _who_culls() -> Any:
    text = "Seeds culled since the run began, by who wanted it; episode_end is none of the policy's doing."
    culled = held(total(of("nissa_seeds_culled_total"), _INITIATOR))
    query = Query(f"sort_desc(({culled}) > 0)", "{{initiator}} {{group}} {{run}}")
    return bars("Who culls", text, "short", query, size=(12, 8), none="nobody did")


def _cut_off() -> Any:
    text = "Seeds that the end of an episode cut off, over all environments, whichever are chosen: nobody judged them."
    query = Query(held(once(of("nissa_blueprint_cut_off_seeds"), _KEY)), _LEGEND)
    return bars("Cut off", text, "short", query, size=(12, 8))


def _costs() -> list[Any]:
    added = "Trainable parameters of the seeds that fossilized, since the run began."
    growth = "(host + fossilized parameters) / host of the networks that are trained then, over environments."
    cost = "Cost of the model that is trained then by its host's, estimated by constants for each blueprint."
    flops = "Operations of the model that is trained then by its host's, as measured; empty unless all were."
    orphans = "Seeds that ended, since the run began, and were not seen to germinate, as in a log that begins late."
    parameters = Query(total(of("nissa_parameters_added_total"), _KEY), _LEGEND)
    lost = Query(held(total(of("nissa_orphan_seeds_total"))), "{{group}} {{run}}")
    return [
        lines("Parameters added", added, "short", parameters),
        lines("Live growth", growth, "suffix:x", *spread(of("nissa_live_growth_ratio")), limits=GROWTH),
        _cost("Compute cost", cost, "nissa_compute_cost_ratio"),
        _cost("Measured compute cost", flops, "nissa_flops_ratio"),
        bars("Orphans", orphans, "short", lost),
    ]


def _cost(title: str, text: str, metric: str) -> Any:
    return lines(title, text, "suffix:x", *spread(of(metric)), size=(8, 8), limits=COMPUTE_COST)
