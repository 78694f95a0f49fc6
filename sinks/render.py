"""The summary tables as a terminal shows them. Rows are those of `Tables.snapshot()`."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

__all__ = ["best_runs_table", "blueprint_table", "growth_text", "scoreboard_table", "summary"]

Row = Mapping[str, Any]
_DASH = "-"
_BEST_SHOWN = 10


def growth_text(ratio: float | str) -> Text:
    """A growth ratio: dim without growth, cyan below 1.1, bold cyan from there."""
    ratio = float(ratio)
    style = "dim" if ratio <= 1.0 else "cyan" if ratio < 1.1 else "bold cyan"
    return Text(f"{ratio:.2f}x", style=style)


def blueprint_table(rows: Iterable[Row]) -> Table:
    """Which blueprints work: seeds by fate, fossilization rate in percent, accuracy deltas in percentage points."""
    left, right = ("Group", "Blueprint"), ("Germ", "Foss", "Cull", "Rate", "ΔAcc", "Churn", "Epochs")
    table = _table("Blueprints", left, right)
    for row in rows:
        table.add_row(
            _name(row["group"]),
            _name(row["blueprint"]),
            str(row["germinated"]),
            str(row["fossilized"]),
            str(row["culled"]),
            _number(row["fossilization_rate"], "{:.1f}%"),
            _number(row["acc_delta_mean"], "{:+.2f}"),
            _number(row["churn_mean"], "{:+.2f}"),
            _number(row["lifespan_mean"], "{:.1f}"),
        )
    return table


def scoreboard_table(rows: Iterable[Row]) -> RenderableType:
    """What has grown where: seeds and parameters over the run; growth, cost and FLOPs of the model at hand."""
    rows = list(rows)
    left, right = ("Group", "Env"), ("Germ", "Foss", "Cull", "Params", "of host", "Growth", "Cost", "FLOPs")
    table = _table("Scoreboard", left, right)
    for row in rows:
        share = row["params_added"] / row["host_params"] * 100 if row["host_params"] else None
        table.add_row(
            _name(row["group"]),
            _number(row["env"], "{}"),
            str(row["germinated"]),
            str(row["fossilized"]),
            str(row["culled"]),
            f"+{row['params_added']:,}",
            _number(share, "{:+.1f}%"),
            growth_text(row["growth_ratio"]),
            _number(row["compute_cost"], "{:.2f}x"),
            _number(row["flops_ratio"], "{:.2f}x"),
        )
    return Group(table, *(_distribution(row) for row in rows if row["fossilized_by_blueprint"]))


def best_runs_table(rows: Iterable[Row]) -> Table:
    """The best episodes at their peaks; a star marks those that none beats in accuracy without being larger."""
    left, right = ("#", "Group"), ("Env", "Episode", "Epoch", "Peak acc", "Grw", "Efficiency")
    table = _table("Best runs", left, right)
    for row in list(rows)[:_BEST_SHOWN]:
        table.add_row(
            f"{row['rank']}{' *' if row['pareto'] else ''}",
            _name(row["group"]),
            _number(row["env"], "{}"),
            _number(row["episode"], "{}"),
            _number(row["epoch"], "{}"),
            _number(row["peak_accuracy"], "{:.2f}%"),
            growth_text(row["growth_ratio"]),
            _number(row["efficiency"], "{:.2f}"),
        )
    return table


def summary(tables: Mapping[str, list[dict[str, Any]]]) -> RenderableType:
    """All tables that have rows, or a line that says that there is nothing yet."""
    shown = [
        draw(tables[name])
        for name, draw in (
            ("blueprints", blueprint_table),
            ("scoreboards", scoreboard_table),
            ("best_runs", best_runs_table),
        )
        if tables[name]
    ]
    return Group(*shown) if shown else Text("No seed germinated and no episode ended.", style="dim")


def _distribution(row: Row) -> Text:
    seeds = ", ".join(f"{name} x{count}" for name, count in row["fossilized_by_blueprint"].items())
    return Text(f" {row['group'] or _DASH} env {_number(row['env'], '{}')} fossilized {seeds}")


def _table(title: str, left: Iterable[str], right: Iterable[str]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _name(value: str | None) -> Text:
    """A name as it is: brackets in it are no markup."""
    return Text(str(value or _DASH))


def _number(value: Any, form: str) -> str:
    return _DASH if value is None else form.format(float(value) if isinstance(value, str) else value)
