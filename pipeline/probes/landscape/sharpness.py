"""How sharp is the minimum? The loss at weights a little way off, in random directions and in the steepest one.

Random directions come in antithetic pairs, w + e and w - e: in their mean the slope cancels and the curvature stays,
which takes about a hundredth of the evaluations (E[e'He] / 2, Hutchinson 1990). The steepest one is that of
sharpness-aware minimization (Foret et al. 2021). Steps are relative to the size of the weights, because otherwise
a network scaled to do the same with larger weights would look flatter (Dinh et al. 2017).
The mean over pairs has an error, which its standard error tells. Directions that are drawn anew at each measurement let
it average out over several of them.
"""

from collections.abc import Callable, Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from nissa.events.kinds import SharpnessMeasured
from nissa.pipeline.config import LossLandscapeConfig
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes.landscape.perturbations import noise, real, steepest
from nissa.pipeline.probes.model import to_cpu, unsharded, untouched

__all__ = ["PAIRS", "SCALE", "explore_landscape", "sharpness_measured", "slope_of"]

PAIRS = 4
SCALE = 0.01


def slope_of(model: nn.Module, loss: Callable[[], Tensor]) -> tuple[Tensor | None, ...]:
    """Gradients of `loss` in the order of the trainable parameters, in eval mode; no `.grad` is written.

    Raises RuntimeError where there are none to be had, as from cuDNN's recurrent layers in eval mode, or through
    reentrant checkpoints.
    """
    with untouched(model), torch.enable_grad():
        slope = torch.autograd.grad(loss(), _trainable(model), allow_unused=True)
    if all(grad is None for grad in slope):
        raise RuntimeError("no trainable parameter has a gradient of the loss")
    return slope


@torch.no_grad()
def sharpness_measured(
    model: nn.Module,
    loss: Callable[[], Tensor],
    gradients: Sequence[Tensor | None] = (),
    *,
    pairs: int = PAIRS,
    scale: float = SCALE,
    seed: int = 0,
) -> SharpnessMeasured:
    """The sharpness of `loss`, a scalar of `model` on fixed data, in nats; 2 `pairs` + 2 evaluations, one transfer.

    `gradients` of the loss, in the order of the trainable parameters, give the steepest direction. A perturbation has
    `scale` times the root mean square of each tensor; one that is 0 is left alone. Directions are drawn from `seed`,
    which ought to be another at each measurement, by private generators. The model is in eval mode
    meanwhile; its weights, buffers, modes and all random states are afterwards what they were, bit for bit, also when
    `loss` raises. No graph through its weights may be waiting for a backward pass. Raises ValueError for less than no
    pairs and a model without trainable parameters, TypeError for sharded ones (DTensor, FSDP).
    """
    if pairs < 0:
        raise ValueError(f"pairs must be at least 0, not {pairs}")
    params = [real(p.detach()) for p in _trainable(model)]
    with untouched(model, params) as saved:
        losses = [loss()]
        for step in noise(saved, pairs, scale, seed):
            losses += [_loss_at(params, saved, step, sign, loss) for sign in (1.0, -1.0)]
        if uphill := steepest(saved, gradients, scale):
            losses.append(_loss_at(params, saved, uphill, 1.0, loss))
        (read,) = to_cpu([torch.stack(losses)])
    rises = read[1 : 2 * pairs + 1].view(pairs, 2).mean(1) - read[0]
    spread = rises.std().item() if pairs > 1 else None
    return SharpnessMeasured(
        sharpness=rises.mean().item() if pairs else None,
        sharpness_se=None if spread is None else spread / sqrt(pairs),
        spread=spread,
        sam=(read[-1] - read[0]).item() if uphill else None,
        loss=read[0].item(),
        samples=2 * pairs,
        scale=scale,
    )


def explore_landscape(
    emitter: Emitter, config: LossLandscapeConfig, model: nn.Module, loss: Callable[[], Tensor], seed: int
) -> None:
    """Emit the sharpness of `loss` along its own gradient and, if `config` says so, in directions drawn from `seed`."""
    slope = emitter.attempt("sharpness_gradient", slope_of, model, loss) or ()
    how = {"pairs": config.perturbation_samples if config.estimate_sharpness else 0, "seed": seed}
    scale = config.perturbation_scale
    emitter.measure("sharpness_measured", lambda: sharpness_measured(model, loss, slope, scale=scale, **how))


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    params = [p for p in model.parameters() if p.requires_grad]
    unsharded(params)
    if not params:
        raise ValueError("a model without trainable parameters has no loss around them")
    return params


def _loss_at(
    params: list[Tensor], saved: list[Tensor], step: list[Tensor], sign: float, loss: Callable[[], Tensor]
) -> Tensor:
    # Adding and subtracting would drift: (w + e) - e is not w in floats.
    torch._foreach_copy_(params, saved)
    torch._foreach_add_(params, step, alpha=sign)
    # Else autocast would use what it made of other weights.
    torch.clear_autocast_cache()
    return loss()
