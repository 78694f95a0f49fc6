"""What happened just before an alert? What was done in its epoch and the two before, ranked by nearness and size.

That one comes before the other makes it no cause, so what is told are candidates. A fault that was injected into the
alert's own epoch comes first, then what changes the network or its training, then what does not; of these the nearest
in batches, and of what is as near the largest change of the accuracy, as far as it was measured.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import inf, isfinite

from nissa.events.kinds import TracedCause
from nissa.operators.traces.happenings import Happening
from nissa.operators.traces.open_trace import Instant

__all__ = ["EPOCHS", "MAX_CAUSES", "causes"]

EPOCHS = 2
"""Epochs before the alert's own that count as just before it."""
MAX_CAUSES = 8
"""Of one trace; the others are counted."""


def causes(happened: Iterable[Happening], alert: Instant, batches: Sequence[int]) -> list[TracedCause]:
    """All that was done just before an alert; `batches` are the numbers of the trace's batches, in their order."""
    found = ((done, _distance(done, alert, batches)) for done in happened if done.seq < alert.seq)
    near = [(done, distance) for done, distance in found if _near(done, alert, distance)]
    return [_cause(done, distance) for done, distance in sorted(near, key=lambda row: _rank(row[0], row[1], alert))]


def _distance(done: Happening, alert: Instant, batches: Sequence[int]) -> int | None:
    """Batches from it up to the alert; None where the trace does not reach back as far."""
    if not batches or done.seq < batches[0]:
        return None
    return bisect_right(batches, alert.seq) - bisect_right(batches, done.seq)


def _near(done: Happening, alert: Instant, distance: int | None) -> bool:
    if done.epoch is None or alert.epoch is None:
        return distance is not None or (done.cause == "injection" and done.epoch is None)
    return alert.epoch - EPOCHS <= done.epoch <= alert.epoch


def _rank(done: Happening, distance: int | None, alert: Instant) -> tuple[int, float, float, int]:
    struck = done.cause == "injection" and done.epoch is not None and done.epoch == alert.epoch
    known = done.change is not None and isfinite(done.change) and done.basis != "lifetime"
    size = abs(done.change) if known and done.change is not None else 0.0
    return 0 if struck else 1 if done.disturbs else 2, inf if distance is None else distance, -size, -done.seq


def _cause(done: Happening, distance: int | None) -> TracedCause:
    return TracedCause(
        cause=done.cause,
        subject=done.subject,
        epoch=done.epoch,
        batches=distance,
        disturbs=done.disturbs,
        change=done.change,
        basis=done.basis,
        what=done.what,
    )
