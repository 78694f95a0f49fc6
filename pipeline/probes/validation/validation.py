"""One forward in eval mode on a batch that was not trained on, for the activations and the classes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from nissa.pipeline.config import TelemetryConfig
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes.activations import Output, activations_measured, recorded
from nissa.pipeline.probes.model import Parts, untouched
from nissa.pipeline.probes.validation.per_class import classes_measured

__all__ = ["Batch", "Forward", "validate"]

Forward = Callable[[nn.Module, Any], Any]
"""Calls a model with the inputs of a batch."""

_Parts = Callable[[], Parts]


class Batch(NamedTuple):
    """What a model is called with and how, what is right, and how to find the logits in what the model returns."""

    inputs: Any
    labels: Tensor
    logits: Callable[[Any], Tensor] = lambda output: output
    forward: Forward = lambda model, inputs: model(inputs)

    def through(self, model: nn.Module) -> Any:
        """What `model` returns. It may write to its inputs, and so gets copies."""
        return self.forward(model, _copied(self.inputs))

    def loss(self, model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """`loss` of logits and labels."""
        return loss(self.logits(self.through(model)), _copied(self.labels))


def validate(
    emitter: Emitter, plan: TelemetryConfig, model: nn.Module, batch: Batch, *, parts: _Parts, classes: Sequence[str]
) -> None:
    """Emit what the plan asks for. Where recording fails, the classes get a forward of their own."""
    seen, per_class = None, plan.per_class
    if plan.track_activation_stats:
        seen = emitter.attempt("activations_measured", lambda: _recorded(model, parts(), batch))
    if seen:
        outputs = seen[1]
        emitter.measure(
            "activations_measured", activations_measured, outputs, plan.dormant_threshold, plan.gradients.groups
        )
    if per_class.enabled:
        seen = seen or emitter.attempt("classes_measured", lambda: _recorded(model, {}, batch))
    if per_class.enabled and seen:
        output = seen[0]
        emitter.measure(
            "classes_measured", lambda: classes_measured(batch.logits(output), batch.labels, per_class, classes)
        )


def _copied(values: Any) -> Any:
    """The same, with copies of the tensors in lists, tuples and dicts."""
    return tree_map_only(Tensor, Tensor.clone, values)


@torch.no_grad()
def _recorded(model: nn.Module, parts: Parts, batch: Batch) -> tuple[Any, dict[str, Output]]:
    """What the model returns, and what the layers of the parts put out."""
    with untouched(model), recorded(parts) as outputs:
        return batch.through(model), outputs
