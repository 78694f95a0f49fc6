"""Which features does a configuration give for a network? Known before it is trained.

>>> from nissa.pipeline.config.profiles import load
>>> names = feature_names_of(load("minimal"))
>>> {group: len(own) for group, own in names.items()}
{'base': 27}
"""

from collections.abc import Sequence

from nissa.operators.features.names import feature_names
from nissa.pipeline.config.measurement_plan import planned
from nissa.pipeline.config.settings import TelemetryConfig

__all__ = ["feature_names_of"]


def feature_names_of(
    config: TelemetryConfig, layers: Sequence[str] = (), slots: Sequence[str] = (), classes: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Names by group, for a host with these slots and classes; `layers` are those that `gradients.layers` selects.

    They follow from the configuration: when `telemetry.fidelity` becomes "dense" later, more is measured, and the
    vector stays as it is. Raises ValueError where two features would have one name.
    """
    return feature_names(planned(config).model_dump(), layers, slots, classes)
