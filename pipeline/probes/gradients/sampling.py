"""Which elements stand for a large tensor? Every k-th, with k such that no row or column is left out.

>>> import torch
>>> sampled(torch.arange(12.0), most=4)
(tensor([ 0.,  5., 10.]), 5)
"""

from math import gcd

from torch import Tensor

__all__ = ["MOST", "flat", "sampled"]

MOST = 65_536
"""Elements of a tensor that are looked at."""


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
