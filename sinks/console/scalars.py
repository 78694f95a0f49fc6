"""Each scalar that the trainer logged by name, as a terminal shows it. Rows are those of `Tables.snapshot()`."""

from collections.abc import Iterator, Sequence
from itertools import islice

from rich.console import RenderableType

from nissa.sinks.text import Cells, Row, filled_table, name, note, number, place_cells

__all__ = ["SCALARS_SHOWN", "scalar_table"]

SCALARS_SHOWN = 32
"""Rows of the table."""


def scalar_table(rows: Sequence[Row]) -> Iterator[RenderableType]:
    """Last value, least and largest, and how many; in the trainer's own units."""
    left, right = ("Scalar", "Group", "Env"), ("last", "min", "max", "step", "values", "broken")
    yield filled_table("Scalars", left, right, (), map(_scalar, islice(rows, SCALARS_SHOWN)))
    if more := len(rows[SCALARS_SHOWN:]):
        yield note(f"{more:,} more scalars: `nissa replay RUN --json` has them.")


def _scalar(row: Row) -> Cells:
    values = (number(row[key], "{:.6g}") for key in ("last", "min", "max"))
    counts = (number(row[key] or None, "{:,}") for key in ("count", "broken"))
    place = place_cells(row["group"], row["env"])
    return [name(row["name"]), *place, *values, number(row["step"], "{:,}"), *counts]
