"""The host twin: the same initialization and data order, trained alone. The baseline of its environment."""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import torch

from nissa.events.kinds import BatchCompleted, HostBaselineEpoch, HostBaselineMeasured
from nissa.pipeline.emitter import Emitter
from nissa.trainer.data import batches, generator, load_digits
from nissa.trainer.network import CHANNELS, Channels, Model, new_host
from nissa.trainer.training.epoch import TrainedEpoch, train_epoch
from nissa.trainer.training.history import Course
from nissa.trainer.training.validation import Validation, validate

__all__ = ["Twin", "host_baseline_measured", "save_initial", "train_twin"]


class Twin(NamedTuple):
    """A host that was trained alone, and how it went."""

    model: Model
    course: Course


def train_twin(
    torch_seed: int,
    data_seed: int,
    epochs: int,
    emitter: Emitter,
    channels: Channels = CHANNELS,
    *,
    quiet: bool = False,
) -> Twin:
    """Train a host without ever growing it, by the very code that trains the others, and tell of each epoch."""
    model, order = Model(torch_seed, emitter, channels), generator(data_seed)
    course = Course()
    course.note(validate(model, load_digits()))
    for epoch in range(1, epochs + 1):
        trained = train_epoch(model, batches(load_digits(), order), report=_keep_quiet)
        validated = validate(model, load_digits())
        course.note(validated)
        if not quiet:
            emitter.bind(epoch=epoch).emit(_epoch(trained, validated))
    return Twin(model, course)


def host_baseline_measured(course: Course, host_params: int, checkpoint: Path | None) -> HostBaselineMeasured:
    """The first and the last of a twin's course, and the weights it began with, in the run's directory."""
    return HostBaselineMeasured(
        initial_loss=course.val_losses[0],
        initial_accuracy=course.val_accuracies[0],
        final_loss=course.val_losses[-1],
        final_accuracy=course.val_accuracies[-1],
        epochs=len(course.val_losses) - 1,
        host_params=host_params,
        initial_checkpoint=checkpoint.name if checkpoint else None,
        initial_checkpoint_sha256=sha256(checkpoint.read_bytes()).hexdigest() if checkpoint else None,
    )


def save_initial(torch_seed: int, env: int, out: Path) -> Path:
    """Keep the weights with which an environment's hosts start, in a file in `out` that needs no pickle to be read.

    Raises OSError if they cannot be written.
    """
    path = out / f"initial-env{env}.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(new_host(torch_seed).state_dict(), path)
    return path


def _epoch(trained: TrainedEpoch, validated: Validation) -> HostBaselineEpoch:
    return HostBaselineEpoch(
        train_loss=trained.loss,
        train_accuracy=trained.accuracy,
        val_loss=validated.loss,
        val_accuracy=validated.accuracy,
    )


def _keep_quiet(_: BatchCompleted) -> None:
    """The batches of the twin are nobody's news."""
