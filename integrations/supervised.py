"""What any supervised training tells, whoever loops: batches, epochs, and looks at the network."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parameter import is_lazy

from nissa.events.kinds import BatchCompleted, EpisodeEnded, EpisodeStarted, EpochCompleted
from nissa.pipeline.probes import Pending, Watch, untouched
from nissa.pipeline.telemetry import Telemetry

__all__ = ["SupervisedTraining", "parameters_of", "percent"]


_IGNORED = -100
"""The label that cross entropy leaves out."""


class SupervisedTraining:
    """One training of one network, told as an episode of a network that does not grow.

    `watch` goes to `Watch`: how the network is called, and where its logits are.
    """

    def __init__(self, telemetry: Telemetry, model: nn.Module, episode: int, max_epochs: int | None, **watch: Any):
        self.emitter = telemetry.scope(env=0, episode=episode)
        """Where this training is told."""
        self._params, self._episode = parameters_of(model), episode
        self.emitter.emit(
            EpisodeStarted(
                policy="never",
                max_epochs=max_epochs,
                host_architecture=type(model).__name__,
                host_params=self._params,
            )
        )
        self._watch = Watch(telemetry, model, emitter=self.emitter, loss=_known, **watch)
        self._model, self._calls = model, watch
        self._classifies: bool | None = None
        self._late: Pending[BatchCompleted] | None = None
        self._losses: list[float] = []
        self._micro: list[Tensor] = []
        self._steps = self._epochs = 0
        self._batch: tuple[Any, Tensor] | None = None
        self._last = EpochCompleted()

    def look(self) -> None:
        """Gradients are complete, and not clipped yet."""
        self._watch.step()

    def micro_batch(self, loss: Tensor) -> None:
        """A part of a step, with its share of the loss."""
        self._micro.append(loss.detach())

    def step(self) -> None:
        """A step of the optimizer is over: its loss is the sum of its parts. From a GPU it is told a step later."""
        self._arrive()
        micro, self._micro = self._micro, []
        if not micro:
            return
        batch = self._steps
        self._late = Pending(micro, lambda losses: BatchCompleted(batch=batch, loss=float(torch.stack(losses).sum())))
        self._steps += 1
        if not self._late.waiting:
            self._arrive()

    def begin_epoch(self) -> None:
        """What comes now belongs to the next epoch; they are counted from 1."""
        self.emitter.move(epoch=self._epochs + 1)

    def unseen(self, inputs: Any, labels: Tensor) -> None:
        """A batch that is not trained on. The first of an epoch is kept for the probes."""
        if self._classifies is None:
            # One look is enough, and waits for a GPU once. It stays a no where the network cannot be called.
            self._classifies = False
            self._classifies = _classifies(self._model, inputs, labels, **self._calls)
        if self._classifies:
            self._batch = self._batch or (inputs, labels)

    def end_epoch(
        self, val_loss: float | None = None, val_accuracy: float | None = None, n_val: int | None = None
    ) -> None:
        """Measure what is due, and close the epoch. The accuracy is a share, or in percent."""
        self._arrive()
        self._watch.epoch(*(self._batch or (None, None)))
        self._last = EpochCompleted(
            train_loss=sum(self._losses) / len(self._losses) if self._losses else None,
            val_loss=val_loss,
            val_accuracy=percent(val_accuracy),
            n_val=n_val,
            host_params=self._params,
        )
        self.emitter.emit(self._last)
        self._epochs += 1
        # Where no step is seen, as with an optimizer of the user's own, parts would pile up.
        self._batch, self._losses, self._micro, self._steps = None, [], [], 0

    def end(self, outcome: str) -> None:
        """Close the training."""
        self._arrive()
        last = self._last
        self.emitter.emit(
            EpisodeEnded(
                outcome=outcome, final_accuracy=last.val_accuracy, final_loss=last.val_loss, epochs=self._epochs
            )
        )

    def _arrive(self) -> None:
        if self._late:
            told, self._late = self._late.take(), None
            self._losses.append(told.loss)
            self.emitter.emit(told)


def parameters_of(model: nn.Module) -> int:
    """Trainable parameters; those of layers that have no shape yet are not counted."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad and not is_lazy(p))


def _classifies(
    model: nn.Module,
    inputs: Any,
    labels: Tensor,
    forward: Callable[[nn.Module, Any], Any] = lambda model, inputs: model(inputs),
    logits: Callable[[Any], Any] = lambda output: output,
) -> bool:
    """Whether the network tells classes, and the labels are among them: an autoencoder may see labels, too."""
    with torch.no_grad(), untouched(model):
        told = logits(forward(model, inputs))
    fits = isinstance(told, Tensor) and told.dim() > 1 and told.shape[:1] + told.shape[2:] == labels.shape
    return fits and bool((_within(labels, told) | (labels == _IGNORED)).all())


def _known(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy without labels that are no class: on a GPU, one of them would end the process."""
    return cross_entropy(logits, labels.long().where(_within(labels, logits), _IGNORED))


def _within(labels: Tensor, logits: Tensor) -> Tensor:
    return (labels >= 0) & (labels < logits.shape[1])


def percent(accuracy: float | None) -> float | None:
    """An accuracy in percent: up to 1 it is taken for a share, as most libraries give it.

    >>> percent(0.5), percent(50.0), percent(None)
    (50.0, 50.0, None)
    """
    return None if accuracy is None else 100 * accuracy if accuracy <= 1 else accuracy
