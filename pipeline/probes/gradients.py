"""What do the gradients look like, layer by layer? Called after the last backward pass and before clipping.

>>> model = nn.Sequential(nn.Linear(2, 1, bias=False))
>>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> measured = gradients_measured({"host": model})
>>> measured.host_norm, measured.layers["host.0"].mean
(5.0, 3.5)

Everything leaves the device in one transfer. Gradients are read, never written, and no random number is drawn.
"""

from collections.abc import Mapping
from functools import reduce
from math import hypot

import torch
from torch import Tensor, nn

from nissa.events.kinds import GradientsMeasured, LayerGradients
from nissa.pipeline.probes.bit_sketch import quantiles, shares, sketch
from nissa.pipeline.probes.layers import layers

__all__ = ["gathered", "gradients_measured"]

_PERCENTILES = torch.tensor([0.01, 0.25, 0.5, 0.75, 0.99], dtype=torch.float64)


def gradients_measured(parts: Mapping[str, nn.Module]) -> GradientsMeasured:
    """The gradients of a network: its "host", and each slot with a seed by its name, all on one device.

    Norms are accumulated in float32, as by `clip_grad_norm_`: they overflow from 1e19 on and are lost below 1e-19.
    """
    found = {layer: [p.grad for p in own if p.grad is not None] for layer, own in layers(parts).items()}
    grads = {layer: own for layer, own in found.items() if own}
    if not grads:
        return GradientsMeasured(layers={}, slot_norms={}, seed_to_host={})
    rows = dict(zip(grads, _rows(list(grads.values())), strict=True))
    norms = {part: _norm(rows, part) for part in parts if any(_belongs(layer, part) for layer in rows)}
    host_norm = norms.pop("host", None)
    ratios = {slot: norm / host_norm for slot, norm in norms.items()} if host_norm else {}
    return GradientsMeasured(layers=rows, host_norm=host_norm, slot_norms=norms, seed_to_host=ratios)


def gathered(grads: list[list[Tensor]]) -> Tensor:
    """Norms and sums of all gradients, then the sketches of all layers: float64 of one dimension, on the CPU."""
    every = [grad for own in grads for grad in own]
    wide = torch.float64 if any(grad.dtype == torch.float64 for grad in every) else torch.float32
    norms = torch.stack(torch._foreach_norm(every, 2, wide))
    sums = torch.stack([grad.sum(dtype=wide) for grad in every])
    counts = [reduce(torch.add, map(sketch, own)) for own in grads]
    return torch.cat([norms.double(), sums.double(), *counts]).cpu()


def _rows(grads: list[list[Tensor]]) -> list[LayerGradients]:
    """The gradients of each layer, in figures."""
    sizes = [len(own) for own in grads]
    read = gathered(grads)
    norms, sums, counts = torch.split(read, [sum(sizes), sum(sizes), len(read) - 2 * sum(sizes)])
    sketches = counts.view(len(grads), -1)
    n = [sum(grad.numel() for grad in own) for own in grads]
    moments = _moments(torch.tensor(n, dtype=torch.float64), _by_layer(norms.square(), sizes), _by_layer(sums, sizes))
    figures = zip(n, moments, quantiles(sketches, _PERCENTILES).tolist(), shares(sketches).tolist(), strict=True)
    return [_row(*row) for row in figures]


def _by_layer(values: Tensor, sizes: list[int]) -> Tensor:
    """Sums over the gradients of each layer."""
    layer = torch.repeat_interleave(torch.tensor(sizes))
    return values.new_zeros(len(sizes)).index_add_(0, layer, values)


def _moments(n: Tensor, squares: Tensor, total: Tensor) -> list[list[float]]:
    """Norm, mean and standard deviation by layer; the last loses digits where the mean is much larger than it."""
    variance = (squares - total.square() / n).clamp(min=0) / (n - 1)
    rows: list[list[float]] = torch.stack([squares.sqrt(), total / n, variance.sqrt()], 1).tolist()
    return rows


def _row(n: int, moments: list[float], percentiles: list[float], share: list[float]) -> LayerGradients:
    norm, mean, std = moments
    p1, p25, p50, p75, p99 = percentiles
    zero, vanishing, exploding, broken = share
    return LayerGradients(
        elements=n,
        norm=norm,
        mean=mean,
        std=std if n > 1 else None,
        p1=p1,
        p25=p25,
        p50=p50,
        p75=p75,
        p99=p99,
        zero=zero,
        vanishing=vanishing,
        exploding=exploding,
        non_finite=int(broken),
    )


def _belongs(layer: str, part: str) -> bool:
    return layer == part or layer.startswith(f"{part}.")


def _norm(rows: Mapping[str, LayerGradients], part: str) -> float:
    return hypot(*(row.norm for layer, row in rows.items() if _belongs(layer, part)))
