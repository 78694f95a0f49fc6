"""How each network does, and its layers, as a terminal shows them. Rows are those of `Tables.snapshot()`."""

from collections import Counter
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from nissa.sinks.text import DASH, Row, name, number, place_cells, table

__all__ = ["LAYERS_SHOWN", "NETWORKS_SHOWN", "health_text", "layer_table", "network_table"]

NETWORKS_SHOWN = 16
"""Networks in the table, the least healthy first."""
LAYERS_SHOWN = 4
"""Layers of each environment in the table."""


def health_text(health: float | str | None) -> Text:
    """A share of healthy layers: green if all are, red below a half; a dash if none was measured."""
    if health is None:
        return Text(DASH, style="dim")
    share = float(health)
    return Text(f"{share:.0%}", style="green" if share == 1 else "yellow" if share >= 0.5 else "bold red")


def network_table(rows: Iterable[Row]) -> Table:
    """Each environment after its last epoch: health, what is wrong, and how it goes."""
    shown = table("Networks", ("Group", "Env"), ("Episode", "Epoch", "Health"), ("Red flags", "Narrative"))
    for row in sorted(rows, key=_sick)[:NETWORKS_SHOWN]:
        shown.add_row(
            *place_cells(row["group"], row["env"], row["episode"], row["epoch"]),
            health_text(row["health"]),
            Text(", ".join(row["red_flags"]) or DASH, style="red" if row["red_flags"] else "dim"),
            name(row["narrative"]),
        )
    return shown


def layer_table(rows: Iterable[Row]) -> Table:
    """The first few layers of each environment, the worst first: norms of gradient and weights, dormant units, rank."""
    right = ("Grad", "Weight", "Update", "Dorm", "Rank", "Wrong")
    shown = table("Layers", ("Group", "Env", "Layer"), right)
    # A narrow terminal breaks long names rather than cut numbers.
    shown.columns[2].no_wrap, shown.columns[2].overflow = False, "fold"
    seen = Counter[tuple[object, object, object]]()
    for row in rows:
        place = (row["run"], row["group"], row["env"])
        seen[place] += 1
        if seen[place] > LAYERS_SHOWN or len(seen) > NETWORKS_SHOWN:
            continue
        shown.add_row(
            *place_cells(row["group"], row["env"]),
            name(row["layer"]),
            number(row["grad_norm"], "{:.3g}"),
            number(row["weight_norm"], "{:.3g}"),
            number(row["update_ratio"], "{:.3g}"),
            number(row["dormant"], "{:.0%}"),
            number(row["effective_rank"], "{:.1f}"),
            Text(row["complaint"] or DASH, style="red" if row["complaint"] else "dim"),
        )
    return shown


def _sick(row: Row) -> tuple[float, int]:
    """The least healthy first; where nothing was measured, those with flags first."""
    return 1.0 if row["health"] is None else float(row["health"]), -len(row["red_flags"])
