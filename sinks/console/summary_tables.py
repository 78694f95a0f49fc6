"""The summary as a terminal shows it: tables, alerts, and the verdict last. Rows are those of `Tables.snapshot()`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from nissa.sinks.console.alerts import alert_table
from nissa.sinks.console.blueprints import blueprint_tables
from nissa.sinks.console.network_tables import LAYERS_SHOWN, layer_table, network_table
from nissa.sinks.console.scalars import scalar_table
from nissa.sinks.console.scoreboard import growth_text, scoreboard_table
from nissa.sinks.console.verdict import verdict_lines, without_seeds
from nissa.sinks.text import Row, filled_table, note, number, place_cells

__all__ = ["best_runs_table", "summary", "summary_parts"]

_NOTHING = "No event of a kind known here told of a seed, or of the end of an episode."
_BEST_SHOWN = 10
"""Of the best runs; those with a star come on top."""
_PEAK = ("peak acc,\n%", "growth\nat peak", "efficiency,\n% / growth")


def best_runs_table(rows: Iterable[Row]) -> Iterator[RenderableType]:
    """The best episodes at their peaks; a star marks those that none beats in accuracy without being larger.

    Those are always shown.
    """
    rows = list(rows)
    shown = [row for nth, row in enumerate(rows) if nth < _BEST_SHOWN or row["pareto"]]
    right = ("Env", "Episode", "Epoch", *_PEAK)
    yield filled_table("Best runs", ("#", "Group"), right, (), map(_best, shown))
    yield note("* no other is as accurate and smaller. Growth at peak: (host + all seeds present) / host.")
    if more := len(rows) - len(shown):
        yield note(f"{more:,} more: `nissa replay RUN --json` has them.")


def summary(tables: Mapping[str, Sequence[Row]], *, so_far: bool = False, injected: str = "") -> RenderableType:
    """All tables that have rows and the verdict, or a line that says that there is nothing yet.

    `so_far` while a run goes on; `injected` tells of faults that were injected.
    """
    parts = summary_parts(tables, so_far=so_far, injected=injected)
    shown = [each for lines in parts.values() for each in ("", *lines)]
    return Group(*shown) if shown else note(_NOTHING)


def summary_parts(
    tables: Mapping[str, Sequence[Row]], *, so_far: bool = False, injected: str = "", layers: int = LAYERS_SHOWN
) -> dict[str, list[RenderableType]]:
    """The same by the name of the rows, those parts alone that have something to say; `layers` of each network."""
    parts: dict[str, Iterator[RenderableType]] = {
        key: draw(tables[key])
        for key, draw in (
            ("blueprints", lambda rows: blueprint_tables(rows, so_far=so_far)),
            ("scoreboards", lambda rows: scoreboard_table(rows, tables["episodes"])),
            ("assessments", network_table),
            ("layers", lambda rows: layer_table(rows, layers)),
            ("best_runs", best_runs_table),
            ("scalars", scalar_table),
        )
        if tables[key]
    }
    verdicts = verdict_lines(tables["verdicts"], injected=injected, seedless=without_seeds(tables))
    parts |= {"alerts": alert_table(tables), "verdicts": verdicts}
    return {key: lines for key, part in parts.items() if (lines := list(part))}


def _best(row: Row) -> list[Text | str]:
    return [
        f"{row['rank']}{' *' if row['pareto'] else ''}",
        *place_cells(row["group"], row["env"], row["episode"], row["epoch"]),
        number(row["peak_accuracy"], "{:.2f}"),
        growth_text(row["growth_ratio"]),
        number(row["efficiency"], "{:.2f}"),
    ]
