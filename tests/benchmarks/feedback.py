"""What does a seed learn in isolation? The shipped way against feedback of its own effect: mixed in, and at the end.

The feedback is the gradient of a second forward pass, in which isolated seeds are mixed in fully; the host gets none of
it. Everything else is the reference trainer.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.probes import StepGradients
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.data import batches, generator, load_digits
from nissa.trainer.network import BLUEPRINTS, SLOT_CHANNELS, Model, Seed, Slot
from nissa.trainer.run import Settings, train
from nissa.trainer.training import epoch, validate

__all__ = ["run"]

_ISOLATED = 3
"""Epochs for which a seed trains before its gate is asked, as shipped."""
_shipped = epoch._train_batch


def run(ages: Sequence[int] = (10, 20), hosts: range = range(4), grown: range = range(300, 348)) -> None:
    """Each seed in each slot of each host, in both ways; then whole episodes under the heuristic."""
    torch.set_num_threads(1)
    seeds = list(product(hosts, SLOT_CHANNELS, BLUEPRINTS))
    for age in ages:
        print(f"\nMixed in after {_ISOLATED} epochs of isolation, beside a host of {age} epochs: the validation loss")
        for name, step in _WAYS.items():
            with patch.object(epoch, "_train_batch", step):
                changes = [_mixed_in(*seed, age) for seed in seeds]
            lower = f"{sum(change < 0 for change in changes)} of {len(changes)} lower it"
            print(f"  {name:<14} {lower}, median {statistics.median(changes):+.4f} nats", flush=True)
    print(f"\nKept accuracy minus the twin's at the end, points, heuristic, {len(grown)} hosts, with standard errors")
    gains = {}
    for name, step in _WAYS.items():
        with patch.object(epoch, "_train_batch", step):
            gains[name] = [_gain(seed) for seed in grown]
        print(f"  {name:<14} {_mean(gains[name])}", flush=True)
    pairs = zip(*gains.values(), strict=True)
    print(f"  feedback minus shipped, host by host: {_mean([after - before for before, after in pairs])}")


def _mixed_in(torch_seed: int, where: str, blueprint: str, age: int) -> float:
    """By how much the validation loss changes when the seed is mixed in fully, in nats."""
    with Telemetry("feedback", config="minimal") as telemetry:
        model, order, digits = Model(torch_seed, telemetry.scope()), generator(torch_seed), load_digits()
        slot = model.slots[where]
        for done in range(age + _ISOLATED):
            if done == age:
                slot.seed = Seed("s", blueprint, "linear", slot.channels, torch_seed=torch_seed, accuracy=0.0)
                slot.enter("TRAINING", 0.0)
            epoch.train_epoch(model, batches(digits, order), report=lambda batch: None)
    apart = validate(model, digits).loss
    with _mixing([slot]):
        return validate(model, digits).loss - apart


def _gain(seed: int) -> float:
    with Telemetry("feedback", config="minimal") as telemetry:
        history = train(Settings(policy="heuristic", envs=1, episodes=1, seed=seed), telemetry)
    kept = history.episodes[0].kept
    return math.nan if kept is None else kept.accuracy - history.twins[0].val_accuracies[-1]


def _with_feedback(model: Model, images: Tensor, labels: Tensor, *others: Any) -> BatchCompleted:
    """A step in which the gradients of isolated seeds are replaced before anybody looks at them."""
    parameters = [p for slot in model.isolated() for p in slot.parameters()]
    if not parameters:
        return _shipped(model, images, labels, *others)
    with _mixing(model.isolated()):
        own = torch.autograd.grad(cross_entropy(model(images), labels), parameters)

    def replaced(parts: dict[str, nn.Module]) -> StepGradients:
        for parameter, gradient in zip(parameters, own, strict=True):
            parameter.grad = gradient
        return StepGradients(parts)

    with patch.object(epoch, "StepGradients", replaced):
        return _shipped(model, images, labels, *others)


_WAYS = {"as shipped": _shipped, "with feedback": _with_feedback}


@contextmanager
def _mixing(slots: Sequence[Slot]) -> Iterator[None]:
    """Inside, the seeds take part in the output fully."""
    stages = [slot.stage for slot in slots]
    for slot in slots:
        slot.stage, slot.alpha = "HOLDING", 1.0
    yield
    for slot, stage in zip(slots, stages, strict=True):
        slot.stage, slot.alpha = stage, 0.0


def _mean(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):+.2f} +- {statistics.stdev(values) / math.sqrt(len(values)):.2f}"
