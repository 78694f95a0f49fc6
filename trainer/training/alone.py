"""Hosts of other widths, trained alone: what a network of another size comes to that never grows.

Each has the seed and the data order of its environment, as the twin, which is the host at width 1.
"""

from collections.abc import Iterator, Sequence

from nissa.events.kinds import BatchCompleted, HostAloneTrained
from nissa.pipeline.emitter import Emitter
from nissa.trainer.data import batches, generator, load_digits
from nissa.trainer.network import CHANNELS, Channels, Model, n_params
from nissa.trainer.training.epoch import train_epoch
from nissa.trainer.training.validation import validate

__all__ = ["WIDTHS", "hosts_alone"]

WIDTHS = (0.75, 1.25, 1.75)
"""Channels of each block by those of the host, as the demo trains them: 0.6 to 2.8 times its parameters."""


def hosts_alone(
    widths: Sequence[float], torch_seed: int, data_seed: int, epochs: int, emitter: Emitter
) -> Iterator[HostAloneTrained]:
    """Train a host of each width for so many epochs, and validate it then."""
    for width in widths:
        model, order = Model(torch_seed, emitter, _channels(width)), generator(data_seed)
        for _ in range(epochs):
            train_epoch(model, batches(load_digits(), order), report=_keep_quiet)
        validated = validate(model, load_digits())
        yield HostAloneTrained(
            width=width,
            host_params=n_params(model.host),
            epochs=epochs,
            final_loss=validated.loss,
            final_accuracy=validated.accuracy,
        )


def _channels(width: float) -> Channels:
    early, mid, late = (max(1, round(width * channels)) for channels in CHANNELS)
    return early, mid, late


def _keep_quiet(_: BatchCompleted) -> None:
    """The batches of these hosts are nobody's news."""
