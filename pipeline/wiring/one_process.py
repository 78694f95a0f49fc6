"""All of a run in the trainer's process: hub, operators, sinks, and the server of its metrics."""

from collections.abc import Iterable
from contextlib import ExitStack

from nissa.events.kinds import AlertRaised
from nissa.operators import default_operators
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.doubt_log import log_doubt
from nissa.pipeline.hub import Hub, SinkWorker
from nissa.pipeline.resume import catch_up
from nissa.pipeline.wiring.terminal import live_lines, news_of
from nissa.pipeline.wiring.wiring import Asked, Compare, Wiring, run_log
from nissa.sinks import Sink
from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.run_log import DEAD_LETTERS, RunLog
from nissa.sinks.serving import listening
from nissa.sinks.tables import Tables

__all__ = ["in_one_process"]


def in_one_process(asked: Asked, compare: Compare) -> Wiring:
    """Put the parts of a run together.

    No thread starts here but that of a log that is owed something, and, in a job, the one that watches its process.
    """
    tables, prometheus = Tables(), PrometheusSink(lambda: hub.state())  # noqa: PLW0108  # the hub is made last
    # The port is taken first and given back on any failure, so that nothing half-done is left behind.
    server = _server(asked, prometheus)
    with ExitStack() as undo:
        if server:
            undo.callback(server.close)
        log: RunLog | None = None
        faults = FaultLog(asked.directory / DEAD_LETTERS if asked.directory else None)
        # The trainer is told before anybody else.
        builtin: dict[str, Sink] = {"trainer": asked.trainer, "tables": tables, "prometheus": prometheus}
        _refuse_taken((asked.sinks.keys() & {*builtin, "log"}) | (asked.operators.keys() & default_operators().keys()))
        if asked.directory and asked.config.sinks.log:
            builtin["log"] = log = run_log(asked.directory, asked.run.run, asked.resume)
            undo.callback(log.close)
        consumers = builtin | dict(asked.sinks)
        inline = {name for name, sink in consumers.items() if getattr(sink, "inline", False)}
        workers = [SinkWorker(n, sink, faults, asked.capacity) for n, sink in consumers.items() if n not in inline]
        consumers |= {worker.name: worker for worker in workers}
        dispatcher = Dispatcher(default_operators() | dict(asked.operators), {}, faults.report)
        news = news_of(asked)
        known: dict[str, Sink] = {"tables": tables, "prometheus": prometheus}
        if news:
            known["terminal"] = news
        resumed = catch_up(log, asked.run.run, dispatcher, known) if log else None
        dispatcher.add(consumers)
        dispatcher.stream.of(AlertRaised).subscribe(log_doubt)
        first = resumed.next_seq if resumed else 0
        terminal = live_lines(asked, news.news, faults.report, first) if news else None
        if news and terminal:
            # It begins with the first event that is news, and not with those that a resumed run has taken in.
            news.begin_with(terminal.start)
            dispatcher.add({"terminal": news})
        comparing = compare(faults)
        undo.pop_all()
    for event in resumed.unwritten if resumed else ():
        # Ahead of all that is to come, and as any other: what cannot be written is buried.
        consumers["log"](event)
    hub = Hub(
        asked.run,
        dispatcher,
        workers,
        faults,
        asked.capacity,
        fidelity=asked.trainer,
        first=first,
        clocks=[part.cpu for part in (server, terminal) if part],
        profile=asked.profile,
        size=(lambda: log.size) if log else None,
    )
    stream = dispatcher.stream
    return Wiring(hub, tables.snapshot, hub.state, resumed, stream, server, terminal=terminal, comparing=comparing)


def _server(asked: Asked, prometheus: PrometheusSink) -> MetricsServer | None:
    if asked.address is None:
        return None
    return MetricsServer(prometheus, listening(*asked.address, asked.guard), asked.guard)


def _refuse_taken(names: Iterable[str]) -> None:
    if taken := sorted(names):
        raise ValueError(f"taken by a built-in part: {', '.join(taken)}; choose another name")
