"""Is growing winning? Two lines a group, from the rows of "verdicts": by accuracy against the twin, and by size."""

from collections.abc import Iterable, Iterator

from rich.text import Text

from nissa.sinks.text import DASH, Row, counted, note, number

__all__ = ["verdict_lines"]

_STYLES = {"better": "bold green", "worse": "bold red"}
_LEGEND = (
    "Kept: what is left once an episode's end removed the seeds that did not fossilize. As trained: with all seeds.",
    "Twin: the same host trained alone for as many epochs; peak against peak. CI: Student's t over environments.",
)


def verdict_lines(rows: Iterable[Row]) -> Iterator[Text]:
    """What there is to say about the groups; nothing without rows."""
    rows = list(rows)
    if rows:
        yield Text("Is growing winning?", style="bold")
    for row in rows:
        yield from _group(row) if row["episodes"] else [_none_ended(row)]
    if rows:
        yield from map(note, _LEGEND)


def _group(row: Row) -> Iterator[Text]:
    yield _by_accuracy(row)
    yield Text(f"  {' '.join((*_by_size(row), *_as_trained(row))) or 'Its size is not told.'}")


def _none_ended(row: Row) -> Text:
    return Text(f"{row['group'] or 'all'}: not shown. No episode has ended ({row['unended']:,} began).")


def _by_accuracy(row: Row) -> Text:
    kept, twin = (number(row[f"{of}_accuracy_mean"], "{:.2f}%", "not told") for of in ("kept", "twin"))
    return Text.assemble(
        f"{row['group'] or 'all'}: ",
        (row["shown"], _STYLES.get(row["shown"], "bold")),
        f". Kept {kept}, twin {twin}{_difference(row)}; {_basis(row)}.",
    )


def _difference(row: Row) -> str:
    if row["kept_delta_mean"] is None:
        return ""
    low, high = (number(row[f"kept_delta_{end}"], "{:+.2f}") for end in ("low", "high"))
    interval = "no CI" if DASH in {low, high} else f"95% CI {low} to {high}"
    return f": {number(row['kept_delta_mean'], '{:+.2f}')} points ({interval})"


def _basis(row: Row) -> str:
    """What the means are over, and what is in none of them."""
    among = "" if row["compared"] == row["episodes"] else f"{row['compared']:,} of "
    unended = f" ({row['unended']:,} unended)" if row["unended"] else ""
    return f"{counted(row['envs'], 'env')}, {among}{counted(row['episodes'], 'episode')}{unended}"


def _by_size(row: Row) -> Iterator[str]:
    """By the efficiency ratio an episode wins above 1; a tie is no win."""
    if row["efficiency_ratio_mean"] is not None:
        wins, episodes = row["efficiency_wins"], row["compared"]
        won = float(row["efficiency_ratio_mean"]) > 1
        score = f"a win in {wins:,}" if won else f"no win in {episodes - wins:,}"
        size = number(row["growth_ratio_mean"], "{:.2f}x")
        ratio = number(row["efficiency_ratio_mean"], "{:.2f}")
        yield f"Efficiency ratio {ratio} at {size}, {score} of {counted(episodes, 'episode')}."
    elif row["growth_ratio_mean"] is not None:
        yield f"Kept size {number(row['growth_ratio_mean'], '{:.2f}x')}."


def _as_trained(row: Row) -> Iterator[str]:
    if row["final_accuracy_mean"] is not None:
        size = number(row["final_growth_ratio_mean"], " at {:.2f}x", "")
        delta = number(row["final_delta_mean"], ": {:+.2f} points", "")
        peak = number(row["peak_delta_mean"], ", peak {:+.2f}", "")
        yield f"As trained {number(row['final_accuracy_mean'], '{:.2f}%')}{size}{delta}{peak}."
