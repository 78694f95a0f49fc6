"""What a seed can be: small modules that compute a correction of the same shape as their input.

A slot adds the correction to what passes it. The last layer of each starts at zero, so a new seed changes nothing.
Sizes keep the growth of the model between 1.05x (one norm) and 1.76x (three conv_enhance).
"""

from collections.abc import Callable
from math import sqrt

from torch import Tensor, nn

__all__ = ["BLUEPRINTS", "Attention"]

_BOTTLENECK = 4


class Attention(nn.Module):
    """Self-attention over the pixels, one head (Vaswani et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.queries_keys_values = nn.Conv2d(channels, 3 * channels, 1)
        self.out = _silent(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to the same."""
        q, k, v = self.queries_keys_values(x).flatten(2).chunk(3, dim=1)
        weights = (q.transpose(1, 2) @ k / sqrt(x.shape[1])).softmax(-1)
        mixed = (v @ weights.transpose(1, 2)).view_as(x)
        correction: Tensor = self.out(mixed)
        return correction


def _norm(channels: int) -> nn.Module:
    return nn.Sequential(nn.GroupNorm(1, channels), _silent(nn.Conv2d(channels, channels, 1)))


def _depthwise(channels: int) -> nn.Module:
    spatial = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
    return nn.Sequential(spatial, nn.ReLU(), _silent(nn.Conv2d(channels, channels, 1)))


def _conv_enhance(channels: int) -> nn.Module:
    squeeze = nn.Conv2d(channels, _BOTTLENECK, 3, padding=1)
    return nn.Sequential(squeeze, nn.ReLU(), _silent(nn.Conv2d(_BOTTLENECK, channels, 1)))


def _silent(layer: nn.Conv2d) -> nn.Conv2d:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


BLUEPRINTS: dict[str, Callable[[int], nn.Module]] = {
    "norm": _norm,
    "depthwise": _depthwise,
    "conv_enhance": _conv_enhance,
    "attention": Attention,
}
"""By name: from the channels at a slot to a new module."""
