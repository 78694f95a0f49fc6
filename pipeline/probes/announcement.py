"""The announcement of what will be measured of a network, said first, so that a log explains itself."""

from collections.abc import Mapping, Sequence

from nissa.events.kinds import ProbesConfigured
from nissa.pipeline.config import TelemetryConfig, feature_names_of, selected
from nissa.pipeline.probes.activations import recordable
from nissa.pipeline.probes.model import Parts, layers_of, together

__all__ = ["probes_configured"]


def probes_configured(
    config: TelemetryConfig,
    plan: TelemetryConfig,
    parts: Parts,
    slots: Sequence[str],
    classes: Sequence[str],
) -> ProbesConfigured:
    """What a watch with this configuration, and the plan that follows from it, will measure of a network.

    Raises ValueError if a layer is named that the host does not have, unless it is one of a slot.
    """
    known = [layer for layer in layers_of(parts) if layer.partition(".")[0] == "host"]
    host = selected(known, plan.gradients.layers, {*slots, *parts} - {"host"})
    told = together(host, plan.gradients.groups)
    return ProbesConfigured(
        profile=config.profile_name,
        config=config.model_dump(mode="json"),
        history_length=config.history_length,
        vanishing_threshold=plan.gradients.vanishing_threshold,
        exploding_threshold=plan.gradients.exploding_threshold,
        layers=[*told],
        slots=list(slots),
        classes=list(classes),
        features=_features(plan, [*told], _unrecordable(parts, told), slots, classes),
    )


def _features(
    plan: TelemetryConfig, layers: list[str], silent: list[str], slots: Sequence[str], classes: Sequence[str]
) -> dict[str, list[str]]:
    """Names by group, without what layers put out that cannot be recorded."""
    names = feature_names_of(plan, layers=layers, slots=slots, classes=classes)
    missing = set(feature_names_of(plan, layers=silent).get("activations", ()) if silent else ())
    return {
        group: [name for name in own if group != "activations" or name not in missing] for group, own in names.items()
    }


def _unrecordable(parts: Parts, told: Mapping[str, list[str]]) -> list[str]:
    """The layers, or groups of them, of which none can be recorded."""
    known = set(recordable(parts).values())
    return [name for name, layers in told.items() if not known.intersection(layers)]
