"""The summary tables as a terminal shows them. Rows are those of `Tables.snapshot()`."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nissa.sinks.console.alert_table import alert_table
from nissa.sinks.console.network_tables import layer_table, network_table
from nissa.sinks.text import DASH, Row, name, number, place, place_cells, table

__all__ = ["best_runs_table", "blueprint_table", "growth_text", "scoreboard_table", "summary"]

_BEST_SHOWN = 10


def growth_text(ratio: float | str | None) -> Text:
    """A growth ratio: dim without growth, cyan below 1.1, bold cyan from there; a dash where it is not known."""
    if ratio is None:
        return Text(DASH, style="dim")
    ratio = float(ratio)
    style = "dim" if ratio <= 1.0 else "cyan" if ratio < 1.1 else "bold cyan"
    return Text(f"{ratio:.2f}x", style=style)


def blueprint_table(rows: Iterable[Row]) -> Table:
    """Which blueprints work: seeds by fate, fossilization rate in percent, accuracy deltas in percentage points."""
    left, right = ("Group", "Blueprint"), ("Germ", "Foss", "Cull", "Rate", "ΔAcc", "Churn", "Epochs")
    shown = table("Blueprints", left, right)
    for row in rows:
        shown.add_row(
            name(row["group"]),
            name(row["blueprint"]),
            str(row["germinated"]),
            str(row["fossilized"]),
            str(row["culled"]),
            number(row["fossilization_rate"], "{:.1f}%"),
            number(row["acc_delta_mean"], "{:+.2f}"),
            number(row["churn_mean"], "{:+.2f}"),
            number(row["lifespan_mean"], "{:.1f}"),
        )
    return shown


def scoreboard_table(rows: Iterable[Row]) -> RenderableType:
    """What has grown where: seeds and parameters over the run; growth, cost and FLOPs of the model at hand."""
    rows = list(rows)
    left, right = ("Group", "Env"), ("Germ", "Foss", "Cull", "Params", "of host", "Growth", "Cost", "FLOPs")
    shown = table("Scoreboard", left, right)
    for row in rows:
        share = row["params_added"] / row["host_params"] * 100 if row["host_params"] else None
        shown.add_row(
            *place_cells(row["group"], row["env"]),
            str(row["germinated"]),
            str(row["fossilized"]),
            str(row["culled"]),
            f"+{row['params_added']:,}",
            number(share, "{:+.1f}%"),
            growth_text(row["growth_ratio"]),
            number(row["compute_cost"], "{:.2f}x"),
            number(row["flops_ratio"], "{:.2f}x"),
        )
    return Group(shown, *(_distribution(row) for row in rows if row["fossilized_by_blueprint"]))


def best_runs_table(rows: Iterable[Row]) -> Table:
    """The best episodes at their peaks; a star marks those that none beats in accuracy without being larger."""
    left, right = ("#", "Group"), ("Env", "Episode", "Epoch", "Peak acc", "Grw", "Efficiency")
    shown = table("Best runs", left, right)
    for row in list(rows)[:_BEST_SHOWN]:
        shown.add_row(
            f"{row['rank']}{' *' if row['pareto'] else ''}",
            *place_cells(row["group"], row["env"], row["episode"], row["epoch"]),
            number(row["peak_accuracy"], "{:.2f}%"),
            growth_text(row["growth_ratio"]),
            number(row["efficiency"], "{:.2f}"),
        )
    return shown


def summary(tables: Mapping[str, list[dict[str, Any]]]) -> RenderableType:
    """All tables that have rows, or a line that says that there is nothing yet."""
    shown = [
        draw(tables[key])
        for key, draw in (
            ("blueprints", blueprint_table),
            ("scoreboards", scoreboard_table),
            ("assessments", network_table),
            ("layers", layer_table),
            ("best_runs", best_runs_table),
        )
        if tables[key]
    ]
    shown += alert_table(tables)
    return Group(*shown) if shown else Text("No seed germinated and no episode ended.", style="dim")


def _distribution(row: Row) -> Text:
    seeds = ", ".join(f"{blueprint} x{count}" for blueprint, count in row["fossilized_by_blueprint"].items())
    return Text(f" {place(row['group'], row['env']) or DASH} fossilized {seeds}")
