"""Percentiles of layers on their device: of small ones by sorting, all at once, of the others from their sketches.

>>> layer = [(Gradient("fc", 3, absent=1), torch.tensor([2.0, torch.nan, -1.0]))]
>>> percentiles([layer], torch.zeros(1, 4096, dtype=torch.int64), torch.tensor([0.0, 0.5, 1.0]))
tensor([[-1.,  0.,  2.]], dtype=torch.float64)
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from nissa.pipeline.probes.gradients.bit_sketch import EXACT, neighbours, quantiles
from nissa.pipeline.probes.gradients.reductions import flat, sampled
from nissa.pipeline.probes.gradients.step_gradients import Gradient

__all__ = ["percentiles"]

Layer = Sequence[tuple[Gradient, Tensor]]


def percentiles(layers: Sequence[Layer], counts: Tensor, at: Tensor) -> Tensor:
    """As `bit_sketch.quantiles` has them of the sketches `counts`; exactly, where a layer is small. Nothing waits."""
    small = [i for i, layer in enumerate(layers) if sum(g.absent + v.numel() for g, v in layer) <= EXACT]
    exact = dict(zip(small, _sorted([layers[i] for i in small], at, counts.device), strict=True)) if small else {}
    if len(exact) == len(layers):
        return torch.stack(list(exact.values()))
    ranges = [_range(layer, counts.device) for layer in layers]
    found = quantiles(counts, at, *(torch.stack(ends) for ends in zip(*ranges, strict=True)))
    return torch.stack([exact.get(i, own) for i, own in enumerate(found.unbind())])


def _sorted(layers: Sequence[Layer], at: Tensor, device: torch.device) -> Sequence[Tensor]:
    """By layer (q,), in float64. What is not finite comes last, and is not counted."""
    rows = [torch.cat([_absent(layer, device), *(_wide(value, device) for _, value in layer)]) for layer in layers]
    ordered = pad_sequence([_numbers(row) for row in rows], batch_first=True, padding_value=torch.inf).sort(1).values
    n = ordered.isfinite().sum(1, keepdim=True)
    lower, upper, part = neighbours(n, at)
    found = torch.lerp(ordered.gather(1, lower), ordered.gather(1, upper), part)
    return torch.where(n > 0, found, torch.nan).unbind()


def _absent(layer: Layer, device: torch.device) -> Tensor:
    return torch.zeros(sum(grad.absent for grad, _ in layer), dtype=torch.float64, device=device)


def _wide(value: Tensor, device: torch.device) -> Tensor:
    return flat(value).to(device, torch.float64, non_blocking=True)


def _numbers(values: Tensor, otherwise: float = torch.inf) -> Tensor:
    """With something else in place of what is not finite."""
    return torch.where(values.isfinite(), values, otherwise)


def _range(layer: Layer, device: torch.device) -> tuple[Tensor, Tensor]:
    """Of what the sketch has seen, the least and the largest finite element."""
    some = [_absent(layer, device)[:1]] if any(grad.absent for grad, _ in layer) else []
    seen = [*some, *(sampled(value)[0].to(device, non_blocking=True) for _, value in layer)]
    least = torch.stack([_numbers(values).amin().double() for values in seen]).amin()
    return least, torch.stack([_numbers(values, -torch.inf).amax().double() for values in seen]).amax()
