"""What would a run of 80 billion parameters on 512 ranks tell, and what would that cost? Measured small, and scaled up.

Counted on the meta device: layers, parameters and their shapes. Measured: the events of a network with the same layers,
but narrow, that trains as a rank of a job; their bytes, raw and as zstd; series; CPU of a look by its elements.
Scaled up by the counts: all else. What a step takes, and that each rank holds 1 in 512 of all, is supposed.
"""

import os
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path
from statistics import median
from typing import NamedTuple
from unittest.mock import patch

import orjson
import torch
import zstandard
from torch import nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.config import load
from nissa.pipeline.probes import Watch
from nissa.pipeline.probes.gradients import gradients_measured
from nissa.pipeline.probes.model import Draw, layers_of, together
from nissa.pipeline.probes.weights import copied, weights_measured
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.run_log import segments
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.pairing import spent
from tests.benchmarks.stacked import WIDE, Shape, stacked

__all__ = ["run"]

RANKS, STEP = 512, 10.0
"""Processes, and seconds of a step."""
STEPS = 20
"""Steps of the narrow network: two looks of the profiles that take one in ten."""
NARROW = Shape(blocks=WIDE.blocks, width=16, hidden=32, shared=2, words=64)
DAY, DRAWN, PIECE = 86_400, 16_384, 1 << 24
_STEPPED = ("batch_completed", "step_timed", "gradients_measured")
_CLOCK = {"heartbeat": 5.0, "throughput_measured": 10.0}
"""Kinds that come with the steps; and by the clock, in seconds."""


class Told(NamedTuple):
    """What one rank told, by kind."""

    events: Counter[str]
    bytes: Counter[str]
    zstd: float
    """Bytes as zstd by bytes, of what comes again and again."""
    series: int
    """Of `/metrics` that bear its name."""

    def a_second(self, of: Counter[str]) -> float:
        """Of what comes with each step, and with the clock, as often as it does."""
        stepped = sum(of[kind] for kind in _STEPPED) / STEPS / STEP
        return stepped + sum(
            of[kind] / self.events[kind] / every for kind, every in _CLOCK.items() if self.events[kind]
        )


def run() -> None:
    """Counts, then what is told by profile, then CPU."""
    with torch.device("meta"):
        layers = layers_of({"host": stacked(WIDE)})
    sizes = [p.numel() for own in layers.values() for p in own]
    counts = {
        "parameters, billion": sum(sizes) / 1e9,
        "layers": len(layers),
        "groups by depth": len(together(layers, "depth")),
        "largest tensor, million": max(sizes) / 1e6,
        "parameters of a rank, million": sum(sizes) / RANKS / 1e6,
    }
    report("The network, counted on the meta device", [Figure(name, [n], "") for name, n in counts.items()])
    for profile, groups in (("minimal", "[]"), *product(("standard", "diagnostic", "research"), ("[]", "depth"))):
        _scaled(f"{profile}, {'by layer' if groups == '[]' else 'in groups'}", _trained(profile, groups))
    _looks(sum(sizes) / RANKS, len(sizes))


def _scaled(name: str, told: Told) -> None:
    rate, bulk = told.a_second(told.events), told.a_second(told.bytes)
    look = told.bytes["gradients_measured"] / max(1, told.events["gradients_measured"])
    figures = {
        "bytes of a look at the gradients": (look, "B"),
        "events of a rank": (rate, "/s"),
        "events of all ranks": (rate * RANKS, "/s"),
        "log of a rank": (bulk / 1e3, "kB/s"),
        "log of all ranks": (bulk * RANKS / 1e6, "MB/s"),
        "a day of all ranks": (bulk * RANKS * DAY / 1e9, "GB"),
        "a day of all ranks, as zstd": (bulk * RANKS * DAY / 1e9 * told.zstd, "GB"),
        "series of a rank": (told.series, ""),
        "series of all ranks": (told.series * RANKS, ""),
    }
    report(name, [Figure(label, [float(n)], unit) for label, (n, unit) in figures.items()])


def _trained(profile: str, groups: str) -> Told:
    """The narrow network, as the second rank of a job."""
    config = load(profile, overrides=[f"gradients.groups={groups}"])
    job = {"RANK": "1", "WORLD_SIZE": str(RANKS), "LOCAL_RANK": "1"}
    with tempfile.TemporaryDirectory() as directory, patch.dict(os.environ, job):
        with Telemetry("job", out=Path(directory), config=config) as telemetry:
            _train(telemetry, stacked(NARROW))
        (log,) = Path(directory).glob("rank-*")
        text = b"".join(segment.read_bytes() for segment in segments(log))
        sink = PrometheusSink()
        replay(log, [sink])
    events, size = Counter[str](), Counter[str]()
    lines = [(orjson.loads(line)["kind"], line) for line in text.splitlines(keepends=True)]
    for kind, line in lines:
        events[kind] += 1
        size[kind] += len(line)
    steady = b"".join(line for kind, line in lines if kind in _STEPPED or kind in _CLOCK)
    series = sum("run" in sample.labels for family in sink.collect() for sample in family.samples)
    return Told(events, size, len(zstandard.compress(steady)) / len(steady), series)


def _train(telemetry: Telemetry, model: nn.Module) -> None:
    watch, optimizer = Watch(telemetry, model), torch.optim.SGD(model.parameters(), lr=1e-3)
    watch.emitter.move(episode=0, epoch=1)
    for batch in range(STEPS):
        words = torch.randint(NARROW.words, (2, 9))
        optimizer.zero_grad()
        loss = cross_entropy(model(words[:, :-1]), words[:, 1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        watch.step()
        optimizer.step()
        watch.emitter.emit(BatchCompleted(batch=batch, loss=loss.item()))
    watch.epoch()
    assert telemetry.flush(60)


def _looks(elements: float, tensors: int) -> None:
    """CPU of one thread; a line through the cost of few and of many elements is drawn on to those of a rank."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        figures = []
        for name, drawn in product(("standard", "diagnostic", "weights"), (None, DRAWN)):
            few, many = (_cost(name, drawn, n) for n in (1, 4))
            a_million = (many - few) / (3 * PIECE / 1e6)
            label = f"{name}, {'all' if drawn is None else f'{drawn:,} of each tensor'}"
            whole = f"a rank of {elements / 1e6:,.0f} M: {a_million * elements / 1e6:,.0f} ms"
            figures.append(Figure(label, [a_million], "ms/M", whole))
    finally:
        torch.set_num_threads(threads)
    report(f"A look, beyond the first {PIECE / 1e6:,.0f} M elements, by tensors of as many", figures)
    held = {"all": elements * 4, "a sample of whole tensors": tensors * DRAWN * 12.0}
    report("Held for the update ratio", [Figure(name, [n / 1e6], "MB") for name, n in held.items()])


def _cost(name: str, drawn: int | None, pieces: int) -> float:
    """Milliseconds, the median of five."""
    model = nn.ModuleList(nn.Linear(4096, PIECE // 4096, bias=False) for _ in range(pieces))
    for p in model.parameters():
        p.grad = torch.randn_like(p)
    parts, groups = {"host": model}, load("diagnostic").gradients
    asked = groups if name == "diagnostic" else load("standard").gradients
    config = asked.model_copy(update={"sample": drawn})

    def weights() -> None:
        weights_measured(parts, copied(parts, Draw.of(drawn, 0)))

    look = weights if name == "weights" else lambda: gradients_measured(parts, config)
    return median(spent(look) / 1e6 for _ in range(5))
