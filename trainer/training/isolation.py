"""Do isolated seeds leave the host alone? What they send into it, both ways, and what of them is broken."""

from torch import Tensor

from nissa.pipeline.probes import forward_leakage, leakage
from nissa.trainer.network import Model

__all__ = ["gradient_leakage", "logits_beside", "non_finite"]


def logits_beside(model: Model, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (n, 10), and by how much isolated seeds move them: a scalar, see `forward_leakage`."""
    # Without gradients, a slot leaves out the seed that is isolated in it.
    return forward_leakage(lambda: model(images), lambda: model(images), list(model.host.buffers()))


def gradient_leakage(model: Model, loss: Tensor) -> Tensor:
    """Norm of the gradient that isolated seeds send into the host: a scalar, see `leakage`."""
    terms = [slot.isolated.term for slot in model.isolated() if slot.isolated]
    return leakage(loss, terms, list(model.host.parameters()))


def non_finite(model: Model) -> dict[str, Tensor]:
    """By slot, how many values of the last batch an isolated seed put out that are NaN or infinite: scalars."""
    return {slot.name: slot.isolated.non_finite for slot in model.isolated() if slot.isolated}
