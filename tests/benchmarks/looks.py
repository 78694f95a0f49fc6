"""What does one look at the gradients cost, in its place between backward pass and optimizer?

In a loop it is 2.5 to 4 times faster: there its objects and the machine's code are in the caches.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from nissa.pipeline.config import GradientConfig
from nissa.pipeline.config.profiles import load
from nissa.pipeline.probes.gradients import PendingGradients
from nissa.pipeline.probes.gradients.device_gradients import DeviceGradients
from nissa.pipeline.probes.gradients.grouped import Limits
from nissa.pipeline.probes.gradients.layer_gradients import layer_gradients
from nissa.pipeline.probes.gradients.step_gradients import Reduced
from nissa.pipeline.probes.model import layers_of, to_cpu
from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.networks import NETWORKS, Network
from tests.benchmarks.pairing import Training, spent

__all__ = ["looks"]

LAYERS = (20, 500, 6_000)
_PROFILES = ("standard", "diagnostic")


def looks() -> None:
    """By network, beside the way of other gradients, which are reduced one by one; and by the number of layers."""
    for network in NETWORKS:
        report(f"One look, in turn: {network.name}", [f for name in _PROFILES for f in _compared(network, name)])
    report(
        "One look at many layers, Linear(16, 16); the peak of memory is that of the first look",
        [figure for layers in LAYERS for name in _PROFILES for figure in _many(layers, name)],
    )


def _compared(network: Network, name: str) -> list[Figure]:
    training, config = Training(network), load(name).gradients
    kept = PendingGradients()
    with Telemetry("bench", config=load(name)) as telemetry:
        emitter, parts = telemetry.scope(), {"host": training.model}
        ways = {
            "by groups": lambda: kept.begin(emitter, lambda: parts, None, config, 1),
            "one by one": lambda: _one_by_one(training.model, config),
        }
        found = _in_place(training, ways, network.pairs)
    return [Figure(f"{name}, {way}", [n / 1e6 for n in took], "ms") for way, took in found.items()]


def _in_place(training: Training, ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[int]]:
    """Nanoseconds of each way, in turn."""
    took: dict[str, list[int]] = {way: [] for way in ways}
    for n in range(rounds + 3):
        for way, look in ways.items():
            took[way] += [0]
            training.look = lambda look=look, own=took[way]: own.__setitem__(-1, spent(look))  # type: ignore[misc]
            training.steps(1)
            if n < 3:
                took[way].clear()
    return took


def _one_by_one(model: nn.Module, config: GradientConfig) -> None:
    with torch.no_grad():
        layers = layers_of({"host": model})
        found = DeviceGradients(Reduced.of(layers), {*layers}, ["host"], Limits.of(config))
        totals, _ = found.read(to_cpu(found.figures))
        layer_gradients(dict(zip(found.layers, totals.by_layer(), strict=True)), config)


def _many(layers: int, name: str) -> list[Figure]:
    model = nn.ModuleList(nn.Linear(16, 16) for _ in range(layers))
    for p in model.parameters():
        p.grad = torch.randn_like(p)
    kept, config, others = PendingGradients(), load(name).gradients, torch.zeros(4_000_000)
    with Telemetry("bench", config=load(name)) as telemetry:
        emitter = telemetry.scope()
        _peak()
        before, took, peaks = _peak(), list[float](), list[float]()
        for _ in range(10):
            others.add_(1.0)  # what a training would do to the caches
            took.append(spent(lambda: kept.begin(emitter, lambda: {"host": model}, None, config, 1)) / layers / 1e3)
            peaks.append(_peak() - before)
            telemetry.flush()
    label = f"{name}, {layers:,} layers"
    return [Figure(label, took[1:], "us/layer"), Figure(f"{label}, memory", peaks[:1], "MiB")]


def _peak() -> float:
    """Of resident memory since this was last asked (Linux)."""
    (held,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    return int(held.split()[1]) / 1024
