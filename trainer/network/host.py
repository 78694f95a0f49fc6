"""The host: a small convolutional network that classifies digits alone, with room for a seed after each block."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from nissa.trainer.data import N_CLASSES, seeded

__all__ = ["ARCHITECTURE", "CHANNELS", "SIDE", "SLOT_CHANNELS", "Channels", "Host", "n_params", "new_host"]

ARCHITECTURE = "cnn_3block"
Channels = tuple[int, int, int]
"""How many leave each block."""
CHANNELS: Channels = (7, 8, 8)
SLOT_CHANNELS = dict(zip(("early", "mid", "late"), CHANNELS, strict=True))
"""The places for seeds, one after each block, with the channels that pass there."""
SIDE = 4
"""Height and width, in pixels, of what passes the slots."""

_Slot = Callable[[Tensor], Tensor]


class Host(nn.Module):
    """Three blocks of convolution, average over the pixels, one linear layer: 1,256 parameters with `CHANNELS`."""

    def __init__(self, channels: Channels = CHANNELS) -> None:
        super().__init__()
        early, mid, late = channels
        self.conv1, self.relu1, self.shrink = _conv(1, early), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.relu2 = _conv(early, mid), nn.ReLU()
        self.conv3, self.relu3 = _conv(mid, late), nn.ReLU()
        self.fc = nn.Linear(late, N_CLASSES)

    def forward(self, images: Tensor, slots: Sequence[_Slot] = (nn.Identity(),) * 3) -> Tensor:
        """Images (n, 1, 8, 8) to logits (n, 10), through one slot after each block; without slots, the host alone."""
        early, mid, late = slots
        x = early(self.shrink(self.relu1(self.conv1(images))))
        x = mid(self.relu2(self.conv2(x)))
        x = late(self.relu3(self.conv3(x)))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def new_host(seed: int, channels: Channels = CHANNELS) -> Host:
    """A host initialized from `seed`; the global generators are left alone."""
    with seeded(seed):
        return Host(channels)


def n_params(module: nn.Module) -> int:
    """Its trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def _conv(channels_in: int, channels_out: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
