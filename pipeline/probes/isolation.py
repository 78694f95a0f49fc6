"""Does a seed that learns in isolation leave a trace in the host? There are two ways to it, and each is measured.

| broken by | `forward_leakage` | `leakage` |
|---|---|---|
| an output that reaches the host | sees it | - |
| writing in place on the host's activations | sees it | - |
| the host's running statistics, updated by the seed too | sees it | - |
| a draw from a generator that the host then draws from | sees it, if in the same pass | - |
| an input that is not detached | - | sees it |
| a parameter that the host has, too | - | sees it |

Both look at one pass. What only a later pass shows, such as draws of the next batch, neither sees.

>>> weight = torch.tensor([3.0, 4.0], requires_grad=True)
>>> hidden, seed = 2 * weight, torch.nn.Linear(2, 2)
>>> correction = seed(hidden.detach())
>>> term = correction - correction.detach()
>>> output, moved = forward_leakage(lambda: hidden, lambda: hidden + term)
>>> moved, leakage(output.sum(), [term], [weight])
(tensor(0.), tensor(0.))
>>> forward_leakage(lambda: hidden, lambda: hidden + 0.5)[1]
tensor(0.5000)
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["forward_leakage", "leakage"]


def forward_leakage(
    alone: Callable[[], Tensor], beside: Callable[[], Tensor], buffers: Sequence[Tensor] = ()
) -> tuple[Tensor, Tensor]:
    """What `beside` returns, with its graph, and by how much isolated seeds move it: a scalar, in its unit.

    `alone` runs the host without isolated seeds, `beside` with them, on the same inputs. The scalar is the largest
    absolute difference of an element: of the outputs, and of the host's `buffers` after the pass. It is 0 if and only
    if none differs, infinite or NaN if only one of two is finite. Both passes start from the same buffers and, on CPU
    and the current GPU, the same states of the generators; the training goes on as after `beside` alone. On hardware
    whose kernels do not repeat bit for bit, rounding is seen, too.
    """
    before = [buffer.clone() for buffer in buffers]
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.no_grad(), torch.random.fork_rng(devices):
        expected = [alone().detach(), *(buffer.clone() for buffer in buffers)]
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
    output = beside()
    found = [output.detach(), *buffers]
    return output, torch.stack([_apart(a, b) for a, b in zip(found, expected, strict=True)]).max()


def leakage(loss: Tensor, terms: Sequence[Tensor], host: Sequence[Tensor]) -> Tensor:
    """L2 norm of the gradient that reaches the host's parameters through the terms of isolated seeds: a scalar.

    0 if none does; the values that reach the host are the matter of `forward_leakage`. A term is what a seed adds to
    the host's values in the graph of `loss`, which is used and kept, by one more backward pass; no `.grad` is written,
    no random number drawn, and nothing waits for the device. What is frozen takes no part.
    """
    pushed = _gradients([loss], [term for term in terms if term.requires_grad])
    arrived = _gradients(list(pushed), [p for p in host if p.requires_grad], list(pushed.values()))
    norms = torch._foreach_norm(list(arrived.values())) if arrived else [torch.zeros_like(loss.detach())]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return norm


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """The largest difference; where both are the same infinity, or both NaN, there is none."""
    same = (one == other) | (one.isnan() & other.isnan())
    return torch.where(same, 0.0, (one.float() - other.float()).abs()).max()


def _gradients(
    of: Sequence[Tensor], by: Sequence[Tensor], weighted: Sequence[Tensor] | None = None
) -> dict[Tensor, Tensor]:
    """By tensor, the gradient of a sum of tensors; of those that take no part there is none."""
    if not of or not by:
        return {}
    found = torch.autograd.grad(of, by, weighted, retain_graph=True, allow_unused=True)
    return {tensor: grad for tensor, grad in zip(by, found, strict=True) if grad is not None}
