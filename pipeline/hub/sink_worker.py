"""A sink behind a queue and a thread of its own: what it does slowly hurts only itself."""

from collections.abc import Callable, Sequence
from typing import Any

from nissa.events.event import Event
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.hub.guarded_sink import GuardedSink
from nissa.pipeline.hub.priority_buffer import Entry
from nissa.pipeline.hub.worker import Worker

__all__ = ["SinkWorker"]

_POLL = 0.05
_FLUSH_EVERY = 1.0


class SinkWorker:
    """Feeds a sink on its own thread: see `GuardedSink`. It is flushed when its queue runs empty, and once a second."""

    def __init__(self, name: str, sink: Callable[[Event[Any]], Any], faults: FaultLog, capacity: int) -> None:
        self.name, self.kinds = name, getattr(sink, "kinds", None)
        self._worker = Worker(
            name,
            faults,
            capacity=capacity,
            poll=_POLL,
            handle=lambda entry: self.guarded.write(entry[3]),
            handle_run=self._write_run if hasattr(sink, "take_all") else None,
            settle=lambda idle: self.guarded.settle(idle),  # noqa: PLW0108  # it is made next
            end=lambda: self.guarded.end(),  # noqa: PLW0108
        )
        self.guarded = GuardedSink(name, sink, faults, self._worker, flush_every=_FLUSH_EVERY)
        self.flush, self.stop = self._worker.flush, self._worker.stop
        self.books, self.state = self._worker.buffer.books, self.guarded.state

    def __call__(self, event: Event[Any]) -> None:
        self._worker.buffer.put(event.payload, event)

    def cpu(self) -> float:
        """Seconds that its thread has computed."""
        return self._worker.cpu

    def _write_run(self, entries: Sequence[Entry]) -> list[str]:
        return self.guarded.write_run([entry[3] for entry in entries])

    def join(self, deadline: float) -> None:
        """Wait for the end. What a sink that is left behind holds, nobody will see written."""
        self._worker.join(deadline)
        self.guarded.give_up()

    def after_fork(self) -> None:
        """In a forked child: hold nothing."""
        self._worker.after_fork()
        self.guarded.after_fork()
