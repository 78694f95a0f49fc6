"""How closely is a network looked at, and which features does that give?

As closely as the configuration says or, when all is wanted, as the profile `research`.

>>> config = TelemetryConfig(gradients={"enabled": True, "layers": ["fc"], "percentiles": [10]})
>>> dense(config).gradients.every, dense(config).gradients.layers, dense(config).gradients.percentiles
(1, ['fc'], [1, 5, 10, 25, 50, 75, 95, 99])
>>> {group: len(names) for group, names in feature_names_of(load("minimal")).items()}
{'base': 27}
"""

from collections.abc import Sequence

from nissa.operators.features import feature_names
from nissa.pipeline.config.profiles import load, profile_names
from nissa.pipeline.config.settings import GradientConfig, LossLandscapeConfig, TelemetryConfig

__all__ = ["dense", "feature_names_of", "planned", "set_by_hand"]


def planned(config: TelemetryConfig) -> TelemetryConfig:
    """What is measured at the fidelity "normal": where all is measured all the time, it is dense already."""
    return dense(config) if config.always_dense else config


def dense(config: TelemetryConfig) -> TelemetryConfig:
    """The profile `research` with the layers, groups, sample and thresholds of `config`, and what that measures."""
    research = load("research")
    measured = {
        "gradients": _gradients(config.gradients, research.gradients),
        "loss_landscape": _landscape(config.loss_landscape, research.loss_landscape),
        "per_class": research.per_class,
        "track_weight_norms": research.track_weight_norms,
        "track_activation_stats": research.track_activation_stats,
    }
    return config.model_copy(update=measured)


def set_by_hand(config: TelemetryConfig) -> frozenset[str]:
    """The looks whose cadence is not that of a built-in profile: nobody but who set it changes it.

    >>> sorted(set_by_hand(TelemetryConfig(gradients={"every": 7}))), sorted(set_by_hand(load("research")))
    (['gradients'], [])
    """
    looks = ("gradients", "loss_landscape")
    if config.profile_name not in profile_names():
        return frozenset((*looks, "epoch"))
    own = load(config.profile_name)
    return frozenset(look for look in looks if getattr(config, look).every != getattr(own, look).every)


def feature_names_of(
    config: TelemetryConfig, layers: Sequence[str] = (), slots: Sequence[str] = (), classes: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Names of the features by group, for a host with these slots and classes.

    `layers` are those that `gradients.layers` selects. The names follow from the configuration: when
    `telemetry.fidelity` becomes "dense" later, more is measured, and the vector stays as it is.

    Raises ValueError where two features would have one name.
    """
    return feature_names(planned(config).model_dump(), layers, slots, classes)


def _gradients(own: GradientConfig, research: GradientConfig) -> GradientConfig:
    kept = own.model_dump(include={"layers", "groups", "sample", "vanishing_threshold", "exploding_threshold"})
    percentiles = sorted({*research.percentiles, *own.percentiles})
    return research.model_copy(update={**kept, "percentiles": percentiles})


def _landscape(own: LossLandscapeConfig, research: LossLandscapeConfig) -> LossLandscapeConfig:
    finest = {
        "every": min(own.every, research.every),
        "perturbation_samples": max(own.perturbation_samples, research.perturbation_samples),
    }
    return research.model_copy(update={"perturbation_scale": own.perturbation_scale, **finest})
