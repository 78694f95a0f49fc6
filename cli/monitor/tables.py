"""The other pages: the tables that `nissa replay` prints, as wide as the screen, of the rows that are asked for."""

from collections.abc import Callable, Iterator, Mapping

from rich.console import RenderableType
from rich.text import Text

from nissa.cli.monitor.courses import Place
from nissa.cli.monitor.looks import Look
from nissa.cli.monitor.narrow_tables import narrow_blueprints, narrow_scoreboard
from nissa.cli.monitor.overview import overview
from nissa.sinks.console import (
    alert_table,
    best_runs_table,
    blueprint_tables,
    layer_table,
    network_table,
    scalar_table,
    scoreboard_table,
    verdict_lines,
    without_seeds,
)
from nissa.sinks.printable import printable
from nissa.sinks.text import Cells, Row, filled_table, name, number, place_cells

__all__ = ["PAGES", "Page"]

Page = Callable[[Look, Place | None, str, int], Iterator[RenderableType]]
"""What a page shows of a look at a run, of one environment or of all, of what a text stands in, in so many columns."""
_LISTED = 50
"""Rows of a long table: the last ones of attribution, the newest first."""
_WIDE = 120
"""Columns from which the tables of `nissa replay` have room."""
_POLICY = ("approx_kl", "clip_fraction", "explained_variance", "entropy", "value_mean", "value_std", "return_mean")
_LOSSES = ("return_std", "policy_loss", "value_loss", "grad_norm", "learning_rate", "ratio_max")


def _overview(look: Look, place: Place | None, *_: object) -> Iterator[RenderableType]:
    yield from overview(look, place)


def _blueprints(look: Look, place: Place | None, text: str, width: int) -> Iterator[RenderableType]:
    if rows := look.rows("blueprints", place, text):
        wide = width >= _WIDE
        yield from blueprint_tables(rows, so_far=look.outcome is None) if wide else narrow_blueprints(rows)
        yield ""
    yield from verdict_lines(look.rows("verdicts", place), seedless=without_seeds(look.tables))


def _seeds(look: Look, place: Place | None, text: str, width: int) -> Iterator[RenderableType]:
    if rows := look.rows("scoreboards", place, text):
        wide = width >= _WIDE
        yield from scoreboard_table(rows, look.rows("episodes", place)) if wide else narrow_scoreboard(rows)
        yield ""
    if rows := look.rows("best_runs", place, text):
        yield from best_runs_table(rows)
        yield ""
    if rows := look.rows("attribution", place, text)[: -_LISTED - 1 : -1]:
        heads = ("Group", "Env"), ("Episode", "Epoch", "Shapley", "low", "high"), ("Slot, blueprint, seed",)
        yield filled_table("What each seed was worth", *heads, map(_worth, rows))


def _worth(row: Row) -> list[Text | str]:
    figures = [number(row[of], "{:+.2f}") for of in ("shapley", "shapley_low", "shapley_high")]
    names = Text(", ").join(name(row[part]) for part in ("slot", "blueprint", "seed"))
    return [*place_cells(row["group"], row["env"], row["episode"], row["epoch"]), *figures, names]


def _policy(look: Look, place: Place | None, text: str, _: int) -> Iterator[RenderableType]:
    for group, update in look.courses.policies.copy().items():
        values = [(figure, getattr(update, figure)) for figure in (*_POLICY, *_LOSSES)]
        told = [(figure, value) for figure, value in values if value is not None and _same(text) in _same(figure)]
        cells: list[Cells] = [[name(figure.replace("_", " ")), number(value, "{:.4g}")] for figure, value in told]
        yield Text(f"Policy{f' {printable(group)}' if group else ''}, update {update.update:,}", style="bold")
        yield filled_table(None, ("Figure",), ("Last",), (), cells)
        yield ""
    for row in look.rows("analytics", place):
        if row["action_distribution"] and (row["env"] is None) is (place is None):
            shares = row["action_distribution"].items()
            yield Text("What it decided: ", style="bold") + Text(", ").join(
                name(f"{op} {number(share, '{:.0%}')}") for op, share in shares
            )
            yield ""
    if rows := look.rows("decisions", place, text)[:_LISTED]:
        yield filled_table("Why it decided so, last", ("Group", "Env"), ("Episode", "Epoch"), ("Why",), map(_why, rows))


def _same(text: str) -> str:
    """As it is shown, whatever its case: a figure's name has spaces there."""
    return text.lower().replace("_", " ")


def _why(row: Row) -> list[Text | str]:
    return [*place_cells(row["group"], row["env"], row["episode"], row["epoch"]), name(row["why_this_action"])]


def _alerts(look: Look, place: Place | None, text: str, _: int) -> Iterator[RenderableType]:
    yield from alert_table({"alerts": look.rows("alerts", place, text), "traces": look.rows("traces", place)})
    for key, draw in (("assessments", network_table), ("layers", layer_table)):
        if rows := look.rows(key, place, text):
            yield from ("", *draw(rows))


def _scalars(look: Look, place: Place | None, text: str, _: int) -> Iterator[RenderableType]:
    if rows := look.rows("scalars", place, text):
        yield from scalar_table(rows)


PAGES: Mapping[str, tuple[Page, str]] = {
    "Overview": (_overview, ""),
    "Curves": (_overview, ""),
    "Blueprints": (_blueprints, "no seed was told of"),
    "Seeds": (_seeds, "no seed was told of"),
    "Policy": (_policy, "no policy was told of"),
    "Alerts": (_alerts, "no alert was raised, and no layer measured"),
    "Scalars": (_scalars, "none was logged"),
}
"""The pages by their names, and what one says that has nothing to show."""
