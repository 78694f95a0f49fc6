"""What do the gradients look like, layer by layer? Called after the last backward pass and before clipping.

>>> model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
>>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> measured = gradients_measured({"host": model})
>>> measured.host_norm, measured.layers["host.0"].mean, measured.layers["host.0"].vanishing
(5.0, 3.5, 0.0)

Everything leaves a device in one transfer. Gradients are read, never written, and no random number is drawn.
"""

from itertools import compress

import torch
from torch import Tensor

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config import GradientConfig, matches
from nissa.pipeline.probes.gradients.device_statistics import DeviceStatistics
from nissa.pipeline.probes.gradients.layer_gradients import layer_gradients
from nissa.pipeline.probes.gradients.step_gradients import StepGradients
from nissa.pipeline.probes.model import Parts, Pending

__all__ = ["gradients_begun", "gradients_measured"]

_ALL = GradientConfig(enabled=True)


def gradients_measured(parts: Parts, config: GradientConfig = _ALL, batch: int = 0) -> GradientsMeasured:
    """The gradients of a network: its "host", and each slot with a seed by its name, as `config` says.

    `config.layers` chooses rows; norms of host and slots are over all. With mixed precision, call it after the
    scaler's `unscale_`. What a sparse gradient does not hold is 0, and a complex one counts as twice as many real
    ones. Norms are accumulated in float32, as by `clip_grad_norm_`: they overflow from 1e19 on and are lost below
    1e-19. Raises TypeError for sharded parameters (DTensor, FSDP).
    """
    return gradients_begun(StepGradients(parts), config, batch).take()


@torch.no_grad()
def gradients_begun(step: StepGradients, config: GradientConfig = _ALL, batch: int = 0) -> Pending[GradientsMeasured]:
    """The same of gradients whose norms are known, with the figures on their way: from a GPU while the host goes on."""
    shown = [_wanted(grad.layer, config) for grad in step.known]
    grads = list(compress(step.known, shown))
    values, sizes = list(compress(step.values, shown)), list(compress(step.sizes, shown))
    limit = config.exploding_threshold if config.detect_exploding else None
    gathering = DeviceStatistics(grads, values, sizes, sketched=_sketched(config), above=limit)
    parts = list(step.norms)

    def finish(figures: list[Tensor]) -> GradientsMeasured:
        norms = {part: float(norm) for part, norm in zip(parts, figures, strict=False)}
        host_norm = norms.pop("host", None)
        return GradientsMeasured(
            batch=batch,
            layers=layer_gradients(grads, gathering.read(figures[len(parts) :]), config),
            host_norm=host_norm,
            slot_norms=norms,
            seed_to_host={slot: norm / host_norm for slot, norm in norms.items()} if host_norm else {},
        )

    return Pending([*step.norms.values(), *gathering.figures], finish)


def _wanted(layer: str, config: GradientConfig) -> bool:
    return config.layers == "all" or any(matches(layer, name) for name in config.layers)


def _sketched(config: GradientConfig) -> bool:
    return bool(config.percentiles or config.detect_vanishing or config.full_histogram)
