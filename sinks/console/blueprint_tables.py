"""Which blueprints work? What they bring beside the same host alone, and what becomes of them. Rows: "blueprints"."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import isnan

from rich.console import RenderableType
from rich.text import Text

from nissa.sinks.text import DASH, Cells, Row, filled_table, name, note, number

__all__ = ["blueprint_tables"]

_EFFECTS = ("net gain,\npoints", "95% CI", "seeds\n/ envs", "ablation,\npoints\n(seeds)", "cull drop,\npoints\n(seeds)")
_PROGRESS = ("accuracy\nchange while\nit lived, points", "the same\nof culled,\npoints")
_FATES = ("germi-\nnated", "%", "fossil-\nized", "culled", "cut\noff", "rate,\n%", "life,\nepochs")
_LATE = ("late\ngermi-\nnated", "%", "late\nfossil-\nized")
_NET = "Net gain: accuracy change while it lived, minus the twin's over the same epochs."
_LEGEND = (
    "Ablation: what switching it off costs the trained network, not what training with it gained.",
    "Cull drop: accuracy right before the cull minus right after.",
    "* its 95% CI (Student's t over environments, each row by itself) excludes 0.",
)
_UNKNOWN = "Net gains are not known: no twin was told over the epochs of a seed."
_FATES_LEGEND = (
    "Cut off: culled by an episode's end. Rate: fossilized / (fossilized + culled + cut off). %: of all germinated.",
    "Late: at convergence, in the last quarter of the run's episodes so far.",
)


def blueprint_tables(rows: Iterable[Row]) -> Iterator[RenderableType]:
    """Both tables; rows come by group, the blueprint with the highest net gain first."""
    rows = list(rows)
    left = ("Group", "Blueprint")
    yield filled_table("Blueprints: what they bring", left, (*_EFFECTS, *_PROGRESS), (), map(_effects, rows))
    gained = any(row["net_gain_mean"] is not None for row in rows)
    yield from map(note, (_NET, *_LEGEND, _finding(rows)) if gained else (*_LEGEND, _UNKNOWN))
    germinated, late = _totals(rows, "germinated"), _totals(rows, "late_germinated")
    fates = (_fates(row, germinated[_group(row)], late[_group(row)]) for row in rows)
    yield ""
    yield filled_table("Blueprints: what becomes of them", left, (*_FATES, *_LATE), (), fates)
    yield from map(note, _FATES_LEGEND)


def _effects(row: Row) -> Cells:
    low, high = (number(row[f"net_gain_{end}"], "{:+.2f}") for end in ("low", "high"))
    counted = f"{row['net_gain_n']:,} / {row['net_gain_envs']:,}"
    return [
        *_names(row),
        _marked(row, "net_gain"),
        DASH if DASH in {low, high} else f"{low} to {high}",
        counted if row["net_gain_n"] else DASH,
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


def _finding(rows: Sequence[Row]) -> str:
    """What the net gains say together."""
    better, worse = ([row for row in rows if _side(row, "net_gain") == side] for side in (1, -1))
    shown = f"shown to be better: {_named(better)}" if better else "no blueprint is shown to be better"
    return f"{shown[0].upper()}{shown[1:]}{f'; shown to be worse: {_named(worse)}' if worse else ''}."


def _named(rows: Iterable[Row]) -> str:
    return ", ".join(" ".join(filter(None, (row["group"], row["blueprint"]))) for row in rows)


def _side(row: Row, of: str) -> int:
    """On which side of 0 the whole interval is; 0 if on none."""
    low, high = (_or(row[f"{of}_{end}"], 0.0) for end in ("low", "high"))
    return (low > 0) - (high < 0)


def _marked(row: Row, of: str) -> str:
    return f"{'* ' if _side(row, of) else ''}{number(row[f'{of}_mean'], '{:+.2f}')}"


def _with_seeds(row: Row, of: str) -> str:
    return f"{_marked(row, of)} ({row[f'{of}_n']:,})" if row[f"{of}_n"] else DASH


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
