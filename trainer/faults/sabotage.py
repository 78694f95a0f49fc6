"""How does a training go wrong? Injected faults are carried out: in batches, gradients, weights, or the policy."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import count
from typing import Protocol

import torch
from torch import Tensor, nn

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.probes import StepGradients
from nissa.trainer.data import N_CLASSES
from nissa.trainer.faults.injection import Injection
from nissa.trainer.network import Model, Slot
from nissa.trainer.policy import ActorCritic
from nissa.trainer.training import TrainedEpoch, train_epoch

__all__ = ["BATCH", "Train", "corrupt_policy", "sabotaged"]

BATCH = 11
"""The batch of an epoch that is struck."""
_BRIGHTER = 4.0
_SCALE = 1e6
_OVERFLOW = 1e38
_SURER = 100.0

_Batch = tuple[Tensor, Tensor]


class Train(Protocol):
    """`train_epoch`, or what stands in for it."""

    def __call__(
        self,
        model: Model,
        batches: Iterable[_Batch],
        report: Callable[[BatchCompleted], None],
        look: Callable[[StepGradients], object] | None = None,
    ) -> TrainedEpoch:
        """Train an epoch."""


def sabotaged(injections: Iterable[Injection], env: int, episode: int) -> Train:
    """`train_epoch` for all epochs of an episode, in turn, with the faults that strike there; itself if none does."""
    here = {(i.epoch, i.fault) for i in injections if (i.env, i.episode) == (env, episode)}
    epochs = count(1)

    def train(
        model: Model,
        batches: Iterable[_Batch],
        report: Callable[[BatchCompleted], None],
        look: Callable[[StepGradients], object] | None = None,
    ) -> TrainedEpoch:
        now = next(epochs)
        faults = {fault for epoch, fault in here if epoch == now}
        if "seed_overflow" in faults and not _in_training(model):
            here.add((now + 1, "seed_overflow"))
        with _exploding(model) if "gradient_explosion" in faults else nullcontext():
            trained = train_epoch(model, _corrupted(batches, faults, model), report, look)
        if "accuracy_drop" in faults:
            nn.init.zeros_(model.host.fc.weight)
        return trained

    return train if here else train_epoch


@torch.no_grad()
def corrupt_policy(injections: Sequence[Injection], episode: int, network: ActorCritic) -> None:
    """Before an episode. The critic would learn again, so it is broken anew each time; so sure a policy never does."""
    if any(i.fault == "entropy_collapse" and i.episode == episode for i in injections):
        for head in network.heads.values():
            head.get_parameter("weight").zero_()
            head.get_parameter("bias").mul_(_SURER)
    if any(i.fault == "value_collapse" and i.episode <= episode for i in injections):
        nn.init.zeros_(network.critic.weight)


@torch.no_grad()
def _overflow(model: Model) -> None:
    for slot in _in_training(model):
        for parameter in slot.parameters():
            parameter.mul_(_OVERFLOW)


def _in_training(model: Model) -> list[Slot]:
    """Slots whose seed learns in isolation: where it has only germinated, its last layer is zero."""
    return [slot for slot in model.isolated() if slot.stage == "TRAINING"]


def _corrupted(batches: Iterable[_Batch], faults: set[str], model: Model) -> Iterator[_Batch]:
    for number, (images, labels) in enumerate(batches):
        if number == BATCH and "seed_overflow" in faults:
            _overflow(model)
        yield _corrupt(images, labels, faults) if number == BATCH else (images, labels)


def _corrupt(images: Tensor, labels: Tensor, faults: set[str]) -> _Batch:
    """Copies: the data set itself stays whole."""
    if "loss_spike" in faults:
        images, labels = _BRIGHTER * images, (labels + 1) % N_CLASSES
    if "nan" in faults:
        images = images.clone()
        images[0, 0, 0, 0] = torch.nan
    return images, labels


@contextmanager
def _exploding(model: Model) -> Iterator[None]:
    """Inside, the gradients of one batch are too large, from the logits on."""
    numbers = count()

    def explode(_: nn.Module, __: object, logits: Tensor) -> None:
        if torch.is_grad_enabled() and next(numbers) == BATCH:
            logits.register_hook(lambda gradient: _SCALE * gradient)  # type: ignore[no-untyped-call]

    hook = model.register_forward_hook(explode)
    try:
        yield
    finally:
        hook.remove()
