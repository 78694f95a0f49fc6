"""Lightning: a callback that tells batches, epochs and gradients of any `LightningModule`.

Gradients are those of a whole step, unscaled and not clipped yet.
"""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from nissa.integrations.supervised import SupervisedTraining, parameters_of
from nissa.integrations.trainer_run import TrainerRun
from nissa.pipeline.telemetry import Telemetry

__all__ = ["LightningCallback"]


class LightningCallback(Callback):  # type: ignore[misc]
    """`Trainer(callbacks=[LightningCallback("runs/mine")])`, or with a `Telemetry` in place of the directory.

    `val_loss` and `val_accuracy` are the names under which the module logs them. With several processes, the first one
    tells. Raises TypeError if `run` is neither; a directory that holds a run is refused when the training begins.
    """

    def __init__(
        self, run: Telemetry | Path | str, *, val_loss: str = "val_loss", val_accuracy: str = "val_acc"
    ) -> None:
        self._run = TrainerRun(run)
        self._names = val_loss, val_accuracy
        self._training: SupervisedTraining | None = None
        self._stepped = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Open the run. Loggers are told of settings behind this."""
        if stage == "fit" and trainer.is_global_zero:
            self._run.begin(lambda: _told(trainer, pl_module))

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Announce the network, which is whole by now."""
        if trainer.is_global_zero:
            self._training = self._run.attempt(self._announced, trainer, pl_module)

    def on_train_epoch_start(self, *_: Any) -> None:
        """What comes now is of the next epoch."""
        if self._training:
            self._training.begin_epoch()

    def on_before_optimizer_step(self, *_: Any) -> None:
        """Gradients are complete, unscaled, and not clipped."""
        if self._training:
            self._stepped = True
            self._training.look()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any) -> None:
        """A batch is over, and with it a step where gradients are not accumulated further."""
        if self._training:
            self._run.attempt(self._batch, self._training, trainer, outputs)

    def on_validation_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any) -> None:
        """The first batch of a validation serves the probes, where it is a pair that the module can be called with."""
        callable_ = type(pl_module).forward is not LightningModule.forward
        if self._training and not trainer.sanity_checking and callable_:
            match batch:
                case (inputs, Tensor() as labels) if not labels.is_floating_point():
                    self._run.attempt(self._training.unseen, inputs, labels)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The epoch is over, and so is its validation."""
        if self._training:
            self._run.attempt(self._epoch, self._training, trainer)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The training is over."""
        self._end("completed")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """The training ends with an error, or was interrupted."""
        self._end("failed" if isinstance(exception, Exception) else "interrupted", repr(exception))

    def _announced(self, trainer: Trainer, module: LightningModule) -> SupervisedTraining:
        return SupervisedTraining(self._run.telemetry, module, self._run.trainings - 1, _epochs(trainer))

    def _batch(self, training: SupervisedTraining, trainer: Trainer, outputs: Any) -> None:
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            training.micro_batch(loss)
        if self._stepped:
            self._stepped = False
            training.step()
            every = trainer.log_every_n_steps
            if every and trainer.global_step % every == 0:
                training.emitter.log(_step_sizes(trainer), step=trainer.global_step)

    def _epoch(self, training: SupervisedTraining, trainer: Trainer) -> None:
        loss, accuracy = (trainer.callback_metrics.get(name) for name in self._names)
        training.end_epoch(_number(loss), _number(accuracy), _validated(trainer))

    def _end(self, outcome: str, error: str | None = None) -> None:
        if self._training:
            self._run.attempt(self._training.end, outcome)
            self._training = None
        self._run.end(outcome, error)


def _told(trainer: Trainer, module: LightningModule) -> dict[str, Any]:
    return {
        "hyperparameters": _settings(trainer, module),
        "max_epochs": _epochs(trainer),
        "host_architecture": type(module).__name__,
        "host_params": parameters_of(module) or None,
    }


def _settings(trainer: Trainer, module: LightningModule) -> dict[str, Any]:
    names = ("max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "precision", "world_size")
    return {name: getattr(trainer, name) for name in names} | dict(module.hparams)


def _epochs(trainer: Trainer) -> int | None:
    """How many are planned; without a limit, Lightning says None or -1."""
    epochs: int | None = trainer.max_epochs
    return None if epochs is None or epochs < 0 else epochs


def _step_sizes(trainer: Trainer) -> dict[str, float]:
    sizes = [group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups]
    return {"lr" if at == 0 else f"lr {at}": size for at, size in enumerate(sizes)}


def _number(value: Tensor | None) -> float | None:
    return None if value is None else float(value)


def _validated(trainer: Trainer) -> int | None:
    """Samples of the validation, where all of one set are taken."""
    loader, limit = trainer.val_dataloaders, trainer.limit_val_batches
    # 1.0 is all of them, and 1 is one batch.
    whole = isinstance(limit, float) and limit == 1.0 and hasattr(getattr(loader, "dataset", None), "__len__")
    return len(loader.dataset) if whole else None
