"""What does one batch show that was not trained on? One forward in eval mode, for the activations and the classes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nissa.pipeline.config import TelemetryConfig
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes.activations import activations_measured, recorded
from nissa.pipeline.probes.guard import attempt, measure
from nissa.pipeline.probes.layer_outputs import Output
from nissa.pipeline.probes.per_class import classes_measured
from nissa.pipeline.probes.untouched import untouched

__all__ = ["Batch", "validate"]

_Parts = Callable[[], Mapping[str, nn.Module]]


class Batch(NamedTuple):
    """What a model is called with, and what is right."""

    inputs: Any
    labels: Tensor


def validate(
    emitter: Emitter, plan: TelemetryConfig, model: nn.Module, batch: Batch, *, parts: _Parts, classes: Sequence[str]
) -> None:
    """Emit what the plan asks for. Where recording fails, the classes get a forward of their own."""
    seen, per_class = None, plan.per_class
    if plan.track_activation_stats:
        seen = attempt(emitter, "activations_measured", lambda: _recorded(model, parts(), batch.inputs))
    if seen:
        outputs = seen[1]
        measure(emitter, "activations_measured", lambda: activations_measured(outputs, plan.dormant_threshold))
    if per_class.enabled:
        seen = seen or attempt(emitter, "classes_measured", lambda: _recorded(model, {}, batch.inputs))
    if per_class.enabled and seen:
        logits = seen[0]
        measure(emitter, "classes_measured", lambda: classes_measured(logits, batch.labels, per_class, classes))


@torch.no_grad()
def _recorded(model: nn.Module, parts: Mapping[str, nn.Module], inputs: Any) -> tuple[Tensor, dict[str, Output]]:
    """Logits, and what the layers of the parts put out."""
    with untouched(model), recorded(parts) as outputs:
        return model(inputs), outputs
