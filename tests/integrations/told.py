"""What a run directory tells, and the bits of a network: what integrations are judged by."""

from pathlib import Path
from typing import Any

from torch import nn

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised
from nissa.pipeline.sources import Reading, read_log
from nissa.sinks.prometheus.collector import PrometheusSink

__all__ = ["alerts", "bits", "events", "metrics", "payloads", "whole"]


def events(run: Path) -> list[Event[Any]]:
    return list(read_log(run, Reading()))


def payloads(run: Path, kind: type[Any]) -> list[Any]:
    return [event.payload for event in events(run) if isinstance(event.payload, kind)]


def alerts(run: Path) -> list[tuple[Any, ...]]:
    """What was raised, where, and by which value."""
    found = [event for event in events(run) if isinstance(event.payload, AlertRaised)]
    return [(e.payload.alert, e.payload.subject, e.scope.epoch, e.payload.update, repr(e.payload.value)) for e in found]


def metrics(run: Path) -> set[str]:
    """The metrics that have a sample, without those of the pipeline itself."""
    sink = PrometheusSink()
    for event in events(run):
        sink(event)
    return {family.name for family in sink.collect() if family.samples and "pipeline" not in family.name}


def bits(network: nn.Module) -> list[bytes]:
    """Weights and buffers."""
    return [tensor.numpy().tobytes() for tensor in network.state_dict().values()]


def whole(run: Path) -> dict[str, bytes]:
    """Each file of a run directory."""
    return {file.name: file.read_bytes() for file in run.iterdir()}
