"""How do a change of fidelity and a captured trace read on a terminal? One line each."""

from collections.abc import Callable, Mapping
from typing import Any

from nissa.events.kinds import DenseTraceCaptured, FidelityChanged

__all__ = ["WRITERS", "where"]

_WHY = {
    "alert": "for {reasons}",
    "resolved": "all is well again",
    "timeout": "nothing more was heard of it",
    "budget": "{reasons} would have it dense, but the budget is spent",
    "resumed": "the budget has room again for {reasons}",
    "research": "in the mode research",
    "configured": "as configured",
    "run_ended": "with the end of the run",
}


def where(trace: DenseTraceCaptured) -> str:
    """The place of a trace: it is told when it closes, which may be elsewhere."""
    parts = {"env": trace.env, "ep": trace.episode}
    placed = [f"{name}{value}" for name, value in parts.items() if value is not None]
    return " ".join([*([trace.group] if trace.group else []), *placed])


def _fidelity(change: FidelityChanged) -> tuple[str, str, str]:
    style = "bold yellow" if change.level == "dense" else "yellow"
    why = _WHY[change.clause].format(reasons=", ".join(change.reasons)) if change.clause in _WHY else change.clause
    share = f"{change.dense_epochs} of {change.epochs} epochs dense so far"
    return "fidelity", style, f"{change.level}: {why}; {share}"


def _trace(trace: DenseTraceCaptured) -> tuple[str, str, str] | None:
    """Nothing where no more than a seed's life is in it: those are many, and `nissa traces` lists them."""
    if all(alert.severity == "info" for alert in trace.alerts):
        return None
    batches = f"{len(trace.batches_before)} batches before and {len(trace.batches_after)} after"
    return "trace", "magenta", f"{where(trace)}: {', '.join(trace.reasons)}; {batches}"


WRITERS: Mapping[type, Callable[[Any], tuple[str, str, str] | None]] = {
    FidelityChanged: _fidelity,
    DenseTraceCaptured: _trace,
}
"""Word, style and text by kind; None where there is nothing to say."""
