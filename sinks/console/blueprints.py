"""Which blueprints work? What they bring beside the same host alone, and what becomes of them. Rows: "blueprints"."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import isnan, nan

from rich.console import RenderableType
from rich.text import Text

from nissa.sinks.text import DASH, Cells, Row, counted, filled_table, joined, name, note, number

__all__ = ["blueprint_tables"]

_SEEDS = "points\n(seeds / envs)"
_EFFECTS = ("net gain,\npoints", "95% CI", "seeds\n/ envs", f"ablation,\n{_SEEDS}", f"cull drop,\n{_SEEDS}")
_PROGRESS = tuple(f"accuracy\nchange while\nit lived,\n{end}" for end in ("fossilized", "culled"))
_FATES = ("germi-\nnated", "%", "fossil-\nized", "culled", "cut\noff", "rate,\n%", "life,\nepochs")
_LATE = ("last\nquarter:\ngermi-\nnated", "%", "last\nquarter:\nfossil-\nized")
_NET = (
    "Net gain: accuracy change of the network as trained while the seed lived, minus the twin's over the same epochs,",
    "up to right before the seed's end: a cull's cost is not in it, and whatever else was in the network counts too.",
)
_LEAST_ENVS = 3
"""Environments of an ablation or a cull drop, whose interval is not shown, below which it has no star."""
_LEGEND = (
    "Ablation: what switching it off costs the trained network, not what training with it gained.",
    "Cull drop: accuracy right before the cull minus right after. All changes are in percentage points.",
    "* its 95% CI (Student's t over environments, each row by itself) excludes 0. Ablation, cull drop: from 3 envs on.",
)
_UNKNOWN = "Net gains are not known: no twin was told over the epochs of a seed."
_FATES_LEGEND = (
    "Cut off: culled by an episode's end. Rate: fossilized / (fossilized + culled + cut off). %: of all germinated.",
    "Last quarter: of the run's planned episodes, or of those begun where more.",
)


def blueprint_tables(rows: Iterable[Row], *, so_far: bool = False) -> Iterator[RenderableType]:
    """Both tables; rows come by group, the blueprint with the highest net gain first. `so_far` while a run goes on."""
    rows = list(rows)
    left = ("Group", "Blueprint")
    yield filled_table("Blueprints: what they bring", left, (*_EFFECTS, *_PROGRESS), (), map(_effects, rows))
    gained = any(row["net_gain_mean"] is not None for row in rows)
    yield from map(
        note, (*_NET, *_never_mixed(rows), *_LEGEND, _finding(rows, so_far)) if gained else (*_LEGEND, _UNKNOWN)
    )
    germinated, late = _totals(rows, "germinated"), _totals(rows, "late_germinated")
    fates = (_fates(row, germinated[_group(row)], late[_group(row)]) for row in rows)
    yield ""
    yield filled_table("Blueprints: what becomes of them", left, (*_FATES, *_LATE), (), fates)
    yield from map(note, _FATES_LEGEND)


def _effects(row: Row) -> Cells:
    low, high = (number(row[f"net_gain_{end}"], "{:+.2f}") for end in ("low", "high"))
    seeds = f"{row['net_gain_n']:,} / {row['net_gain_envs']:,}"
    return [
        *_names(row),
        _marked(row, "net_gain"),
        DASH if DASH in {low, high} else f"{low} to {high}",
        seeds if row["net_gain_n"] else DASH,
        *(_with_seeds(row, of) for of in ("ablation", "cull_drop")),
        number(row["acc_delta_mean"], "{:+.2f}"),
        number(row["churn_mean"], "{:+.2f}"),
    ]


def _fates(row: Row, germinated: int, late: int) -> Cells:
    return [
        *_names(row),
        f"{row['germinated']:,}",
        _share(row["germinated"], germinated),
        f"{row['fossilized']:,}",
        f"{row['culled'] - row['cut_off']:,}",
        f"{row['cut_off']:,}",
        number(row["fossilization_rate"], "{:.1f}"),
        number(row["lifespan_mean"], "{:.1f}"),
        f"{row['late_germinated']:,}",
        _share(row["late_germinated"], late),
        f"{row['late_fossilized']:,}",
    ]


def _never_mixed(rows: Sequence[Row]) -> Iterator[str]:
    if idle := sum(row["never_mixed"] for row in rows):
        ended = sum(row["fossilized"] + row["culled"] for row in rows)
        yield f"It is of all seeds that ended, {ended:,}: {idle:,} of them never mixed in."


def _finding(rows: Sequence[Row], so_far: bool) -> str:
    """What the net gains say together."""
    above, below = ([row for row in rows if _side(row, "net_gain") == side] for side in (1, -1))
    now = " so far" if so_far else ""
    shown = (
        f"Net gain above 0{now}: {_named(above)}" if above else f"No blueprint's net gain is shown to be above 0{now}"
    )
    return f"{shown}{f'; below 0: {_named(below)}' if below else ''} ({_tests(rows)})."


def _tests(rows: Iterable[Row]) -> str:
    count = sum(not isnan(float(nan if row["net_gain_low"] is None else row["net_gain_low"])) for row in rows)
    return f"{counted(count, 'test')}{', each by itself' if count > 1 else ''}" if count else "none has an interval"


def _named(rows: Iterable[Row]) -> str:
    return ", ".join(joined(" ", row["group"], row["blueprint"]) for row in rows)


def _side(row: Row, of: str) -> int:
    """On which side of 0 the whole interval is; 0 if on none."""
    low, high = (_or(row[f"{of}_{end}"], 0.0) for end in ("low", "high"))
    return (low > 0) - (high < 0)


def _marked(row: Row, of: str) -> str:
    return f"{'* ' if _side(row, of) else ''}{number(row[f'{of}_mean'], '{:+.2f}')}"


def _with_seeds(row: Row, of: str) -> str:
    seeds, envs = row[f"{of}_n"], row[f"{of}_envs"]
    mean = _marked(row, of) if envs >= _LEAST_ENVS else number(row[f"{of}_mean"], "{:+.2f}")
    return f"{mean} ({seeds:,} / {envs:,})" if seeds else DASH


def _names(row: Row) -> list[Text]:
    return [name(row["group"]), name(row["blueprint"])]


def _group(row: Row) -> tuple[str, str]:
    return row["run"], str(row["group"] or "")


def _totals(rows: Iterable[Row], of: str) -> Counter[tuple[str, str]]:
    totals = Counter[tuple[str, str]]()
    for row in rows:
        totals[_group(row)] += row[of]
    return totals


def _share(part: int, whole: int) -> str:
    return f"{part / whole * 100:.0f}" if whole else DASH


def _or(value: float | str | None, otherwise: float) -> float:
    """A number, or another one where there is none, or it is broken."""
    return otherwise if value is None or isnan(float(value)) else float(value)
