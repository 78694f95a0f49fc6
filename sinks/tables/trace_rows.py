"""Which dense traces were there? One small row each: what `nissa replay --json` shows of them."""

from collections import deque
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import DenseTraceCaptured

__all__ = ["TraceRows"]


class TraceRows:
    """The last rows in the order in which the traces closed; they hold the numbers of batches, not the batches."""

    def __init__(self, limit: int) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=limit)

    def add(self, event: Event[DenseTraceCaptured]) -> None:
        """Take a trace in."""
        trace = event.payload
        names = ("group", "env", "episode", "reasons", "first_epoch", "last_epoch")
        row = {name: getattr(trace, name) for name in names}
        sizes = {"batches_before": len(trace.batches_before), "batches_after": len(trace.batches_after)}
        self._rows.append({"run": event.scope.run} | row | sizes | {"closed": trace.closed})

    def rows(self) -> list[dict[str, Any]]:
        """The rows as plain data."""
        return list(self._rows)
