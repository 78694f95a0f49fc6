"""A look at the plain gradients of a plan: group by group, in the memory of the plan.

>>> layer = torch.nn.Linear(2, 1)
>>> layer.weight.grad, layer.bias.grad = torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])
>>> plan = Plan({"host": [layer.weight, layer.bias]}, lambda layer: True)
>>> found = looked(plan, [p.grad for p in plan.params], Limits(vanishing=1e-7, points=(0.0, 1.0)))
>>> [(own.squares, own.zero) for own in found.totals], found.percentiles
([(25.0, 1.0)], [[0.0, 4.25]])
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS, octaves, quantiles
from nissa.pipeline.probes.gradients.grouped import piece_by_piece, side_by_side
from nissa.pipeline.probes.gradients.grouped.groups import Group
from nissa.pipeline.probes.gradients.grouped.limits import Limits
from nissa.pipeline.probes.gradients.grouped.plan import Plan
from nissa.pipeline.probes.gradients.grouped.workspace import Workspace
from nissa.pipeline.probes.gradients.layer_totals import Array, LayerTotals, by_layer, totals

__all__ = ["looked"]


@np.errstate(all="ignore")
def looked(plan: Plan, found: Sequence[Tensor | None], limits: Limits, norms: Array | None = None) -> LayerTotals:
    """What the gradients `found` are, each None or plain, by parameter; and `norms` theirs, if they are known."""
    look = _Look(plan.space, found, norms, totals(len(plan.params)))
    percentiles, counted = list[list[float]](), list[list[int]]()
    for group, views in zip(plan.groups, plan.views, strict=True):
        shown = limits if group.layers.start < plan.shown else None
        counts = look.reduce(group, views, shown)
        if shown:
            percentiles += _percentiles(group, counts, limits)
            counted += _octaves(group, counts, limits)
    look.columns[0] = [0 if grad is None else n for grad, n in zip(found, plan.sizes, strict=True)]
    return LayerTotals(by_layer(look.columns, plan.first), percentiles, counted)


def _percentiles(group: Group, counts: Tensor | None, limits: Limits) -> list[list[float]]:
    if counts is None:
        return [[] for _ in group.layers] if limits.points else []
    at = torch.tensor(limits.points, dtype=torch.float64, device="cpu")
    found: list[list[float]] = quantiles(counts, at).tolist() if limits.points else []
    return found


def _octaves(group: Group, counts: Tensor | None, limits: Limits) -> list[list[int]]:
    if counts is None:
        return [[] for _ in group.layers] if limits.octaves else []
    found: list[list[int]] = octaves(counts).tolist() if limits.octaves else []
    return found


class _Look(NamedTuple):
    space: Workspace
    found: Sequence[Tensor | None]
    norms: Array | None
    columns: Array
    """The fields of `Totals` by parameter."""

    def reduce(self, group: Group, views: list[Tensor], limits: Limits | None) -> Tensor | None:
        """Fill the columns of a group. Its sketches, by layer (layers, 4096), if asked for and if there is anything."""
        there = any(self.found[i] is not None for i in (*group.small, *(i for i, _ in group.large)))
        if not there:
            return None
        self._reduce_small(group, views, limits)
        counts = self._sketch_small(group) if limits and limits.sketched else None
        self._reduce_large(group, limits, counts)
        return counts

    def _reduce_small(self, group: Group, views: list[Tensor], limits: Limits | None) -> None:
        grads = [self.found[i] for i in group.small]
        here = [place for place, grad in enumerate(grads) if grad is not None]
        if not here:
            return
        whole, there = len(here) == len(grads), [grad for grad in grads if grad is not None]
        views = views if whole else [views[i] for i in here]
        torch._foreach_copy_(views, there)
        squares, keep = None if self.norms is None else np.square(self.norms[group.small]), limits and limits.sketched
        found = side_by_side.reduced(self.space, group.slices, limits, squares, keep=bool(keep))
        if limits and side_by_side.exceptional(found, limits):
            torch._foreach_copy_(views, there)
            side_by_side.count_exceptions(self.space, group.slices, limits, found)
        self.columns[:, [group.small[i] for i in here]] = found if whole else np.array(found)[:, here]

    def _sketch_small(self, group: Group) -> Tensor:
        """What was not copied is something older, and goes into a row of its own."""
        n = len(group.layers)
        if not group.slices:
            return torch.zeros(n, BINS, dtype=torch.int64, device="cpu")
        rows = [n if self.found[i] is None else row for i, row in zip(group.small, group.rows, strict=True)]
        side_by_side.encode(self.space, group.slices, rows)
        return self.space.counted(group.slices[-1].stop, (n + 1) * BINS).view(-1, BINS)[:n]

    def _reduce_large(self, group: Group, limits: Limits | None, counts: Tensor | None) -> None:
        """One by one, and into the sketches, if there are some."""
        for i, row in group.large:
            grad = self.found[i]
            if grad is not None:
                norm = None if self.norms is None else self.norms[i]
                self.columns[:, i] = piece_by_piece.reduced(self.space, grad, limits, norm)
                if counts is not None:
                    counts[row] += piece_by_piece.sketched(self.space, grad)
