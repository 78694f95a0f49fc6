"""The loss around the weights, explored as the configuration says; where it has no gradient, without that."""

from collections.abc import Callable

from torch import Tensor, nn

from nissa.pipeline.config import LossLandscapeConfig
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes.landscape.sharpness import sharpness_measured, slope_of

__all__ = ["explore_landscape"]


def explore_landscape(
    emitter: Emitter, config: LossLandscapeConfig, model: nn.Module, loss: Callable[[], Tensor]
) -> None:
    """Emit the sharpness of `loss` along its own gradient and, if `config` says so, in random directions."""
    slope = emitter.attempt("sharpness_gradient", slope_of, model, loss) or ()
    pairs, scale = config.perturbation_samples if config.estimate_sharpness else 0, config.perturbation_scale
    emitter.measure("sharpness_measured", lambda: sharpness_measured(model, loss, slope, pairs=pairs, scale=scale))
