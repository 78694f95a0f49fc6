"""What will be measured of this network? Said before anything is, so that a log explains itself."""

from collections.abc import Mapping, Sequence

from torch import nn

from nissa.events.kinds import ProbesConfigured
from nissa.pipeline.config import TelemetryConfig
from nissa.pipeline.feature_schema import feature_names_of
from nissa.pipeline.layer_names import selected
from nissa.pipeline.probes.layers import layers

__all__ = ["probes_configured"]


def probes_configured(
    config: TelemetryConfig,
    plan: TelemetryConfig,
    parts: Mapping[str, nn.Module],
    slots: Sequence[str],
    classes: Sequence[str],
) -> ProbesConfigured:
    """What a watch with this configuration, and the plan that follows from it, will measure of a network.

    Raises ValueError if a layer is named that the host does not have, unless it is one of a slot.
    """
    known = list(layers({"host": parts["host"]})) if "host" in parts else []
    host = selected(known, plan.gradients.layers, {*slots, *parts} - {"host"})
    return ProbesConfigured(
        profile=config.profile_name,
        config=config.model_dump(mode="json"),
        history_length=config.history_length,
        vanishing_threshold=plan.gradients.vanishing_threshold,
        exploding_threshold=plan.gradients.exploding_threshold,
        layers=host,
        slots=list(slots),
        classes=list(classes),
        features=feature_names_of(plan, layers=host, slots=slots, classes=classes),
    )
