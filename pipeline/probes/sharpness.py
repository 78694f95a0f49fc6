"""How sharp is the minimum? The loss at weights a little way off, in random directions and in the steepest one.

Random directions come in antithetic pairs, w + e and w - e: in their mean the slope cancels and the curvature stays,
which takes about a hundredth of the evaluations (E[e'He] / 2, Hutchinson 1990). The steepest one is that of
sharpness-aware minimization (Foret et al. 2021). Steps are relative to the size of the weights, because otherwise
a network scaled to do the same with larger weights would look flatter (Dinh et al. 2017).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from nissa.events.kinds import SharpnessMeasured

__all__ = ["PAIRS", "SCALE", "sharpness_measured"]

PAIRS = 4
SCALE = 0.01


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
    `loss` raises. No graph through its weights may be waiting for a backward pass. Raises ValueError for no pairs.
    """
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1, not {pairs}")
    params = [p.detach() for p in model.parameters() if p.requires_grad]
    with _untouched(model, params) as saved:
        losses = [loss()]
        for step in _steps(saved, pairs, scale, seed):
            losses += [_loss_at(params, saved, step, sign, loss) for sign in (1.0, -1.0)]
        if steepest := _steepest(saved, gradients, scale):
            losses.append(_loss_at(params, saved, steepest, 1.0, loss))
        read = torch.stack(losses).double().cpu()
    rises = read[1 : 2 * pairs + 1].view(pairs, 2).mean(1) - read[0]
    return SharpnessMeasured(
        sharpness=rises.mean().item(),
        spread=rises.std().item() if pairs > 1 else None,
        sam=(read[-1] - read[0]).item() if steepest else None,
        loss=read[0].item(),
        samples=2 * pairs,
        scale=scale,
    )


def _loss_at(
    params: list[Tensor], saved: list[Tensor], step: list[Tensor], sign: float, loss: Callable[[], Tensor]
) -> Tensor:
    # Adding and subtracting would drift: (w + e) - e is not w in floats.
    torch._foreach_copy_(params, saved)
    torch._foreach_add_(params, step, alpha=sign)
    return loss()


def _steps(saved: list[Tensor], pairs: int, scale: float, seed: int) -> Iterator[list[Tensor]]:
    """Normal noise from a generator of its own, `scale` times the root mean square of each tensor."""
    sizes = [scale * w.square().mean().sqrt() for w in saved]
    generator = torch.Generator(saved[0].device).manual_seed(seed)
    for _ in range(pairs):
        yield [
            torch.randn(w.shape, generator=generator, device=w.device, dtype=w.dtype) * size
            for w, size in zip(saved, sizes, strict=True)
        ]


def _steepest(saved: list[Tensor], gradients: Sequence[Tensor | None], scale: float) -> list[Tensor]:
    """`scale` times the norm of all weights along the gradient; empty without one. A gradient of 0 gives no step."""
    if not any(grad is not None for grad in gradients):
        return []
    along = [torch.zeros_like(w) if grad is None else grad for w, grad in zip(saved, gradients, strict=True)]
    weights, slope = (torch.stack(torch._foreach_norm(group)).norm() for group in (saved, along))
    return [grad * (scale * weights / slope.clamp(min=torch.finfo(slope.dtype).tiny)) for grad in along]


@contextmanager
def _untouched(model: nn.Module, params: list[Tensor]) -> Iterator[list[Tensor]]:
    """Eval mode inside, and a copy of the weights; whatever happens, model and random states are as before after it."""
    changing = [*params, *model.buffers()]
    saved = [tensor.clone() for tensor in changing]
    modes = [(module, module.training) for module in model.modules()]
    devices = {tensor.device for tensor in changing if tensor.is_cuda}
    try:
        with torch.random.fork_rng(devices=list(devices)):
            model.eval()
            yield saved[: len(params)]
    finally:
        for tensor, copy in zip(changing, saved, strict=True):
            tensor.copy_(copy)
        for module, mode in modes:
            module.training = mode
