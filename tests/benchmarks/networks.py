"""Which networks does a probe have to be cheap on? Convolutions, a transformer, the demo's host, and the hard case.

A convolution does a thousand operations for each of its parameters, and beside it any way to read gradients looks
cheap. A multilayer perceptron does six for each sample: there a claim of low overhead is decided.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from nissa.trainer.data.digits import BATCH_SIZE, load_digits
from nissa.trainer.network.host import new_host

__all__ = ["NETWORKS", "Network"]

TOKENS, CONTEXT, WIDTH, HEADS, BLOCKS = 256, 64, 128, 4, 5


class Network(NamedTuple):
    """A network to train, a batch for it, and how long to look at it."""

    name: str
    make: Callable[[], nn.Module]
    batch: Callable[[], tuple[Tensor, Tensor]]
    """Inputs, and labels for each row that the network puts out."""
    epoch: int
    """Steps of an epoch."""
    pairs: int
    """Pairs of steps for each variant; fewer where a step takes long."""
    turn: int = 1
    """Steps at a stretch; more where a step is so short that going from one network to the other would weigh."""
    convolutional: bool = False


def _cnn(scale: float) -> nn.Module:
    layers: list[Any] = []
    widths = [3, *(round(scale * width) for width in (16, 32, 32, 48, 64, 56))]
    for i, o, stride in zip(widths, widths[1:], (1, 1, 2, 1, 2, 2), strict=False):
        layers += [nn.Conv2d(i, o, 3, padding=1, stride=stride, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))


def _mlp() -> nn.Module:
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(3072, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()),
        *(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)),
    )


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, 2))
        mixed = scaled_dot_product_attention(q, k, v, is_causal=True)
        y: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return y


class _Residual(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(WIDTH), *layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y


class _Gpt(nn.Module):
    """A language model over bytes: (n, 64) to logits (64 n, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(TOKENS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        blocks = [[_Residual(_Attention()), _Residual(*_feed_forward())] for _ in range(BLOCKS)]
        self.blocks = nn.Sequential(*(half for block in blocks for half in block))
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, TOKENS))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places.weight
        logits: Tensor = self.head(self.blocks(x)).flatten(0, 1)
        return logits


def _feed_forward() -> list[nn.Module]:
    return [nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)]


def _images() -> tuple[Tensor, Tensor]:
    return torch.randn(64, 3, 32, 32), torch.randint(10, (64,))


def _text() -> tuple[Tensor, Tensor]:
    return torch.randint(TOKENS, (16, CONTEXT)), torch.randint(TOKENS, (16 * CONTEXT,))


def _digits() -> tuple[Tensor, Tensor]:
    return load_digits().train_images[:BATCH_SIZE], load_digits().train_labels[:BATCH_SIZE]


NETWORKS = (
    Network("CNN", partial(_cnn, 1.0), _images, epoch=100, pairs=40, convolutional=True),
    Network("CNN", partial(_cnn, 3.5), _images, epoch=100, pairs=6, convolutional=True),
    Network("MLP", _mlp, _images, epoch=100, pairs=120, turn=10),
    Network("GPT", _Gpt, _text, epoch=100, pairs=24),
    Network("The demo's host", partial(new_host, 0), _digits, epoch=23, pairs=400, turn=10, convolutional=True),
)
