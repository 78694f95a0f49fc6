"""What do the gradients look like, layer by layer? Called after the last backward pass and before clipping.

>>> model = nn.Sequential(nn.Linear(2, 1, bias=False))
>>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> measured = gradients_measured({"host": model})
>>> measured.host_norm, measured.layers["host.0"].mean, measured.layers["host.0"].vanishing
(5.0, 3.5, 0.0)

Everything leaves a device in one transfer. Gradients are read, never written, and no random number is drawn.
"""

from collections.abc import Mapping, Sequence
from math import hypot

import torch
from torch import Tensor, nn

from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config import GradientConfig, matches
from nissa.pipeline.probes.gradients.device_statistics import DeviceStatistics, Gradient
from nissa.pipeline.probes.gradients.layer_gradients import layer_gradients
from nissa.pipeline.probes.model import Pending, layers_of, unsharded

__all__ = ["gradients_begun", "gradients_measured"]

_ALL = GradientConfig(enabled=True)


def gradients_measured(
    parts: Mapping[str, nn.Module], config: GradientConfig = _ALL, batch: int = 0
) -> GradientsMeasured:
    """The gradients of a network: its "host", and each slot with a seed by its name, as `config` says.

    `config.layers` chooses rows; norms of host and slots are over all. With mixed precision, call it after the
    scaler's `unscale_`. What a sparse gradient does not hold is 0, and a complex one counts as twice as many real
    ones. Norms are accumulated in float32, as by `clip_grad_norm_`: they overflow from 1e19 on and are lost below
    1e-19. Raises TypeError for sharded parameters (DTensor, FSDP).
    """
    return gradients_begun(parts, config, batch).take()


@torch.no_grad()
def gradients_begun(
    parts: Mapping[str, nn.Module], config: GradientConfig = _ALL, batch: int = 0
) -> Pending[GradientsMeasured]:
    """The same, with the figures on their way: from a GPU they come while the host goes on."""
    found = layers_of(parts)
    unsharded(p for own in found.values() for p in own)
    grads = [(layer, p.grad) for layer, own in found.items() for p in own if p.grad is not None and p.grad.numel()]
    grads.sort(key=lambda item: not _wanted(item[0], config))
    values = [_dense(grad) for _, grad in grads]
    known = [_known(layer, grad, held) for (layer, grad), held in zip(grads, values, strict=True)]
    shown = [grad for grad in known if _wanted(grad.layer, config)]
    limit = config.exploding_threshold if config.detect_exploding else None
    gathering = DeviceStatistics(shown, values, sketched=_sketched(config), above=limit)
    names = list(parts)

    def finish(figures: list[Tensor]) -> GradientsMeasured:
        read = gathering.read(figures)
        norms = _part_norms(names, known, read.norms)
        host_norm = norms.pop("host", None)
        return GradientsMeasured(
            batch=batch,
            layers=layer_gradients(shown, read, config),
            host_norm=host_norm,
            slot_norms=norms,
            seed_to_host={slot: norm / host_norm for slot, norm in norms.items()} if host_norm else {},
        )

    return Pending(gathering.figures, finish)


def _part_norms(parts: Sequence[str], grads: Sequence[Gradient], norms: Sequence[float]) -> dict[str, float]:
    """Norms of host and slots, of those that have a gradient."""
    own = {part: [n for g, n in zip(grads, norms, strict=True) if _belongs(g.layer, part)] for part in parts}
    return {part: hypot(*found) for part, found in own.items() if found}


def _dense(grad: Tensor) -> Tensor:
    """What a gradient holds, as real numbers."""
    values = grad.coalesce().values() if grad.is_sparse else grad
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values


def _known(layer: str, grad: Tensor, held: Tensor) -> Gradient:
    n = grad.numel() * (2 if grad.is_complex() else 1)
    return Gradient(layer, n, n - held.numel())


def _wanted(layer: str, config: GradientConfig) -> bool:
    return config.layers == "all" or any(matches(layer, name) for name in config.layers)


def _sketched(config: GradientConfig) -> bool:
    return bool(config.percentiles or config.detect_vanishing or config.full_histogram)


def _belongs(layer: str, part: str) -> bool:
    return layer == part or layer.startswith(f"{part}.")
