"""What the trained model does with some of its seeds switched off: an ablation, measured, not a baseline."""

from collections.abc import Iterator, Mapping

from torch import Tensor

from nissa.events.kinds import CounterfactualMeasured
from nissa.pipeline.probes import Watch
from nissa.trainer.data import Digits
from nissa.trainer.network import Model

__all__ = ["factorial"]


def factorial(watch: Watch, model: Model, data: Digits) -> CounterfactualMeasured | None:
    """All ways to switch the seeds that take part on and off, validated; None when there is no such seed."""
    slots = {slot.name: slot for slot in model.mixed()}

    def set_alphas(alphas: Mapping[str, float]) -> None:
        for name, alpha in alphas.items():
            slots[name].alpha = alpha

    def evaluate() -> Iterator[tuple[Tensor, Tensor]]:
        yield model(data.val_images), data.val_labels

    return watch.counterfactual({name: slot.alpha for name, slot in slots.items()}, set_alphas, evaluate)
