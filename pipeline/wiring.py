"""What a run is made of: hub, operators, sinks, and the server of its metrics, put together and given back together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nissa.events.event import Scope
from nissa.events.kinds import AlertRaised
from nissa.operators import Operator, default_operators
from nissa.pipeline.config import TelemetryConfig, configuration
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.doubt_log import log_doubt
from nissa.pipeline.hub import FidelityFollower, Hub, SinkWorker
from nissa.pipeline.resume import Resumed, catch_up, run_in
from nissa.sinks import Sink
from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.run_log import DEAD_LETTERS, RunLog
from nissa.sinks.tables import Tables

__all__ = ["Wiring", "address", "wire"]

_LOCAL = "127.0.0.1"
"""Where /metrics is served if only a port is given: nobody else sees it there."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts that a `Telemetry` speaks to."""

    config: TelemetryConfig
    hub: Hub
    dispatcher: Dispatcher
    tables: Tables
    server: MetricsServer | None
    resumed: Resumed | None
    """Where the run stood before, if it goes on."""


def wire(
    run: Scope,
    trainer: FidelityFollower,
    *,
    config: object,
    out: Path | str | None,
    metrics: object,
    sinks: Mapping[str, Sink],
    operators: Mapping[str, Operator],
    capacity: int,
    resume: bool,
) -> Wiring:
    """Put the parts of a run together, from what a user handed to `Telemetry`. No thread starts here."""
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1 event, not {capacity}")
    if out == "":
        raise ValueError("out must be the path of a directory, and is empty")
    settings, directory = configuration(config), None if out is None else Path(out)
    where = None if metrics is None else address(metrics)
    tables, prometheus = Tables(), PrometheusSink(lambda: hub.state())  # noqa: PLW0108  # the hub is made last
    # The port is taken first and given back on any failure, so that nothing half-done is left behind.
    server = MetricsServer(prometheus, *where) if where and settings.sinks.prometheus else None
    try:
        log: RunLog | None = None
        faults = FaultLog(directory / DEAD_LETTERS if directory else None)
        # The trainer is told before anybody else.
        builtin: dict[str, Sink] = {"trainer": trainer, "tables": tables, "prometheus": prometheus}
        _refuse_taken((sinks.keys() & {*builtin, "log"}) | (operators.keys() & default_operators().keys()))
        if directory and settings.sinks.log:
            builtin["log"] = log = _log(directory, run.run, resume)
        consumers = builtin | dict(sinks)
        workers = [SinkWorker(name, sink, faults, capacity) for name, sink in consumers.items() if not _inline(sink)]
        consumers |= {worker.name: worker for worker in workers}
        dispatcher = Dispatcher(default_operators() | dict(operators), {}, faults.report)
        resumed = None
        if log and log.torn is not None:
            resumed = catch_up(log.directory, run.run, dispatcher, {"tables": tables, "prometheus": prometheus})
            resumed.torn = log.torn
            log.go_on(resumed.next_seq, resumed.lost)
        dispatcher.add(consumers)
        dispatcher.stream.of(AlertRaised).subscribe(log_doubt)
    except BaseException:
        if server:
            server.close()
        raise
    first = resumed.next_seq if resumed else 0
    hub = Hub(run, dispatcher, workers, faults, capacity, fidelity=trainer, first=first)
    return Wiring(settings, hub, dispatcher, tables, server, resumed)


def address(metrics: object) -> tuple[str, int]:
    """Where to serve /metrics: a port of this machine, "host:port", or (host, port). Port 0 is any free one.

    >>> address(9464), address("0.0.0.0:9464"), address("[::1]:0")
    (('127.0.0.1', 9464), ('0.0.0.0', 9464), ('::1', 0))

    Raises ValueError on anything else.
    """
    match metrics:
        case bool() | (_, bool()):
            pass
        case int(port) if 0 <= port <= 65535:
            return _LOCAL, port
        case (str(host), int(port)) if 0 <= port <= 65535:
            return host, port
        case str():
            host, colon, number = metrics.rpartition(":")
            if colon and host and number.isascii() and number.isdecimal() and int(number) <= 65535:
                return host.removeprefix("[").removesuffix("]"), int(number)
    raise ValueError(f'metrics must be a port such as 9464, "host:port" or (host, port), not {metrics!r}')


def _log(directory: Path, run: str, resume: bool) -> RunLog:
    if resume and (there := run_in(directory)) not in (None, run):
        raise ValueError(f"{directory} holds the run {there!r}, which cannot go on as {run!r}")
    return RunLog(directory, resume=resume)


def _refuse_taken(names: Iterable[str]) -> None:
    if taken := sorted(names):
        raise ValueError(f"taken by a built-in part: {', '.join(taken)}; choose another name")


def _inline(sink: Sink) -> bool:
    return bool(getattr(sink, "inline", False))
