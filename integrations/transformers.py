"""Hugging Face: a callback of its `Trainer` that tells steps, evaluations and gradients.

`on_pre_optimizer_step` comes after clipping, and no callback is given the loss of a step. So methods of this one
trainer tell both: `training_step` its loss, and `unscale_gradients`, with which clipping begins, that it begins.
"""

from collections.abc import Mapping, Sized
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import Trainer, TrainerCallback, TrainerState, TrainingArguments

from nissa.integrations.numbers import numbers
from nissa.integrations.supervised import SupervisedTraining, parameters_of
from nissa.integrations.taps import Taps
from nissa.integrations.trainer_run import TrainerRun
from nissa.pipeline.telemetry import Telemetry

__all__ = ["TransformersCallback"]


class TransformersCallback(TrainerCallback):  # type: ignore[misc]
    """`trainer.add_callback(TransformersCallback(trainer, "runs/mine"))`, or with a `Telemetry` in place of the path.

    An epoch of Nissa ends with each evaluation, or with the trainer's own epoch where there are none. With several
    processes, the first one tells. Raises TypeError if `run` is neither; a directory that holds a run is refused when
    the training begins.
    """

    def __init__(self, trainer: Trainer, run: Telemetry | Path | str) -> None:
        self._trainer, self._run = trainer, TrainerRun(run)
        self._training: SupervisedTraining | None = None
        self._taps = Taps()
        self._looked, self._closed = False, 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: Any, **_: Any) -> None:
        """Open the run, and announce the network."""
        if not state.is_world_process_zero:
            return
        telemetry = self._run.begin(lambda: _told(self._trainer.model, args))
        self._training = None
        self._run.attempt(self._announce, telemetry, args, state)

    def _announce(self, telemetry: Telemetry, args: TrainingArguments, state: TrainerState) -> None:
        calls = {"forward": lambda network, inputs: network(**inputs), "logits": lambda output: output["logits"]}
        at = self._run.trainings - 1
        training = SupervisedTraining(telemetry, self._trainer.model, at, _epochs(args), **calls)
        self._looked, self._closed = False, state.global_step
        self._tap()
        training.begin_epoch()
        self._training = training

    def _tap(self) -> None:
        self._taps.close()
        for owner, method, then in (
            (self._trainer, "training_step", self._micro_batch),
            (self._trainer, "prediction_step", self._unseen),
            (self._trainer.accelerator, "unscale_gradients", self._look),
        ):
            self._taps.after(owner, method, partial(self._run.attempt, then))

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        """Gradients that nothing has clipped are looked at here."""
        if not self._looked:
            self._look()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """A step of the optimizer is over."""
        self._looked = False
        if self._training:
            self._run.attempt(self._training.step)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: Any, logs: Mapping[str, Any], **_: Any
    ) -> None:
        """What the trainer logs is told as it is."""
        if self._training:
            self._training.emitter.log(numbers(logs), step=state.global_step)

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: Any, **_: Any) -> None:
        """An epoch is over; where it is evaluated, that ends it."""
        if args.eval_strategy == "no":
            self._close(state)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: Any, metrics: Mapping[str, float], **_: Any
    ) -> None:
        """An evaluation closes what was trained since the last one."""
        self._close(state, metrics)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: Any, **_: Any) -> None:
        """The training is over."""
        self._close(state)
        self._taps.close()
        if self._training:
            self._run.attempt(self._training.end, "completed")
            self._training = None
        self._run.end()

    def _micro_batch(self, loss: Tensor, *_: Any, **__: Any) -> None:
        if self._training:
            self._training.micro_batch(loss)

    def _look(self, *_: Any, **__: Any) -> None:
        self._looked = True
        if self._training:
            self._training.look()

    def _unseen(self, _: Any, model: Any, inputs: Any, *__: Any, **___: Any) -> None:
        """A classifier's batch serves the probes. A language model's labels are those of the next token: not theirs."""
        labels = inputs.get("labels") if isinstance(inputs, Mapping) else None
        if self._training and isinstance(labels, Tensor) and labels.dim() == 1 and not labels.is_floating_point():
            self._training.unseen(dict(inputs), labels)

    def _close(self, state: TrainerState, metrics: Mapping[str, float] | None = None) -> None:
        # Several sets may be evaluated at the same step: the first one counts.
        if self._training and state.global_step > self._closed:
            self._closed = state.global_step
            told = metrics or {}
            dataset = self._trainer.eval_dataset if metrics else None
            n_val = len(dataset) if isinstance(dataset, Sized) and not isinstance(dataset, dict) else None
            how = (told.get("eval_loss"), told.get("eval_accuracy"), n_val)
            self._run.attempt(self._training.end_epoch, *how)
            self._training.begin_epoch()


def _told(model: Any, args: TrainingArguments) -> dict[str, Any]:
    return {
        "hyperparameters": args.to_sanitized_dict(),
        "base_seed": args.seed,
        "max_epochs": _epochs(args),
        "host_architecture": type(model).__name__,
        "host_params": parameters_of(model),
    }


def _epochs(args: TrainingArguments) -> int | None:
    """How many are planned: half of one is one, cut short."""
    return ceil(args.num_train_epochs) if args.max_steps <= 0 else None
