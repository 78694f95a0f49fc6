"""How a seed learns beside the host without touching it; `pipeline/probes/isolation.py` measures that it does not.

>>> import torch
>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> seed = torch.nn.Linear(2, 2)
>>> output, _ = isolated(x, seed)
>>> torch.equal(output, x), torch.autograd.grad(output.sum(), x)[0].tolist()
(True, [1.0, 1.0])
"""

from collections.abc import Callable

from torch import Tensor

__all__ = ["isolated"]


def isolated(x: Tensor, seed: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """`x` itself, with a term added that is zero but hands the gradient at this place on to the seed.

    A straight-through estimator (Bengio et al. 2013) on a detached input: the seed learns what its correction should
    be, and the host gets exactly the gradient that it would get without a seed. Returns the output and the term.
    """
    correction = seed(x.detach())
    term = correction - correction.detach()
    return x + term, term
