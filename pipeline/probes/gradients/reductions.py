"""What a gradient is reduced to: its norm, counts of broken and of too large elements, a sample; nothing waits.

>>> grads = [torch.tensor([3.0, 4.0]), torch.tensor([0.0, torch.inf])]
>>> sizes = torch.stack(norms(grads))
>>> odd = broken(grads, sizes)
>>> sizes.tolist(), odd.tolist(), above(grads, sizes, odd, 3.5).tolist()
([5.0, inf], [0.0, 1.0], [1.0, 0.0])
>>> sampled(torch.arange(12.0), most=4)
(tensor([ 0.,  5., 10.]), 5)
"""

from math import gcd

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import hardshrink

__all__ = ["MOST", "PIECE", "above", "before", "broken", "flat", "norms", "sampled", "vanishing", "widest", "zeros"]

MOST = 65_536
"""Elements of a tensor that are looked at in a sample."""
PIECE = 1 << 16
"""Elements that are added up one by one at most."""
_ROUNDING = 0.01
"""By how much a norm is surely not off, relative to it."""


def norms(grads: list[Tensor]) -> list[Tensor]:
    """L2 norms of tensors on one device, scalars in float32; in float64 if one of the tensors is.

    The CPU adds up one by one, and loses digits in long tensors: it gets those in pieces.
    """
    wide = widest(grads)
    long = [i for i, grad in enumerate(grads) if grad.numel() > PIECE and grad.device.type == "cpu"]
    found = list(torch._foreach_norm([grad[:0] if i in long else grad for i, grad in enumerate(grads)], 2, wide))
    for i in long:
        found[i] = torch.stack(torch._foreach_norm(torch.split(flat(grads[i]), PIECE), 2, wide)).norm()
    return found


def widest(grads: list[Tensor]) -> torch.dtype:
    """What they are added up in."""
    return torch.float64 if any(grad.dtype == torch.float64 for grad in grads) else torch.float32


def broken(grads: list[Tensor], sizes: Tensor) -> Tensor:
    """How many elements are NaN or infinite (n,): x - x is 0 for all others. `sizes` are the norms, `grads` first.

    Empty if there are none: on the CPU finite norms show it. A GPU is not asked, because that would wait.
    """
    if not grads or (sizes.device.type == "cpu" and sizes.isfinite().all()):
        return sizes.new_zeros(0)
    return torch.stack([torch.linalg.vector_norm(grad - grad, 0, dtype=torch.float64) for grad in grads])


def above(grads: list[Tensor], sizes: Tensor, odd: Tensor, limit: float | None) -> Tensor:
    """How many finite elements are above `limit` in magnitude (n,), exactly; empty without a limit.

    `odd` are the broken ones. No element exceeds its tensor's norm: on the CPU only those are counted of which the norm
    does not show that there are none.
    """
    if not grads or limit is None:
        return sizes.new_zeros(0)
    counted = [True] * len(grads)
    if sizes.device.type == "cpu":
        counted = [not size < (1 - _ROUNDING) * limit for size in sizes[: len(grads)].tolist()]
    none = sizes.new_zeros((), dtype=torch.float64)
    found = torch.stack([_beyond(grad, limit) if count else none for grad, count in zip(grads, counted, strict=True)])
    return found - odd if len(odd) else found


def zeros(grads: list[Tensor], limit: float | None) -> Tensor:
    """How many elements are 0 (n,); empty without a limit."""
    if not grads or limit is None:
        return torch.zeros(0, device="cpu")
    return torch.stack([grad.numel() - grad.count_nonzero() for grad in grads]).double()


def vanishing(grads: list[Tensor], limit: float | None) -> Tensor:
    """How many elements are below `limit` in magnitude (n,), exactly; empty without a limit."""
    if not grads or limit is None:
        return torch.zeros(0, device="cpu")
    return torch.stack([grad.numel() - _beyond(grad, before(limit, _compared(grad.dtype))) for grad in grads])


def sampled(values: Tensor, most: int = MOST) -> tuple[Tensor, int]:
    """At most `most` elements, flat, and k: each stands for k. All of them, and 1, if there are no more.

    k has no factor in common with any dimension. With one that divides the length of a row, only a few columns would
    be seen; so, every column is seen as often as any other, in whatever order the elements lie in memory.
    """
    n, k = values.numel(), -(-values.numel() // most)
    while gcd(k, n) > 1:
        k += 1
    own = flat(values)
    return (own.unfold(0, 1, k).squeeze(1) if k > 1 else own), k


def flat(values: Tensor) -> Tensor:
    """A tensor of one dimension, in the order of memory, which is no copy if the elements lie there without gaps."""
    if values.is_contiguous():
        return values.view(-1)
    order = sorted(range(values.dim()), key=values.stride, reverse=True)
    return values.permute(order).reshape(-1)


def before(limit: float, dtype: type[np.float32] | type[np.float64]) -> float:
    """The largest number of a type below the limit."""
    near = dtype(min(limit, float(np.finfo(dtype).max)))
    return float(near if float(near) < limit else np.nextafter(near, dtype(0)))


def _compared(dtype: torch.dtype) -> type[np.float32] | type[np.float64]:
    """As what elements are compared with a limit."""
    return np.float64 if dtype == torch.float64 else np.float32


def _beyond(grad: Tensor, limit: float) -> Tensor:
    """How many elements are above `limit`, or broken: of the others hardshrink makes 0."""
    wide = grad if grad.dtype == torch.float64 else grad.float()
    return hardshrink(wide, min(limit, torch.finfo(wide.dtype).max)).count_nonzero().double()
