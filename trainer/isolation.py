"""How a seed learns beside the host without touching it, and the measurement that it does not.

>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> seed = torch.nn.Linear(2, 2)
>>> output, _ = isolated(x, seed)
>>> torch.equal(output, x), torch.autograd.grad(output.sum(), x)[0].tolist()
(True, [1.0, 1.0])
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["isolated", "leakage"]


def isolated(x: Tensor, seed: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """`x` itself, with a term added that is zero but hands the gradient at this place on to the seed.

    A straight-through estimator (Bengio et al. 2013) on a detached input: the seed learns what its correction should
    be, and the host gets exactly the gradient that it would get without a seed. Returns the output and the term.
    """
    correction = seed(x.detach())
    term = correction - correction.detach()
    return x + term, term


def leakage(loss: Tensor, terms: Sequence[Tensor], host: Sequence[Tensor]) -> float:
    """L2 norm of the gradient that reaches the host's parameters through the terms of isolated seeds.

    0 if and only if the isolation holds. Uses the graph of `loss` and keeps it; no `.grad` is written, no random
    number drawn.
    """
    pulls = torch.autograd.grad(loss, terms, retain_graph=True)
    leaks = torch.autograd.grad(terms, host, pulls, retain_graph=True, allow_unused=True)
    found = [leak for leak in leaks if leak is not None]
    return float(torch.stack(torch._foreach_norm(found)).norm()) if found else 0.0
