"""Hosts of other widths, trained alone: what a network of another size comes to that never grows.

Each has the seed and the data order of its environment, as the twin, which is the host at width 1.
"""

from collections.abc import Iterator, Sequence

from nissa.events.kinds import HostAloneTrained
from nissa.pipeline.emitter import Emitter
from nissa.trainer.network import CHANNELS, Channels
from nissa.trainer.training.twin import train_twin

__all__ = ["WIDTHS", "hosts_alone"]

WIDTHS = (0.75, 1.25, 1.75)
"""Channels of each block by those of the host, as the demo trains them: 0.6 to 2.8 times its parameters."""


def hosts_alone(
    widths: Sequence[float], torch_seed: int, data_seed: int, epochs: int, emitter: Emitter
) -> Iterator[HostAloneTrained]:
    """Train a host of each width for so many epochs, and validate it then."""
    for width in widths:
        model, course = train_twin(torch_seed, data_seed, epochs, emitter, _channels(width), quiet=True)
        yield HostAloneTrained(
            width=width,
            host_params=model.host_params,
            epochs=epochs,
            final_loss=course.val_losses[-1],
            final_accuracy=course.val_accuracies[-1],
        )


def _channels(width: float) -> Channels:
    early, mid, late = (max(1, round(width * channels)) for channels in CHANNELS)
    return early, mid, late
