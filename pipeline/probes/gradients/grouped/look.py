"""A look at the plain gradients of a plan: group by group, in the memory of the plan.

>>> layer = torch.nn.Linear(2, 1)
>>> layer.weight.grad, layer.bias.grad = torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])
>>> plan = Plan({"host": [layer.weight, layer.bias]}, lambda layer: True)
>>> found = looked(plan, [p.grad for p in plan.params], Limits(vanishing=1e-7, points=(0.0, 1.0)))
>>> [(own.squares, own.zero) for own in found.totals], found.percentiles
([(25.0, 1)], [[0.0, 4.25]])
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS, octaves
from nissa.pipeline.probes.gradients.grouped import piece_by_piece, side_by_side
from nissa.pipeline.probes.gradients.grouped.groups import Group
from nissa.pipeline.probes.gradients.grouped.limits import Limits
from nissa.pipeline.probes.gradients.grouped.percentiles import percentiles
from nissa.pipeline.probes.gradients.grouped.plan import Plan
from nissa.pipeline.probes.gradients.grouped.workspace import Workspace
from nissa.pipeline.probes.gradients.layer_totals import NOTHING, LayerTotals, Totals

__all__ = ["looked"]


@np.errstate(all="ignore")
def looked(plan: Plan, found: Sequence[Tensor | None], limits: Limits, norms: Sequence[float] = ()) -> LayerTotals:
    """What the gradients `found` are, each None or plain, by parameter; and `norms` theirs, if they are known."""
    totals, read, counted = list[Totals](), list[list[float]](), list[list[int]]()
    for group, views in zip(plan.groups, plan.views, strict=True):
        shown = limits if group.layers.start < plan.shown else None
        look = _Look(plan.space, group, found, norms, shown)
        own, counts = look.taken(views)
        totals += own
        if shown:
            read += _percentiles(group, counts, limits)
            counted += _octaves(group, counts, limits)
    return LayerTotals(totals, read, counted)


def _percentiles(group: Group, counts: Tensor | None, limits: Limits) -> list[list[float]]:
    if counts is None:
        return [[] for _ in group.layers] if limits.points else []
    return percentiles(counts.numpy(), limits.points) if limits.points else []


def _octaves(group: Group, counts: Tensor | None, limits: Limits) -> list[list[int]]:
    if counts is None:
        return [[] for _ in group.layers] if limits.octaves else []
    found: list[list[int]] = octaves(counts).tolist() if limits.octaves else []
    return found


class _Look(NamedTuple):
    """At a group of layers; without limits they are not shown."""

    space: Workspace
    group: Group
    found: Sequence[Tensor | None]
    norms: Sequence[float]
    limits: Limits | None

    def taken(self, views: Sequence[Tensor]) -> tuple[list[Totals], Tensor | None]:
        """By layer, and sketches (layers, 4096), if asked for and if there is anything."""
        totals = [NOTHING for _ in self.group.layers]
        here = [place for place, i in enumerate(self.group.small) if self.found[i] is not None]
        large = [(i, row, grad) for i, row in self.group.large if (grad := self.found[i]) is not None]
        for place, own in zip(here, self._small([views[place] for place in here], here), strict=True):
            row = self.group.rows[place]
            totals[row] = totals[row].plus(own)
        counts = self._sketches(here) if self.limits and self.limits.sketched and (here or large) else None
        for i, row, grad in large:
            norm = self.norms[i] if self.norms else None
            totals[row] = totals[row].plus(piece_by_piece.reduced(self.space, grad, self.limits, norm))
            if counts is not None:
                counts[row] += piece_by_piece.sketched(self.space, grad)
        return totals, counts

    def _small(self, views: list[Tensor], here: list[int]) -> list[Totals]:
        """The small ones that are there, which are at the places `here`, in their order."""
        if not here:
            return []
        group, limits = self.group, self.limits
        grads = [grad for i in group.small if (grad := self.found[i]) is not None]
        torch._foreach_copy_(views, grads)
        squares = [self.norms[i] ** 2 for i in group.small] if self.norms else None
        keep = limits is not None and limits.sketched
        found = side_by_side.reduced(self.space, group.places, limits, squares, keep=keep)
        broken = above = [0] * len(group.small)
        if limits and side_by_side.exceptional(found.squares, limits):
            torch._foreach_copy_(views, grads)
            broken, above = side_by_side.exceptions(self.space, group.places, limits)
        columns = (group.sizes, found.squares, found.sums, broken, above, found.zero, found.vanishing)
        totals = list(map(Totals, *columns))
        return totals if len(here) == len(totals) else [totals[place] for place in here]

    def _sketches(self, here: list[int]) -> Tensor:
        """Of the small ones. What was not copied is something older, and goes into a row of its own."""
        group, n = self.group, len(self.group.layers)
        if not here:
            return torch.zeros(n, BINS, dtype=torch.int64, device="cpu")
        there = {*here}
        rows = [row if place in there else n for place, row in enumerate(group.rows)]
        side_by_side.encode(self.space, group.places, rows)
        return self.space.counted(group.places.total, n * BINS).narrow(0, 0, n * BINS).view(n, BINS)
