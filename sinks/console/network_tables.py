"""How each network does, and its layers, as a terminal shows them. Rows are those of `Tables.snapshot()`."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from nissa.sinks.printable import printable
from nissa.sinks.text import DASH, Cells, Row, filled_table, name, note, number, place_cells

__all__ = ["LAYERS_SHOWN", "NETWORKS_SHOWN", "health_text", "layer_table", "network_table"]

NETWORKS_SHOWN = 16
"""Networks in the table, the least healthy first."""
LAYERS_SHOWN = 4
"""Layers of each environment in the table."""
_LAYER = ("gradient,\nL2 norm", "weights,\nL2 norm", "update,\nratio", "Dormant", "rank,\ndims", "Wrong")


def health_text(health: float | str | None) -> Text:
    """A share of healthy layers: green if all are, red below a half; a dash if none was measured."""
    if health is None:
        return Text(DASH, style="dim")
    share = float(health)
    return Text(f"{share:.0%}", style="green" if share == 1 else "yellow" if share >= 0.5 else "bold red")


def network_table(rows: Iterable[Row]) -> Iterator[RenderableType]:
    """Each environment after its last epoch: health, how it learns, what is wrong, and how it goes."""
    rows = sorted(rows, key=_sick)
    left, right, wide = ("Group", "Env"), ("Episode", "Epoch", "Health"), ("Learning", "Red flags", "Narrative")
    yield filled_table("Networks", left, right, wide, map(_network, rows[:NETWORKS_SHOWN]))
    if more := len(rows[NETWORKS_SHOWN:]):
        yield note(f"{more:,} more networks, no less healthy: `nissa replay RUN --json` has them.")


def layer_table(rows: Iterable[Row], most: int = LAYERS_SHOWN) -> Iterator[RenderableType]:
    """The first layers of each environment, `most` of them, the worst first: norms of gradient and weights, dormant
    units, rank.
    """
    listed: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        listed.setdefault((row["run"], row["group"], row["env"]), []).append(row)
    networks = list(listed.values())
    shown = [row for layers in networks[:NETWORKS_SHOWN] for row in layers[:most]]
    yield filled_table("Layers", ("Group", "Env", "Layer"), _LAYER, (), map(_layer, shown))
    if more := sum(map(len, networks)) - len(shown):
        yield note(
            f"{more:,} more layers (complaints come first, then the largest): `nissa replay RUN --json` has them."
        )


def _network(row: Row) -> Cells:
    return [
        *place_cells(row["group"], row["env"], row["episode"], row["epoch"]),
        health_text(row["health"]),
        name(row["learning"]),
        Text(", ".join(row["red_flags"]) or DASH, style="red" if row["red_flags"] else "dim"),
        name(row["narrative"]),
    ]


def _layer(row: Row) -> Cells:
    return [
        *place_cells(row["group"], row["env"]),
        # Names that differ at their ends only are broken rather than cut.
        Text(printable(str(row["layer"])), no_wrap=False, overflow="fold"),
        number(row["grad_norm"], "{:.3g}"),
        number(row["weight_norm"], "{:.3g}"),
        number(row["update_ratio"], "{:.3g}"),
        number(row["dormant"], "{:.0%}"),
        number(row["effective_rank"], "{:.1f}"),
        Text(row["complaint"] or DASH, style="red" if row["complaint"] else "dim"),
    ]


def _sick(row: Row) -> tuple[float, int]:
    """The least healthy first; where nothing was measured, those with flags first."""
    return 1.0 if row["health"] is None else float(row["health"]), -len(row["red_flags"])
