"""What came before an alert, as text: what was done to the network, and which quantity changed first."""

from collections.abc import Iterator
from math import inf, isinf

from nissa.events.kinds import DenseTraceCaptured, TracedCause
from nissa.operators.diagnosis import LEAST, SCALES, Onset, onsets, trigger
from nissa.sinks.text import number

__all__ = ["caused", "changed"]

_BASES = {
    "cull": "right after it",
    "ablation": "when switched off",
    "ablation_change": "in its ablation, over that epoch",
    "lifetime": "while it lived",
}


def caused(trace: DenseTraceCaptured) -> Iterator[str]:
    """What was done before the first alert, the likeliest cause first."""
    for cause in trace.causes:
        basis = _BASES.get(cause.basis or "", cause.basis or "")
        change = "" if cause.change is None else f": {cause.change:+.2f} points {basis}"
        yield f"{_when(cause)}: {cause.what}{change}{'' if cause.disturbs else ' (touches no output)'}"
    if not trace.causes:
        yield "nothing that was told: no turn in the life of a seed, no injected fault, no new fidelity"


def changed(trace: DenseTraceCaptured, cause: str) -> Iterator[str]:
    """Which quantities left their usual course, the first first; what came after `cause` is told as such."""
    count, found = trigger(trace), onsets(trace)
    half = count // 2
    if half >= LEAST:
        yield f"(usual: the trend of the first {half} batches, and {SCALES:g} scales of what is left either way)"
    else:
        yield f"(too few batches before {cause}, {count}, to say what was usual)"
    before = [onset for onset in found if onset.place < count]
    for rank, onset in enumerate(before):
        yield f"{'then ' if rank else 'first'} {_onset(trace, onset, cause)}"
    if not before:
        yield f"nothing stands out: no quantity that is measured batch by batch left its usual course before {cause}"
    for onset in found[len(before) :]:
        yield f"after {_onset(trace, onset, cause)}"


def _when(cause: TracedCause) -> str:
    epoch = f"epoch {cause.epoch}" if cause.epoch is not None else "before"
    if cause.batches is None:
        return epoch
    return f"{epoch}, {_batches_of(cause.batches)} before the alert" if cause.batches > 1 else f"{epoch}, right before"


def _onset(trace: DenseTraceCaptured, onset: Onset, cause: str) -> str:
    batch = [*trace.batches_before, *trace.batches_after][onset.place]
    usual = "" if isinf(onset.low) and isinf(onset.high) else f", {_usual(onset)}"
    where = f"epoch {number(batch.epoch, '{}')} batch {batch.batch} ({_distance(trace, onset.place, cause)})"
    return f"{where}: {onset.quantity} {onset.value:.4g}{usual}"


def _distance(trace: DenseTraceCaptured, place: int, cause: str) -> str:
    """How far a batch is from the first alert, which a batch may have raised or something between two batches."""
    before = trigger(trace)
    raised = any(alert.batch is not None and alert.place == before for alert in trace.alerts)
    if place >= before:
        return f"{_batches_of(place - before + 1)} after {cause}"
    distance = before - place - raised
    return f"{_batches_of(distance)} before {cause}" if distance else f"with {cause}"


def _batches_of(count: int) -> str:
    return f"{count} batch{'' if count == 1 else 'es'}"


def _usual(onset: Onset) -> str:
    if onset.by_alert:
        return f"its alert's limit {onset.high:.4g}"
    if onset.low == onset.high:
        return f"usually {onset.low:.4g}"
    if onset.low == -inf:
        return f"usually at most {onset.high:.4g}"
    return f"usually at least {onset.low:.4g}" if onset.high == inf else f"usually {onset.low:.4g} to {onset.high:.4g}"
