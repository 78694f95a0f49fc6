"""Blueprints and scoreboard in 80 columns: of the figures of the wide tables, those that the questions are about."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from nissa.sinks.text import DASH, Cells, Row, filled_table, name, note, number, place_cells

__all__ = ["narrow_blueprints", "narrow_scoreboard"]

_BLUEPRINTS = ("net gain,\npoints", "95% CI", "germi-\nnated", "fossil-\nized", "culled", "rate,\n%")
_SCOREBOARD = ("germi-\nnated", "fossil-\nized", "culled", "params\nadded", "growth\nnow", "cost\nnow")
_MORE = "A terminal of 120 columns has the rest."


def narrow_blueprints(rows: Iterable[Row]) -> Iterator[RenderableType]:
    """What each brought, and what became of its seeds. Rows: "blueprints"."""
    yield filled_table("Blueprints", ("Group", "Blueprint"), _BLUEPRINTS, (), map(_blueprint, rows))
    yield note(f"Net gain: beyond the same host alone, while the seed lived. {_MORE}")


def narrow_scoreboard(rows: Iterable[Row]) -> Iterator[RenderableType]:
    """An environment a row. Rows: "scoreboards"."""
    yield filled_table("Scoreboard", ("Group", "Env"), _SCOREBOARD, (), map(_environment, rows))
    yield note(f"Growth: (host + fossilized) / host of the network at hand. {_MORE}")


def _blueprint(row: Row) -> Cells:
    low, high = (number(row[f"net_gain_{end}"], "{:+.2f}") for end in ("low", "high"))
    return [
        name(row["group"]),
        name(row["blueprint"]),
        number(row["net_gain_mean"], "{:+.2f}"),
        DASH if DASH in {low, high} else f"{low} to {high}",
        *(f"{row[fate]:,}" for fate in ("germinated", "fossilized", "culled")),
        number(row["fossilization_rate"], "{:.0f}"),
    ]


def _environment(row: Row) -> Cells:
    return [
        *place_cells(row["group"], row["env"]),
        *(f"{row[fate]:,}" for fate in ("germinated", "fossilized", "culled", "params_added")),
        Text(number(row["growth_ratio"], "{:.2f}x"), style="bold"),
        number(row["compute_cost"], "{:.2f}x"),
    ]
