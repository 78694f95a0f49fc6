"""A dense trace as text that a person can reason from: what fired, what was done before, what changed, which layer."""

from collections.abc import Iterator

from nissa.cli.runs.trace_changes import caused, changed
from nissa.events.kinds import DenseTraceCaptured, GateCheck, TracedAlert, TracedBatch, TracedGate
from nissa.events.vocabulary import MARK, severity_rank
from nissa.operators.diagnosis import LEAST, UNSURE, suspects
from nissa.sinks.text import DASH, number, place, table, text_lines

__all__ = ["headline", "report", "severity"]

_SUSPECTS = 8
_CLOSED = {
    "window": "all its batches came",
    "episode_ended": "the episode ended",
    "run_ended": "the run ended",
    "timeout": "its environment fell silent",
    "crowded": "too many traces were open",
}


def severity(trace: DenseTraceCaptured) -> str:
    """That of its worst alert: "info" where there are only marks."""
    found = {alert.severity for alert in trace.alerts}
    return max(found, key=severity_rank)


def headline(trace: DenseTraceCaptured) -> str:
    """The trace in one line: its alerts, and the first of what was done before them that may have caused them.

    That is one that disturbs, of the first alert's own epoch.
    """
    marks = {alert.alert for alert in trace.alerts if alert.severity == MARK}
    fired = [reason for reason in trace.reasons if reason not in marks] or trace.reasons
    return f"{severity(trace):<8}  {_place(trace)}  {_epochs(trace)}  {', '.join(fired)}{_after(trace)}"


def report(trace: DenseTraceCaptured, nth: int) -> Iterator[str]:
    """The whole text, line by line."""
    mark = severity(trace) == MARK
    parts = (
        [f"Trace {nth}: {', '.join(trace.reasons)}", f"{_place(trace)}, {_epochs(trace)}"],
        ["What fired", *_indented(_fired(trace))],
        [] if mark else ["What happened just before", *_indented(caused(trace))],
        ["What changed first", *_indented(changed(trace, "the mark" if mark else "the alert"))],
        ["Which layer", *_indented(_layers(trace))],
        ["Gates", *_indented(map(_gate, trace.gates))] if trace.gates else [],
        ["Batches (> = raised what fired, or was the last before it)", *_indented(_batches(trace))],
        [_ended(trace)],
    )
    for part in filter(None, parts):
        yield from ("", *part) if part is not parts[0] else part


def _after(trace: DenseTraceCaptured) -> str:
    epoch = next((alert.epoch for alert in trace.alerts if alert.severity != MARK), None)
    near = (cause for cause in trace.causes if cause.disturbs and cause.epoch == epoch)
    return next((f" after {cause.what}" for cause in near), "")


def _fired(trace: DenseTraceCaptured) -> Iterator[str]:
    for alert in trace.alerts:
        yield f"{_when(trace, alert)}: {alert.alert} ({alert.severity}, {alert.clause}): {alert.what}"


def _when(trace: DenseTraceCaptured, alert: TracedAlert) -> str:
    """A policy's alert has no epoch of its own."""
    if alert.epoch is None and alert.batch is None and alert.place:
        last = [*trace.batches_before, *trace.batches_after][alert.place - 1]
        return f"after epoch {number(last.epoch, '{}')} batch {last.batch}"
    return f"epoch {number(alert.epoch, '{}')}" + (f" batch {alert.batch}" if alert.batch is not None else "")


def _layers(trace: DenseTraceCaptured) -> Iterator[str]:
    found = suspects(trace)
    for suspect in found[:_SUSPECTS]:
        yield f"{suspect.layer}: {suspect.what}"
    if len(found) > _SUSPECTS:
        yield f"and {len(found) - _SUSPECTS} more"
    if severity(trace) == MARK:
        yield "a trace of marks alone keeps no layers"
    elif not (trace.gradients or trace.activations):
        yield "no layer was measured in this window; a profile that measures gradients, or the mode adaptive, does"
    elif not found:
        measured = f"{len(trace.gradients)} measurements of gradients and {len(trace.activations)} of outputs"
        yield f"nothing stands out in {measured}"
    if trace.gradients and severity(trace) != MARK:
        yield from _compared(trace)


def _compared(trace: DenseTraceCaptured) -> Iterator[str]:
    """How sure it is, where little was measured before the alert."""
    most = max(map(len, trace.norms_before.values()), default=0)
    if not any(row.after for row in trace.gradients):
        yield "(no gradient was measured after the alert)"
    elif not most:
        yield "(no gradient was measured before the alert, so whether one changed cannot be said)"
    elif most < LEAST:
        yield f"(gradients were measured {most} times before the alert: only a factor of {UNSURE:g} is told)"


def _gate(gate: TracedGate) -> str:
    checks = "; ".join(map(_check, gate.checks)) or "no checks told"
    outcome = "passed" if gate.passed else "failed"
    return f"epoch {number(gate.epoch, '{}')}: {gate.gate} of {gate.slot} {outcome}: {checks}"


def _check(check: GateCheck) -> str:
    asked = "" if check.threshold is None else f" {check.relation or 'against'} {check.threshold:g}"
    return f"{check.name} {number(check.value, '{:g}')}{asked}{'' if check.passed else ' FAILED'}"


def _batches(trace: DenseTraceCaptured) -> Iterator[str]:
    raised = {alert.place for alert in trace.alerts}
    shown = table(None, ("",), ("epoch", "batch", "loss", "acc %", "host grad"), ("seeds",))
    for nth, batch in enumerate((*trace.batches_before, *trace.batches_after), start=1):
        shown.add([">" if nth in raised else "", *_batch(batch)])
    yield from text_lines(shown)


def _batch(batch: TracedBatch) -> list[str]:
    seeds = [f"{slot} {norm:.3g}" for slot, norm in batch.seed_grad_norms.items()]
    broken = [f"{slot} put out {count} not finite" for slot, count in batch.seed_non_finite.items() if count]
    leaks = (("leaked", batch.isolation_leakage), ("moved by", batch.isolation_forward_leakage))
    leaked = [f"{name} {value:.3g}" for name, value in leaks if value is not None]
    return [
        number(batch.epoch, "{}"),
        number(batch.batch, "{}"),
        number(batch.loss, "{:.4g}"),
        number(batch.accuracy, "{:.1f}"),
        number(batch.host_grad_norm, "{:.4g}"),
        "  ".join([*seeds, *broken, *leaked]),
    ]


def _ended(trace: DenseTraceCaptured) -> str:
    left = ", ".join(
        f"{count} {name.removesuffix('s') if count == 1 else name}"
        for name, count in trace.left_out.items()
        if name != "traces"
    )
    why = _CLOSED.get(trace.closed, trace.closed)
    lost = trace.left_out.get("traces", 0)
    return (
        f"It closed because {why}."
        + (f" There was no room for {left}." if left else "")
        + (f" Until then {lost} more alerts and marks elsewhere had no trace: too many were open." if lost else "")
    )


def _place(trace: DenseTraceCaptured) -> str:
    return place(trace.group, trace.env, trace.episode) or DASH


def _epochs(trace: DenseTraceCaptured) -> str:
    first, last = number(trace.first_epoch, "{}"), number(trace.last_epoch, "{}")
    return f"epoch {first}" if first == last else f"epochs {first}-{last}"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
