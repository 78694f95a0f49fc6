"""What a run is made of: hub, operators, sinks, and the server of its metrics, put together and given back together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nissa.events.event import Scope
from nissa.events.kinds import PipelineState
from nissa.operators.defaults import default_operators
from nissa.operators.fold import Operator
from nissa.pipeline.config import TelemetryConfig
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.hub import FidelityFollower, Hub, SinkWorker
from nissa.sinks import Sink
from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.run_log import DEAD_LETTERS, RunLog
from nissa.sinks.tables import Tables

__all__ = ["Additions", "Wiring", "address", "wire"]

LOCAL = "127.0.0.1"
"""Where /metrics is served if only a port is given: nobody else sees it there."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What the trainer adds to the built-in parts, by name. Raises ValueError where a name is taken by one of those."""

    sinks: Mapping[str, Sink]
    operators: Mapping[str, Operator]


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts that a `Telemetry` speaks to."""

    hub: Hub
    dispatcher: Dispatcher
    tables: Tables
    server: MetricsServer | None


def wire(
    run: Scope,
    config: TelemetryConfig,
    trainer: FidelityFollower,
    *,
    out: Path | None,
    metrics: tuple[str, int] | None,
    added: Additions,
    capacity: int,
) -> Wiring:
    """Put the parts of a run together. No thread starts here.

    Raises OSError if the port or the directory cannot be had, and ValueError on a name that is taken.
    """

    def state() -> PipelineState:
        return hub.state()

    tables, prometheus = Tables(), PrometheusSink(state)
    # The port is taken first and given back on any failure, so that nothing half-done is left behind.
    server = MetricsServer(prometheus, *metrics) if metrics and config.sinks.prometheus else None
    try:
        faults = FaultLog(out / DEAD_LETTERS if out else None)
        # The trainer is told before anybody else.
        builtin: dict[str, Sink] = {"trainer": trainer, "tables": tables, "prometheus": prometheus}
        _refuse_taken(added, builtin)
        if out and config.sinks.log:
            builtin["log"] = RunLog(out)
        sinks = builtin | dict(added.sinks)
        workers = [SinkWorker(name, sink, faults, capacity) for name, sink in sinks.items() if not _is_inline(sink)]
        consumers: dict[str, Callable[..., Any]] = sinks | {worker.name: worker for worker in workers}
        dispatcher = Dispatcher(default_operators() | dict(added.operators), consumers, faults.report)
    except BaseException:
        if server:
            server.close()
        raise
    hub = Hub(run, dispatcher, workers, faults, capacity, fidelity=trainer)
    return Wiring(hub, dispatcher, tables, server)


def address(metrics: object) -> tuple[str, int]:
    """Where to serve /metrics: a port of this machine, "host:port", or (host, port). Port 0 is any free one.

    >>> address(9464), address("0.0.0.0:9464"), address("[::1]:0")
    (('127.0.0.1', 9464), ('0.0.0.0', 9464), ('::1', 0))

    Raises ValueError on anything else.
    """
    match metrics:
        case bool():
            pass
        case int(port) if 0 <= port <= 65535:
            return LOCAL, port
        case (str(host), int(port)) if 0 <= port <= 65535:
            return host, port
        case str():
            host, colon, number = metrics.rpartition(":")
            if colon and host and number.isascii() and number.isdecimal() and int(number) <= 65535:
                return host.removeprefix("[").removesuffix("]"), int(number)
    raise ValueError(f'metrics must be a port such as 9464, "host:port" or (host, port), not {metrics!r}')


def _refuse_taken(added: Additions, builtin: Mapping[str, Sink]) -> None:
    taken = (added.sinks.keys() & {*builtin, "log"}) | (added.operators.keys() & default_operators().keys())
    if taken:
        raise ValueError(f"taken by a built-in part: {', '.join(sorted(taken))}; choose another name")


def _is_inline(sink: Sink) -> bool:
    return bool(getattr(sink, "inline", False))
