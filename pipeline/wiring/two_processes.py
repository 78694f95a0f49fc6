"""Take, write, and read one byte in the trainer's process; everything else in a collector's."""

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from nissa.events.kinds import PipelineState
from nissa.pipeline.collector import CollectorProcess
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.hub import Hub
from nissa.pipeline.resume import catch_up
from nissa.pipeline.wiring.terminal import live_lines
from nissa.pipeline.wiring.wiring import Asked, Compare, Wiring, run_log
from nissa.sinks.run_log import DEAD_LETTERS
from nissa.sinks.serving import listening

__all__ = ["in_two_processes"]

_PATIENCE = 2.0
"""Seconds for an answer of the collector's."""
_SHORT = 0.5
"""The same for what is asked for again in a moment."""


def in_two_processes(asked: Asked, compare: Compare) -> Wiring:
    """Put the parts of a run together, and start its collector.

    Raises ValueError where there is no log that it could read, or something was given that cannot cross.
    """
    directory = _readable(asked)
    faults = FaultLog(directory / DEAD_LETTERS)
    with ExitStack() as undo:
        listens = undo.enter_context(listening(*asked.address, asked.guard)) if asked.address else None
        log = run_log(directory, asked.run.run, asked.resume)
        undo.callback(log.close)
        dispatcher = Dispatcher({}, {}, faults.report)
        resumed = catch_up(log, asked.run.run, dispatcher, {})
        collector = CollectorProcess(directory, listens, asked.linger, faults, lambda: log.following, guard=asked.guard)
        undo.callback(lambda: collector.close(time.monotonic()))
        first = resumed.next_seq if resumed else 0
        terminal = live_lines(asked, lambda: dict(collector.ask("news", _SHORT)), faults.report, first)
        if terminal:
            undo.callback(terminal.close)
            terminal.start()
        comparing = compare(faults)
        undo.pop_all()
    hub = Hub(
        asked.run,
        dispatcher,
        [],
        faults,
        asked.capacity,
        fidelity=asked.trainer,
        first=first,
        log=log,
        clocks=[terminal.cpu] if terminal else [],
        collecting=lambda: collector.control.cpu,
        profile=asked.profile,
        size=lambda: log.size,
    )

    def state() -> PipelineState:
        mine = hub.state()
        try:
            its = collector.state(_PATIENCE)
        except TimeoutError:
            return mine
        return replace(
            its,
            **{name: getattr(mine, name) for name in _OURS},
            faults=its.faults | mine.faults,
            sinks=[*mine.sinks, its.sinks[-1]],
        )

    snapshot = partial(collector.ask, "snapshot", _PATIENCE)
    return Wiring(hub, snapshot, state, resumed, collector=collector, terminal=terminal, comparing=comparing)


_OURS = ("accepted", "delivered", "queued", "dropped", "reasons", "refused", "restarts")
"""What the trainer's process knows best of the account."""


def _readable(asked: Asked) -> Path:
    if asked.sinks or asked.operators:
        raise ValueError(
            "sinks and operators of your own cannot cross into a collector: leave them or the collector out"
        )
    if asked.directory is None or not asked.config.sinks.log:
        raise ValueError("a collector reads the log: give `out`, and do not switch the log off")
    return asked.directory
