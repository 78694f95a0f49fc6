"""Is growing winning? Three lines a group, from the rows of "verdicts": by accuracy, by size, and as trained."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from rich.text import Text

from nissa.sinks.printable import printable
from nissa.sinks.text import Row, counted, note, number

__all__ = ["NO_SEEDS", "verdict_lines", "without_seeds"]

NO_SEEDS = "no seeds in this run"
_STYLES = {"better": "bold green", "worse": "bold red"}
_BROKEN = "not finite in some episode"
_LEGEND = (
    "Kept: what is left once an episode's end removed the seeds that did not fossilize. As trained: with all seeds.",
    "Twin: the same host trained alone for as many epochs; peak against peak. CI: Student's t over environments.",
)


def without_seeds(tables: Mapping[str, Sequence[Row]]) -> bool:
    """Whether nothing grew in a run, and nothing is compared with a host alone."""
    grew = any(tables.get(name) for name in ("blueprints", "attribution"))
    return not grew and not any(row["compared"] for row in tables.get("verdicts", ()))


def verdict_lines(rows: Iterable[Row], *, injected: str = "", seedless: bool = False) -> Iterator[Text]:
    """What there is to say about the groups; nothing without rows. `injected` tells of faults that were injected.

    Of a run `without_seeds` there is a word.
    """
    rows = list(rows)
    if rows:
        yield Text("Is growing winning?", style="bold")
    if rows and injected:
        yield Text(f"Of a training with {injected}.", style="bold yellow")
    if rows and seedless:
        yield Text(f"There are {NO_SEEDS}.")
        return
    for row in rows:
        yield from _group(row) if row["episodes"] else [_none_ended(row)]
    if rows:
        yield from map(note, _LEGEND)


def _group(row: Row) -> Iterator[Text]:
    yield _by_accuracy(row)
    yield Text(f"  {' '.join((*_by_episode(row), *_by_size(row))) or 'Its size is not told.'}")
    if row["final_accuracy_mean"] is not None:
        yield _as_trained(row)


def _none_ended(row: Row) -> Text:
    return Text(f"{_name(row)}: not shown. No episode has ended ({row['unended']:,} began).")


def _by_accuracy(row: Row) -> Text:
    kept, twin = (_told(row[f"{of}_accuracy_mean"], "{:.2f}%") for of in ("kept", "twin"))
    delta = _points(row, "kept_training_delta", ": {} points (95% CI {})", ": {} points (no CI)")
    return Text.assemble(
        f"{_name(row)}: ",
        (row["shown"], _STYLES.get(row["shown"], "bold")),
        f". Kept {kept}, twin {twin}{delta}; {_basis(row)}.",
    )


def _name(row: Row) -> str:
    return printable(row["group"] or "all")


def _basis(row: Row) -> str:
    """What the means are over, and what is in none of them."""
    among = "" if row["compared"] == row["episodes"] else f"{row['compared']:,} of "
    unended = f" ({row['unended']:,} unended)" if row["unended"] else ""
    return f"{counted(row['envs'], 'env')}, {among}{counted(row['episodes'], 'episode')}{unended}"


def _by_episode(row: Row) -> Iterator[str]:
    if row["compared"]:
        ties = f", ties {row['accuracy_ties']:,}" if row["accuracy_ties"] else ""
        yield f"More accurate in {row['accuracy_wins']:,} of {row['compared']:,}{ties}."


def _by_size(row: Row) -> Iterator[str]:
    """By the efficiency ratio an episode wins above 1; a tie is no win."""
    size = _finite(row["growth_ratio_mean"], "{:.2f}x")
    if row["efficiency_ratio_mean"] is not None:
        at = f" at {size}" if size else ""
        ratio = _finite(row["efficiency_ratio_mean"], f"(efficiency ratio) {{:.2f}}{at}") or _BROKEN
        wins = f"above 1 in {row['efficiency_wins']:,} of {row['efficiency_episodes']:,}"
        yield f"Accuracy per parameter {ratio}; {wins}."
    elif size:
        yield f"Kept size {size}."


def _as_trained(row: Row) -> Text:
    size = _finite(row["final_growth_ratio_mean"], " at {:.2f}x")
    delta = _points(row, "final_training_delta", ": {} points (95% CI {})", ": {} points (no CI)")
    peak = _points(row, "peak_training_delta", ", peak {} ({})", ", peak {}")
    return Text(f"  As trained {_told(row['final_accuracy_mean'], '{:.2f}%')}{size}{delta}{peak}.")


def _points(row: Row, of: str, form: str, alone: str) -> str:
    """A difference and its interval, or `alone` without one; empty where it is not told, or not finite."""
    mean, low, high = (_finite(row[f"{of}_{part}"], "{:+.2f}") for part in ("mean", "low", "high"))
    if not mean:
        return ""
    return form.format(mean, f"{low} to {high}") if low and high else alone.format(mean)


def _told(value: Any, form: str) -> str:
    return _finite(value, form) or ("not told" if value is None else _BROKEN)


def _finite(value: Any, form: str) -> str:
    return number(value, form) if value is not None and isfinite(float(value)) else ""
