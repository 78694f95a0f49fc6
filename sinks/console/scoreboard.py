"""What has grown where? Seeds over the run, growth of an episode, and the model at hand. Rows: "scoreboards"."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from statistics import fmean

from rich.console import RenderableType
from rich.text import Text

from nissa.sinks.text import DASH, Cells, Row, filled_table, note, number, place_cells

__all__ = ["SCOREBOARDS_SHOWN", "growth_text", "scoreboard_table"]

SCOREBOARDS_SHOWN = 16
"""Environments in the table, in their order."""
_SEEDS = ("germi-\nnated", "fossil-\nized", "culled", "epi-\nsodes", "kept\ngrowth,\nmean", "lowest -\nhighest")
_MODEL = ("growth\nat hand", "cost\nat hand", "FLOPs\nat hand")
_LEGEND = (
    "Kept growth: (host + fossilized) / host at an episode's end. At hand: the same now, in the last episode;",
    "cost by the blueprints' factors, FLOPs as told.",
)


def growth_text(ratio: float | str | None) -> Text:
    """A growth ratio: dim without growth, cyan below 1.1, bold cyan from there; a dash where it is not known."""
    if ratio is None:
        return Text(DASH, style="dim")
    ratio = float(ratio)
    style = "dim" if ratio <= 1.0 else "cyan" if ratio < 1.1 else "bold cyan"
    return Text(f"{ratio:.2f}x", style=style)


def scoreboard_table(rows: Iterable[Row], episodes: Iterable[Row]) -> Iterator[RenderableType]:
    """An environment a row; `episodes` are those of its finished episodes."""
    rows, grown = list(rows), defaultdict[tuple[object, ...], list[Row]](list)
    for episode in episodes:
        grown[_place(episode)].append(episode)
    cells = [_cells(row, grown[_place(row)]) for row in rows[:SCOREBOARDS_SHOWN]]
    yield filled_table("Scoreboard", ("Group", "Env"), (*_SEEDS, *_MODEL), ("fossilized seeds",), cells)
    yield from map(note, _LEGEND)
    if more := len(rows[SCOREBOARDS_SHOWN:]):
        yield note(f"{more:,} more environments: `nissa replay RUN --json` has them.")


def _cells(row: Row, episodes: Sequence[Row]) -> Cells:
    told = [float(ratio) for episode in episodes if (ratio := episode["kept_growth_ratio"]) is not None]
    known = [ratio for ratio in told if isfinite(ratio)]
    seeds = [f"{blueprint} {count}" for blueprint, count in row["fossilized_by_blueprint"].items()]
    return [
        *place_cells(row["group"], row["env"]),
        f"{row['germinated']:,}",
        f"{row['fossilized']:,}",
        f"{row['culled']:,}",
        f"{len(episodes):,}" if episodes else DASH,
        growth_text(fmean(known) if known else None),
        f"{min(known):.2f}-{max(known):.2f}x" if known else DASH,
        growth_text(row["growth_ratio"]),
        number(row["compute_cost"], "{:.2f}x"),
        number(row["flops_ratio"], "{:.2f}x"),
        Text(", ".join(seeds) or DASH),
    ]


def _place(row: Row) -> tuple[object, ...]:
    return row["run"], row["group"], row["env"]
