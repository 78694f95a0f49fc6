"""What a user asks of a `Telemetry`, checked where it comes in."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nissa.events.event import Scope
from nissa.pipeline.config import TelemetryConfig, configuration
from nissa.pipeline.hub import FidelityFollower
from nissa.pipeline.web_config import guard_of
from nissa.pipeline.wiring.metrics_address import address
from nissa.pipeline.wiring.wiring import Asked
from nissa.sinks import Sink

if TYPE_CHECKING:
    from nissa.operators import Operator

__all__ = ["asked_for"]


def asked_for(
    run: str,
    trainer: FidelityFollower,
    *,
    out: Path | str | None,
    metrics: object,
    web_config: Path | str | None,
    sinks: Mapping[str, Sink],
    operators: "Mapping[str, Operator]",
    capacity: int,
    config: object,
    linger: float,
    resume: bool,
    console: object,
    overhead: object,
) -> Asked:
    """The same, checked. Raises ValueError or TypeError, as `Telemetry` says."""
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1 event, not {capacity}")
    if out == "":
        raise ValueError("out must be the path of a directory, and is empty")
    _callables("sinks", sinks, '{"mine": print}')
    _callables("operators", operators, '{"mine": my_operator}')
    if console is not None and not isinstance(console, bool):
        raise ValueError(f"console must be True, False, or None (on where stderr is a terminal), not {console!r}")
    settings, where = _within(overhead, configuration(config)), None if metrics is None else address(metrics)
    return Asked(
        run=Scope("").at(run=run),
        trainer=trainer,
        config=settings,
        directory=None if out is None else Path(out),
        address=where if settings.sinks.prometheus else None,
        sinks=sinks,
        operators=operators,
        capacity=capacity,
        resume=resume,
        linger=linger,
        console=console,
        guard=guard_of(settings.web_config if web_config is None else web_config),
    )


def _within(overhead: object, config: TelemetryConfig) -> TelemetryConfig:
    """The configuration, with an overhead that was asked for beside it."""
    if overhead is None:
        return config
    if isinstance(overhead, bool) or not isinstance(overhead, float | int) or not 0 < overhead <= 1:
        raise ValueError(f"overhead must be a share above 0 and at most 1, such as 0.03, not {overhead!r}")
    return config.model_copy(update={"overhead": float(overhead)})


def _callables(what: str, given: object, example: str) -> None:
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} must be a mapping by name, such as {example}, not {given!r}")
    for name, each in given.items():
        if not callable(each):
            raise TypeError(f"{what}: {name!r} must be callable, not {each!r}")
