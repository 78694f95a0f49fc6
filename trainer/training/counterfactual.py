"""What the trained model does with some of its seeds switched off: an ablation, measured, not a baseline."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

from torch import Tensor

from nissa.events.kinds import CounterfactualMeasured, CounterfactualResult
from nissa.trainer.data import N_CLASSES, Digits
from nissa.trainer.network import Model, Slot
from nissa.trainer.training.validation import validate

__all__ = ["contributions", "factorial", "switched"]


def factorial(model: Model, data: Digits, *, per_class: bool = False) -> CounterfactualMeasured | None:
    """All 2^n ways to switch the seeds that take part on and off, validated; None when there is no such seed."""
    slots = model.mixed()
    if not slots:
        return None
    configs = product((False, True), repeat=len(slots))
    results = [_measure(model, data, slots, config, per_class) for config in configs]
    return CounterfactualMeasured(slots=[slot.name for slot in slots], n_val=len(data.val_labels), results=results)


def contributions(measured: CounterfactualMeasured | None) -> dict[str, float]:
    """By slot, in percentage points: accuracy with all seeds minus accuracy with this one alone switched off."""
    if measured is None:
        return {}
    told = {tuple(result.config): result.val_accuracy for result in measured.results}
    accuracy = {config: value for config, value in told.items() if value is not None}
    n = len(measured.slots)
    return {
        name: accuracy[(True,) * n] - accuracy[tuple(i != off for i in range(n))]
        for off, name in enumerate(measured.slots)
    }


@contextmanager
def switched(slots: Sequence[Slot], config: Sequence[bool]) -> Iterator[dict[str, float]]:
    """Inside, the shares of the slots that are off are 0; afterwards all are as they were. Yields the shares."""
    kept = [slot.alpha for slot in slots]
    try:
        for slot, on in zip(slots, config, strict=True):
            slot.alpha = slot.alpha if on else 0.0
        yield {slot.name: slot.alpha for slot in slots}
    finally:
        for slot, alpha in zip(slots, kept, strict=True):
            slot.alpha = alpha


def _measure(
    model: Model, data: Digits, slots: Sequence[Slot], config: Sequence[bool], per_class: bool
) -> CounterfactualResult:
    with switched(slots, config) as alphas:
        found = validate(model, data)
    return CounterfactualResult(
        config=list(config),
        alpha_settings=alphas,
        val_loss=found.loss,
        val_accuracy=found.accuracy,
        per_class_accuracy=_by_class(found.right, data.val_labels) if per_class else None,
    )


def _by_class(right: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy of each class in percent."""
    return {str(i): 100 * right[labels == i].double().mean().item() for i in range(N_CLASSES)}
