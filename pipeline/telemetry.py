"""What a trainer holds: one object that wires hub, operators and sinks, and ends cleanly however the run ends.

>>> from nissa.events.kinds import SeedGerminated
>>> with Telemetry("my-run") as telemetry:  # out="runs/my-run", metrics=9464
...     env = telemetry.scope(group="ppo", env=0)
...     env.move(episode=0, epoch=1)
...     env.emit(SeedGerminated(slot="early", seed="s1", blueprint="norm", params=16))
...     _ = telemetry.flush()
>>> telemetry.snapshot()["blueprints"][0]["germinated"]
1
"""

import time
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, get_args

from reactivex import Observable

from nissa.events.event import Event
from nissa.events.kinds import Payload, PipelineState, ProbesConfigured, RunStarted
from nissa.events.vocabulary import Fidelity
from nissa.pipeline import process_exit
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.ending import Ending
from nissa.pipeline.hub import FidelityFollower, Inlet
from nissa.pipeline.rank import Job, rank_here
from nissa.pipeline.run_context import completed, run_resumed
from nissa.sinks import Sink

if TYPE_CHECKING:
    from nissa.operators.fold import Operator
    from nissa.pipeline.config import TelemetryConfig

__all__ = ["CAPACITY", "LINGER", "Telemetry", "new_run_name"]

CAPACITY = 65_536
"""Events that may wait for the hub, and as many for each sink."""

LINGER = 20.0
"""Seconds that the end of a run waits at most for scrapes that are due: the usual interval of 15, and a bit."""


def new_run_name() -> str:
    """A name from the time of day (UTC), good for a directory and a label."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]


class _Decided:
    """How closely probes are to look, and in how many looks they take one, as operators decided."""

    fidelity: Fidelity = "normal"
    one_in = 1


class Telemetry:
    """The pipeline of one run. Several in one process share nothing.

    `out` is the run directory to write; with `resume`, a run in it goes on, as a preempted job does. `metrics` is
    where to serve /metrics: a port of this machine (0: any free one), "host:port" or (host, port). `web_config` is a
    file that says who may read it: a certificate, and hashes of passwords. `sinks` and `operators` are added to the
    built-in ones by name. `config` says what probes measure and which built-in sinks there are: the name of a profile,
    a configuration, or a mapping with its keys. No thread starts before the first event, which a resumed run and one
    with rules for scalars tell themselves, but that of the metrics server, and with a collector that of the terminal.
    `close` waits at most `linger` seconds for the scrapes that see the end. Give it a bit more than the longest
    interval at which the run is scraped. A run of which nobody holds the `Telemetry` or an emitter any more is closed
    as interrupted.

    Where stderr is a terminal, the run shows itself there: progress in the bottom row, and a line for each turn in a
    seed's life and each alert. With `console` False it is silent. With True it writes without a terminal too, and then
    a line for each epoch.

    With an `overhead`, such as 0.03, probes take fewer of the looks that are due while telemetry's CPU time is above
    that share of the training's, but for what was set by hand: `telemetry.fidelity`, and a cadence that is not the
    profile's. docs/costs.md has the rules.

    In a job of several processes, as `torchrun` starts them, `out` is the folder of the job: rank 2 writes `rank-2` in
    it, and its run is called `NAME-rank-2`. Rank 0 starts a process that compares the ranks on this machine, writes the
    run `job` in the folder, and serves the `metrics` of all of them. Without a log, rank 0 serves its own. A rank's
    first event is its start, which it tells itself; what the trainer tells of the run's start comes after it.

    With the `collector` "process", operators and built-in sinks run in a process of their own, over the log.

    Raises FileExistsError if `out` holds a run that is not to be resumed, OSError if a directory, port or process
    cannot be had, ValueError on a capacity below 1, an unknown profile or setting, an empty `out`, one that holds
    another run, metrics that are no address, a bad `web_config`, a console that is none, an overhead that is no share,
    a name used twice, or a collector beside sinks and operators or without a log, TypeError on a `run` that is no name,
    and on a `config` that is none of these, and ImportError where passwords are asked and bcrypt is not installed.
    """

    def __init__(
        self,
        run: str | None = None,
        *,
        out: Path | str | None = None,
        metrics: int | str | tuple[str, int] | None = None,
        web_config: Path | str | None = None,
        sinks: Mapping[str, Sink] | None = None,
        operators: "Mapping[str, Operator] | None" = None,
        capacity: int = CAPACITY,
        config: "TelemetryConfig | str | Mapping[str, Any]" = "standard",
        linger: float = LINGER,
        resume: bool = False,
        collector: Literal["process"] | None = None,
        console: bool | None = None,
        overhead: float | None = None,
    ) -> None:
        # Operators and sinks take longer to load than all the rest: they do when the first run begins.
        from nissa.pipeline.wiring import asked_for, in_one_process, in_two_processes, shared_out  # noqa: PLC0415

        if collector not in (None, "process"):
            raise ValueError(f'collector must be "process" or None, not {collector!r}')
        self.job, self.run, out = _placed(run, out, resume)
        """The job that this process is a rank of, if it is, and the name of its own run."""
        self._decided = _Decided()
        asked = asked_for(
            self.run,
            FidelityFollower(self._decided),
            out=out,
            metrics=metrics,
            web_config=web_config,
            sinks=sinks or {},
            operators=operators or {},
            capacity=capacity,
            config=config,
            linger=linger,
            resume=resume,
            console=console,
            overhead=overhead,
        )
        self.config = asked.config
        """What is measured, and where it goes."""
        with shared_out(asked, self.job) as (mine, compare):
            self._parts = (in_two_processes if collector else in_one_process)(mine, compare)
        self._comparing = self._parts.comparing
        self._hub, self._server, self._collector = self._parts.hub, self._parts.server, self._parts.collector
        resumed = self._parts.resumed
        if resumed:
            self._decided.fidelity, self._decided.one_in = resumed.fidelity, resumed.one_in
        self._by_hand = self.config.always_dense
        if self._by_hand:
            self._decided.fidelity = "dense"
        inlet = Inlet(self._hub)
        self._emitter = Emitter(inlet, asked.run)
        self.ending = Ending(
            asked.run,
            self._hub,
            linger,
            self._server,
            self._collector,
            terminal=self._parts.terminal,
            job=self._comparing,
        )
        """What ends the run; also where nobody holds this object, nor an emitter of it, any more."""
        process_exit.watch(self.ending)
        weakref.finalize(inlet, self.ending.close_dropped).atexit = False
        if self._server:
            self._server.start()
        if resumed:
            # A job may go on with more processes, or fewer.
            self.emit(run_resumed(resumed.next_seq, resumed.torn, self.job.world_size if self.job else None))
        elif self.job:
            # Whoever compares ranks must know whose run it is, also where the trainer tells no start.
            self.emit(RunStarted())
        if self.config.alerts.scalars:
            # Without a watch nobody else says it, and a replay must know by which rules the run went.
            self.emit(_configured(self.config))

    @property
    def fidelity(self) -> Fidelity:
        """How closely probes look: at "dense" they measure what the profile `research` does.

        It follows `fidelity_changed`, and may be set at any time; a collector does not change it any more then.
        Anything but "normal" and "dense" raises ValueError.
        """
        return self._collector.control.fidelity if self._collector and not self._by_hand else self._decided.fidelity

    @fidelity.setter
    def fidelity(self, level: Fidelity) -> None:
        if level not in get_args(Fidelity):
            raise ValueError(f"fidelity must be one of {', '.join(get_args(Fidelity))}, not {level!r}")
        self._decided.fidelity, self._by_hand = level, True

    @property
    def one_in(self) -> int:
        """Of so many looks that are due, probes take one: 1, unless an overhead was asked for, or with it too.

        It follows `overhead_governed`, until `fidelity` is set by hand.
        """
        if self._by_hand:
            return 1
        return self._collector.control.one_in if self._collector else self._decided.one_in

    @property
    def stream(self) -> Observable[Event[Any]]:
        """All events in the order of delivery, on the hub's thread. Subscribe before the first event.

        Raises RuntimeError where a collector has them, in another process.
        """
        if self._parts.stream is None:
            raise RuntimeError("a collector has the events, in its own process: subscribe without one, or read the log")
        return self._parts.stream

    @property
    def metrics_url(self) -> str | None:
        """Where /metrics is served, if it is."""
        where = self._comparing or self._collector or self._server
        return where.url if where else None

    def scope(self, **where: Any) -> Emitter:
        """An emitter for a part of the run: `group`, `env`, `episode`, `epoch`."""
        return self._emitter.bind(**where)

    def emit(self, payload: Payload) -> None:
        """Emit something that is true of the whole run. Never waits, never raises.

        Of `RunStarted`, what the process knows of itself is filled in where it is not told.
        """
        if type(payload) is RunStarted:
            told = self._emitter.attempt("run_started", completed, payload) or payload
            payload = self.job.placed(told) if self.job else told
        self._emitter.emit(payload)

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Emit numbers by name that are of the whole run, such as `{"lr": 3e-4}`. Never waits, never raises."""
        self._emitter.log(values, step)

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """The summary tables as plain data, by name. Raises TimeoutError where a collector has them and is silent."""
        return self._parts.snapshot()

    def state(self) -> PipelineState:
        """The pipeline's account of itself."""
        return self._parts.state()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until what was emitted so far has passed every sink; False if `timeout` seconds were too few.

        With a collector: until it is written, and the collector has worked it off.
        """
        deadline = time.monotonic() + timeout
        return self._hub.flush(timeout) and (self._collector is None or self._collector.flush(deadline))

    def close(self, outcome: str = "completed", error: str | None = None, timeout: float = 5.0) -> None:
        """End the run: a last heartbeat, `run_ended`, and everything written out within `timeout` seconds.

        A sink that hangs is left behind. Then it waits, `linger` seconds at most, for the next scrape of each scraper
        that is due: to Prometheus, a run whose end was not scraped died. Closing again does nothing.
        """
        self.ending.close(outcome, error, timeout)

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


def _placed(run: str | None, out: Path | str | None, resume: bool) -> tuple[Job | None, str, Path | str | None]:
    """The job that this process is a rank of, if it is; its own run's name, and directory."""
    from nissa.pipeline.resume import run_in  # noqa: PLC0415

    job = rank_here()
    folder = Path(out) if job and out else None
    if job and folder:
        out = job.directory(folder)
    name = run or (run_in(Path(out)) if resume and out else None)
    # Ranks that are given no name must come to the same one.
    name = name or (folder.resolve().name if folder else new_run_name())
    if job is None:
        return None, name, out
    job = job.called(name)
    return job, job.run, out


def _configured(config: "TelemetryConfig") -> ProbesConfigured:
    """The configuration of the whole run, without what only a network can say."""
    return ProbesConfigured(
        profile=config.profile_name,
        config=config.model_dump(mode="json"),
        history_length=config.history_length,
        vanishing_threshold=config.gradients.vanishing_threshold,
        exploding_threshold=config.gradients.exploding_threshold,
        layers=[],
        slots=[],
        classes=[],
        features={},
    )
