"""What `nissa reproduce` says: which run it trains again, what came of the comparison, and what a slot made of it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nissa.operators.statistics import Interval
from nissa.sinks.text import counted, filled_table, number, text_lines

if TYPE_CHECKING:
    from nissa.trainer.repetition import Comparison, RecordedRun, Without
    from nissa.trainer.settings import Settings

__all__ = ["compared_lines", "run_line", "without_lines"]

_LISTED = 20
"""Kinds of differences that are listed."""


def run_line(recorded: "RecordedRun", settings: "Settings") -> str:
    """The run that is trained again."""
    size = f"{counted(settings.envs, 'env')}, {counted(settings.episodes, 'episode')} of {settings.epochs} epochs"
    turns = counted(len(recorded.schedule), "change")
    return f"Run {recorded.run}: {settings.policy}, {size}, seed {settings.seed}, {turns} of fidelity to replay."


def compared_lines(found: "Comparison", recorded: "RecordedRun") -> Iterator[str]:
    """Identical, or the first difference and how many there are of each kind."""
    derived = f"{found.derived:,} of them derived" if recorded.reading.derived else "derived ones are not in the log"
    size = f"{found.events:,} events ({derived}), {found.fields:,} fields"
    if not found.first:
        yield f"identical: {size}."
    else:
        yield f"different: {found.first}."
        yield f"{counted(found.counts.total(), 'difference')} in {size}:"
        listed = found.counts.most_common(_LISTED)
        yield from (f"{count:>10,}  {what}" for what, count in listed)
        if more := len(found.counts) - len(listed):
            yield f"            ... and {more:,} other kinds of differences"
    if found.open_end:
        yield "The run did not come to its end; it was compared as far as its log goes."


def without_lines(slot: str, rows: Sequence["Without"], kept: Interval, final: Interval) -> Iterator[str]:
    """By environment, what came of the run with the slot and without."""
    if not rows:
        yield "No episode ended in both runs, so there is nothing to compare."
        return
    yield f"Nothing germinated in {slot}; means over episodes, accuracies in %, differences in points:"
    names = ("env", "episodes", "kept with", "without", "differs by", "final with", "without", "differs by")
    cells = [
        (
            str(row.env),
            str(row.episodes),
            *(f"{value:.2f}" for value in (row.kept_with, row.kept_without)),
            f"{row.kept_with - row.kept_without:+.2f}",
            *(f"{value:.2f}" for value in (row.final_with, row.final_without)),
            f"{row.final_with - row.final_without:+.2f}",
        )
        for row in rows
    ]
    yield from text_lines(filled_table(None, names[:1], names[1:], [], cells))
    yield f"With {slot} minus without: kept {_shown(kept)}, final {_shown(final)}."
    yield f"95% CI: Student's t over {counted(len(rows), 'env')}. From the first seed on it is another training."


def _shown(interval: Interval) -> str:
    mean = f"{number(interval.mean, '{:+.2f}')} points"
    if interval.low is None or interval.high is None:
        return mean
    return f"{mean} (95% CI {interval.low:+.2f} to {interval.high:+.2f})"
