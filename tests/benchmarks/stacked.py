"""A transformer of today's form, of any size: attention with shared keys and values, a gated feed-forward, RMS norms.

`WIDE` has 80 billion parameters, and is made on the meta device. A narrow one has the same layers, and can train.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

__all__ = ["WIDE", "Shape", "stacked"]

_HEADS = 8


class Shape(NamedTuple):
    """Blocks, and the widths of what is in them."""

    blocks: int
    width: int
    hidden: int
    """Of the feed-forward."""
    shared: int
    """Of keys and values."""
    words: int


WIDE = Shape(blocks=91, width=8192, hidden=28_672, shared=1024, words=128_256)


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (
            nn.Linear(one, other, bias=False)
            for one, other in (
                (shape.width, shape.width),
                (shape.width, shape.shared),
                (shape.width, shape.shared),
                (shape.width, shape.width),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        wide = self.q(x).unflatten(-1, (_HEADS, -1)).transpose(1, 2)
        keys, values = (
            own(x).unflatten(-1, (-1, wide.shape[-1])).transpose(1, 2).repeat_interleave(n, 1)
            for own, n in ((self.k, self._times(wide)), (self.v, self._times(wide)))
        )
        y: Tensor = self.o(scaled_dot_product_attention(wide, keys, values, is_causal=True).transpose(1, 2).flatten(2))
        return y

    def _times(self, wide: Tensor) -> int:
        """Heads that share keys and values."""
        return _HEADS * int(wide.shape[-1]) // self.k.out_features


class _Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.RMSNorm(shape.width), _Attention(shape), nn.RMSNorm(shape.width)
        self.gate, self.up, self.down = (
            nn.Linear(one, other, bias=False)
            for one, other in ((shape.width, shape.hidden), (shape.width, shape.hidden), (shape.hidden, shape.width))
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        inside = self.norm2(x)
        y: Tensor = x + self.down(silu(self.gate(inside)) * self.up(inside))
        return y


class _Stacked(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.words = nn.Embedding(shape.words, shape.width)
        self.blocks = nn.ModuleList(_Block(shape) for _ in range(shape.blocks))
        self.norm, self.head = nn.RMSNorm(shape.width), nn.Linear(shape.width, shape.words, bias=False)

    def forward(self, words: Tensor) -> Tensor:
        x = self.words(words)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x)).flatten(0, 1)
        return logits


def stacked(shape: Shape) -> nn.Module:
    """Words (n, t) to logits (n t, words)."""
    torch.manual_seed(0)
    return _Stacked(shape)
