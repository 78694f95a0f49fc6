"""What a trainer holds: one object that wires hub, operators and sinks, and ends cleanly however the run ends.

>>> from nissa.events.kinds import SeedGerminated
>>> with Telemetry("my-run") as telemetry:  # out=Path("runs/my-run"), metrics=("127.0.0.1", 9464)
...     env = telemetry.scope(group="ppo", env=0)
...     env.move(episode=0, epoch=1)
...     env.emit(SeedGerminated(slot="early", seed="s1", blueprint="norm", params=16))
...     _ = telemetry.flush()
>>> telemetry.snapshot()["blueprints"][0]["germinated"]
1
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, get_args

from reactivex import Observable

from nissa.events.event import Event, Scope
from nissa.events.kinds import Payload, PipelineState, RunEnded
from nissa.operators.anomalies.training_anomalies import anomalies
from nissa.operators.assessment.accuracy_trend import trends
from nissa.operators.assessment.epoch_assessment import narrative
from nissa.operators.features.feature_vector import features
from nissa.operators.fidelity.escalation import escalate
from nissa.operators.fold import Fold, Operator
from nissa.operators.growth.best_runs import best_runs
from nissa.operators.growth.blueprints import blueprint_stats
from nissa.operators.growth.scoreboard import seed_scoreboard
from nissa.operators.policy.collapse import policy_collapse
from nissa.operators.policy.update_spikes import policy_spikes
from nissa.operators.traces.recorder import flight_recorder
from nissa.pipeline import process_exit as exits
from nissa.pipeline.config.profiles import load
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.pipeline.dispatch.fault_log import Faults
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.hub.fidelity_feedback import Fidelity, FidelityFollower
from nissa.pipeline.hub.hub import Hub
from nissa.pipeline.hub.sink_worker import Outlet
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.server import MetricsServer
from nissa.sinks.run_log import DEAD_LETTERS, RunLog
from nissa.sinks.tables.summary_rows import Tables

__all__ = ["CAPACITY", "LINGER", "Sink", "Telemetry", "default_operators", "new_run_name"]

Sink = Callable[[Event[Any]], Any]
"""Takes events. It may have `flush()` and `close()`, `kinds` (a tuple) if it does not want all, and `inline = True`
if it only updates memory; the hub's own thread calls it then, and neither flushes nor closes it."""

CAPACITY = 65_536
"""Events that may wait for the hub, and as many for each sink."""

LINGER = 20.0
"""Seconds that the end of a run waits at most for scrapes that are due: the usual interval of 15, and a bit."""


def default_operators() -> dict[str, Operator]:
    """Fresh operators by name, in the order in which they see an event."""
    summaries: list[Fold[Any]] = [blueprint_stats(), seed_scoreboard(), best_runs(), narrative(), features()]
    noticing: list[Fold[Any]] = [anomalies(), trends(), policy_collapse(), policy_spikes()]
    following: list[Fold[Any]] = [escalate(), flight_recorder()]
    return {fold.name: fold for fold in (*summaries, *noticing, *following)}


def new_run_name() -> str:
    """A name from the time of day (UTC), good for a directory and a label."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]


class Telemetry:
    """The pipeline of one run. Several in one process share nothing.

    `out` is the run directory to write, `metrics` an (address, port) to serve /metrics on (port 0: any free one),
    `sinks` and `operators` are added to the built-in ones by name. A sink gets a thread and a queue of its own unless
    it has `inline = True`. No thread starts before the first event, but that of the metrics server. `config` says what
    probes measure and which built-in sinks there are: a configuration, or the name of a profile. `linger` is for how
    many seconds `close` may wait for the scrapes that see the end: for the next one of each Prometheus that scraped
    before, if it is due by then. Give it a bit more than the longest interval at which the run is scraped.

    Raises FileExistsError if `out` holds a run, OSError if a directory or port cannot be had, ValueError on a
    capacity below 1, an unknown profile or a name used twice, TypeError on a `config` that is neither.
    """

    def __init__(
        self,
        run: str | None = None,
        *,
        out: Path | None = None,
        metrics: tuple[str, int] | None = None,
        sinks: Mapping[str, Sink] | None = None,
        operators: Mapping[str, Operator] | None = None,
        capacity: int = CAPACITY,
        config: TelemetryConfig | str = "standard",
        linger: float = LINGER,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1 event, not {capacity}")
        self.config = _configuration(config)
        """What is measured, and where it goes."""
        self.fidelity: Fidelity = "dense" if self.config.mode == "research" else "normal"
        """How closely probes look: at "dense" they measure what the profile `research` does. It follows
        `fidelity_changed`, and may be set at any time; anything but "normal" and "dense" raises ValueError."""
        self._follower = FidelityFollower(self)
        self.run = run or new_run_name()
        self._scope = Scope(self.run)
        self._tables = Tables()
        self._prometheus = PrometheusSink(self.state)
        # The port is taken first and given back on any failure, so that nothing half-done is left behind.
        self._server = MetricsServer(self._prometheus, *metrics) if metrics and self.config.sinks.prometheus else None
        try:
            self._faults = Faults(out / DEAD_LETTERS if out else None)
            self._dispatcher, outlets = self._wire(dict(sinks or {}), dict(operators or {}), out, capacity)
        except BaseException:
            self._stop_serving()
            raise
        self._hub = Hub(self._scope, self._dispatcher, outlets, self._faults, capacity, fidelity=self._follower)
        self._closing = threading.Lock()
        self._closed = self._ended = False
        self._linger = linger
        exits.watch(self)
        if self._server:
            self._server.start()

    if not TYPE_CHECKING:
        # Probes read a plain attribute at every step, so it is checked when it is set. mypy would allow any name.
        def __setattr__(self, name: str, value: Any) -> None:
            if name == "fidelity" and value not in get_args(Fidelity):
                raise ValueError(f"fidelity must be one of {', '.join(get_args(Fidelity))}, not {value!r}")
            super().__setattr__(name, value)

    @property
    def stream(self) -> Observable[Event[Any]]:
        """All events in the order of delivery, on the hub's thread. Subscribe before the first event."""
        return self._dispatcher.stream

    @property
    def metrics_url(self) -> str | None:
        """Where /metrics is served, if it is."""
        return self._server.url if self._server else None

    def scope(self, **where: Any) -> Emitter:
        """An emitter for a part of the run: `group`, `env`, `episode`, `epoch`."""
        return Emitter(self._hub, self._scope._replace(**where))

    def emit(self, payload: Payload) -> None:
        """Emit something that is true of the whole run. Never waits, never raises."""
        self._hub.emit(payload, self._scope)

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """The summary tables as plain data, by name."""
        return self._tables.snapshot()

    def state(self) -> PipelineState:
        """The pipeline's account of itself."""
        return self._hub.state()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until what was emitted so far has passed every sink; False if `timeout` seconds were too few."""
        return self._hub.flush(timeout)

    def close(self, outcome: str = "completed", error: str | None = None, timeout: float = 5.0) -> None:
        """End the run: a last heartbeat, `run_ended`, and everything written out within `timeout` seconds.

        A sink that hangs is left behind. Then it waits for the scrapes that tell each Prometheus of the end, if due
        within `linger` seconds; to Prometheus, a run whose end was not scraped died. Closing again does nothing.
        """
        if self._hub.is_calling():
            # The hub's thread cannot wait for itself.
            threading.Thread(target=self.close, args=(outcome, error, timeout), name="nissa-close").start()
            return
        # Not waited for: a signal may call this in the middle of itself.
        if self._closed or not self._closing.acquire(blocking=False):
            return
        try:
            self._end(outcome, error, timeout)
            self._closed = True
            exits.unwatch(self)
        finally:
            self._closing.release()

    def after_fork(self) -> None:
        """In a forked child: emit nothing, wait for nothing, serve nothing."""
        self._closed = True
        self._hub.after_fork()
        if self._server:
            self._server.after_fork()

    def __enter__(self) -> "Telemetry":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif isinstance(error, Exception):
            self.close("failed", repr(error))
        else:
            self.close("interrupted", repr(error))

    def _end(self, outcome: str, error: str | None, timeout: float) -> None:
        """A Ctrl-C in here leaves the rest to the next call."""
        # Only when all has passed the sinks is it known what they dropped.
        self._hub.flush(timeout / 2)
        if not self._ended:
            self._ended = True
            self._hub.account()
            self.emit(RunEnded(outcome=outcome, error=error, duration=self._hub.uptime()))
        self._hub.close(timeout / 2)
        self._tell_last_scrape()
        self._stop_serving()

    def _wire(
        self, sinks: dict[str, Sink], operators: dict[str, Operator], out: Path | None, capacity: int
    ) -> tuple[Dispatcher, list[Outlet]]:
        """Operators and sinks by name; sinks that may block get a thread."""
        # The trainer is told before anybody else.
        builtin: dict[str, Sink] = {"trainer": self._follower, "tables": self._tables, "prometheus": self._prometheus}
        if twice := (sinks.keys() & {*builtin, "log"}) | (operators.keys() & default_operators().keys()):
            raise ValueError(f"taken by a built-in part: {', '.join(sorted(twice))}; choose another name")
        if out and self.config.sinks.log:
            builtin["log"] = RunLog(out)
        consumers = builtin | sinks
        outlets = [
            Outlet(name, sink, self._faults, capacity)
            for name, sink in consumers.items()
            if not getattr(sink, "inline", False)
        ]
        consumers |= {outlet.name: outlet for outlet in outlets}
        return Dispatcher(default_operators() | operators, consumers, self._faults.report), outlets

    def _tell_last_scrape(self) -> None:
        """Once: whoever interrupts this does not want to wait again."""
        linger, self._linger = self._linger, 0.0
        if self._server and linger > 0:
            self._server.wait_for_scrape(linger)

    def _stop_serving(self) -> None:
        if self._server:
            self._server.close()


def _configuration(config: object) -> TelemetryConfig:
    if isinstance(config, TelemetryConfig | str):
        return load(config) if isinstance(config, str) else config
    raise TypeError(
        "config must be a TelemetryConfig, such as TelemetryConfig(**settings) or load(file=path), "
        f"or the name of a profile, not {type(config).__name__}"
    )
