"""The demo's host, known without torch, for those who want to see its features before training."""

from nissa.cli.errors import UsageError
from nissa.pipeline.config import TelemetryConfig, selected

__all__ = ["CLASSES", "LAYERS", "SLOTS", "watched_layers"]

LAYERS = ("host.conv1", "host.conv2", "host.conv3", "host.fc")
SLOTS = ("early", "mid", "late")
CLASSES = tuple("0123456789")


def watched_layers(config: TelemetryConfig) -> list[str]:
    """The layers that `gradients.layers` selects. Raises UsageError for one that the host does not have."""
    try:
        return selected(LAYERS, config.gradients.layers, SLOTS)
    except ValueError as error:
        raise UsageError(error) from None
