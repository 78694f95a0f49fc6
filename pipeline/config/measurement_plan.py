"""How closely is a network looked at? As the configuration says or, when all is wanted, as the profile `research`.

>>> config = TelemetryConfig(gradients={"enabled": True, "layers": ["fc"], "percentiles": [10]})
>>> dense(config).gradients.every, dense(config).gradients.layers, dense(config).gradients.percentiles
(1, ['fc'], [1, 5, 10, 25, 50, 75, 95, 99])
"""

from nissa.pipeline.config.profiles import load
from nissa.pipeline.config.settings import GradientConfig, LossLandscapeConfig, TelemetryConfig

__all__ = ["dense", "planned"]


def planned(config: TelemetryConfig) -> TelemetryConfig:
    """What is measured at the fidelity "normal": in the mode "research" it is dense already."""
    return dense(config) if config.mode == "research" else config


def dense(config: TelemetryConfig) -> TelemetryConfig:
    """The profile `research` with the layers and thresholds of `config`, and at least what that measures anyway."""
    research = load("research")
    measured = {
        "gradients": _gradients(config.gradients, research.gradients),
        "loss_landscape": _landscape(config.loss_landscape, research.loss_landscape),
        "per_class": research.per_class,
        "track_weight_norms": research.track_weight_norms,
        "track_activation_stats": research.track_activation_stats,
    }
    return config.model_copy(update=measured)


def _gradients(own: GradientConfig, research: GradientConfig) -> GradientConfig:
    kept = own.model_dump(include={"layers", "vanishing_threshold", "exploding_threshold"})
    percentiles = sorted({*research.percentiles, *own.percentiles})
    return research.model_copy(update={**kept, "percentiles": percentiles})


def _landscape(own: LossLandscapeConfig, research: LossLandscapeConfig) -> LossLandscapeConfig:
    finest = {
        "every": min(own.every, research.every),
        "perturbation_samples": max(own.perturbation_samples, research.perturbation_samples),
    }
    return research.model_copy(update={"perturbation_scale": own.perturbation_scale, **finest})
