"""Does it matter that a fossil goes on learning? The shipped way against fossils whose weights stay, host by host."""

import math
import statistics
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import torch

from nissa.operators.statistics import t_interval
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.growth import growth, lifecycle
from nissa.trainer.network import Slot
from nissa.trainer.run import Settings, train

__all__ = ["run"]

_shipped = lifecycle.fossilize


def run(hosts: range = range(400, 432)) -> None:
    """Whole episodes under the heuristic, in both ways."""
    torch.set_num_threads(1)
    print(f"\nKept accuracy minus the twin's at the end, points, heuristic, {len(hosts)} hosts, with standard errors")
    gains = {}
    for name, way in {"go on learning": _shipped, "weights stay": _frozen}.items():
        gains[name] = [_gain(seed, way) for seed in hosts]
        print(f"  {name:<16} {_mean(gains[name])}", flush=True)
    apart = [after - before for before, after in zip(*gains.values(), strict=True)]
    print(f"  weights stay minus go on learning, host by host: {_mean(apart)}, {sum(map(bool, apart))} of them differ")


def _frozen(slot: Slot, accuracy: float) -> bool:
    if not _shipped(slot, accuracy):
        return False
    for group in slot.seed.optimizer.param_groups if slot.seed else ():
        group["lr"] = 0.0
    return True


def _gain(seed: int, fossilize: Callable[..., Any]) -> float:
    with patch.object(growth, "fossilize", fossilize), Telemetry("fossils", config="minimal") as telemetry:
        history = train(Settings(policy="heuristic", envs=1, episodes=1, seed=seed), telemetry)
    kept = history.episodes[0].kept
    return math.nan if kept is None else kept.accuracy - history.twins[0].val_accuracies[-1]


def _mean(values: list[float]) -> str:
    mean, low, high = t_interval(values)
    error = statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:+.2f} +- {error:.2f} (95% {low:+.2f} to {high:+.2f})"
