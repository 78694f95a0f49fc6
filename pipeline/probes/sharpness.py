"""How sharp is the minimum? The loss at weights a little way off, in random directions and in the steepest one.

Random directions come in antithetic pairs, w + e and w - e: in their mean the slope cancels and the curvature stays,
which takes about a hundredth of the evaluations (E[e'He] / 2, Hutchinson 1990). The steepest one is that of
sharpness-aware minimization (Foret et al. 2021). Steps are relative to the size of the weights, because otherwise
a network scaled to do the same with larger weights would look flatter (Dinh et al. 2017).
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from nissa.events.kinds import SharpnessMeasured
from nissa.pipeline.config import LossLandscapeConfig
from nissa.pipeline.probes.layers import unsharded
from nissa.pipeline.probes.transfer import here
from nissa.pipeline.probes.untouched import untouched

__all__ = ["PAIRS", "SCALE", "explored", "sharpness_measured"]

PAIRS = 4
SCALE = 0.01


def explored(model: nn.Module, loss: Callable[[], Tensor], config: LossLandscapeConfig) -> SharpnessMeasured:
    """The sharpness of `loss`, as below, along its own gradient and, if `config` says so, in random directions."""
    with untouched(model), torch.enable_grad():
        slope = torch.autograd.grad(loss(), _trainable(model), allow_unused=True)
    pairs = config.perturbation_samples if config.estimate_sharpness else 0
    return sharpness_measured(model, loss, slope, pairs=pairs, scale=config.perturbation_scale)


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
    `scale` times the root mean square of each tensor; one that is 0 is left alone. The model is in eval mode
    meanwhile; its weights, buffers, modes and all random states are afterwards what they were, bit for bit, also when
    `loss` raises. No graph through its weights may be waiting for a backward pass. Raises ValueError for less than no
    pairs and a model without trainable parameters, TypeError for sharded ones (DTensor, FSDP).
    """
    if pairs < 0:
        raise ValueError(f"pairs must be at least 0, not {pairs}")
    params = [_real(p.detach()) for p in _trainable(model)]
    with untouched(model, params) as saved:
        losses = [loss()]
        for step in _steps(saved, pairs, scale, seed):
            losses += [_loss_at(params, saved, step, sign, loss) for sign in (1.0, -1.0)]
        if steepest := _steepest(saved, gradients, scale):
            losses.append(_loss_at(params, saved, steepest, 1.0, loss))
        (read,) = here([torch.stack(losses)])
    rises = read[1 : 2 * pairs + 1].view(pairs, 2).mean(1) - read[0]
    return SharpnessMeasured(
        sharpness=rises.mean().item() if pairs else None,
        spread=rises.std().item() if pairs > 1 else None,
        sam=(read[-1] - read[0]).item() if steepest else None,
        loss=read[0].item(),
        samples=2 * pairs,
        scale=scale,
    )


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    params = [p for p in model.parameters() if p.requires_grad]
    unsharded(params)
    if not params:
        raise ValueError("a model without trainable parameters has no loss around them")
    return params


def _real(tensor: Tensor) -> Tensor:
    """The same memory, as real numbers."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _loss_at(
    params: list[Tensor], saved: list[Tensor], step: list[Tensor], sign: float, loss: Callable[[], Tensor]
) -> Tensor:
    # Adding and subtracting would drift: (w + e) - e is not w in floats.
    torch._foreach_copy_(params, saved)
    torch._foreach_add_(params, step, alpha=sign)
    return loss()


def _steps(saved: list[Tensor], pairs: int, scale: float, seed: int) -> Iterator[list[Tensor]]:
    """Normal noise from generators of its own, `scale` times the root mean square of each tensor."""
    sizes = [scale * w.square().mean().sqrt() for w in saved]
    generators = {device: _generator(device, seed) for device in {w.device for w in saved}}
    for _ in range(pairs):
        yield [_noise(w, generators[w.device]) * size for w, size in zip(saved, sizes, strict=True)]


def _generator(device: torch.device, seed: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


def _steepest(saved: list[Tensor], gradients: Sequence[Tensor | None], scale: float) -> list[Tensor]:
    """`scale` times the norm of all weights along the gradient; empty without one. A gradient of 0 gives no step."""
    if not any(grad is not None for grad in gradients):
        return []
    along = [torch.zeros_like(w) if grad is None else _real(grad) for w, grad in zip(saved, gradients, strict=True)]
    weights, slope = _norm(saved), _norm(along)
    size = scale * weights / slope.clamp(min=torch.finfo(slope.dtype).tiny)
    return [grad * size.to(grad.device) for grad in along]


def _norm(tensors: list[Tensor]) -> Tensor:
    """L2 norm over all of them, on the device of the first."""
    norms = [
        torch.linalg.vector_norm(tensor, dtype=torch.promote_types(tensor.dtype, torch.float32)) for tensor in tensors
    ]
    total: Tensor = torch.linalg.vector_norm(torch.stack([norm.to(norms[0].device) for norm in norms]))
    return total
