"""A look at the plain gradients of a plan: group by group, in the memory of the plan; of large ones maybe a sample.

>>> layer = torch.nn.Linear(2, 1)
>>> layer.weight.grad, layer.bias.grad = torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])
>>> plan = Plan({"host": [layer.weight, layer.bias]}, lambda layer: True)
>>> found = looked(plan, [p.grad for p in plan.params], Limits(vanishing=1e-7, points=(0.0, 1.0)))
>>> [(own.squares, own.zero) for own in found.totals], found.percentiles
([(25.0, 1)], [[0.0, 4.0]])
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS, EXACT
from nissa.pipeline.probes.gradients.grouped import piece_by_piece, side_by_side
from nissa.pipeline.probes.gradients.grouped.drawn import looked_at
from nissa.pipeline.probes.gradients.grouped.groups import Group
from nissa.pipeline.probes.gradients.grouped.limits import Limits
from nissa.pipeline.probes.gradients.grouped.order_statistics import finite_range, sorted_percentiles
from nissa.pipeline.probes.gradients.grouped.plan import Plan
from nissa.pipeline.probes.gradients.grouped.shapes import Shapes
from nissa.pipeline.probes.gradients.grouped.workspace import Magnitudes, Workspace
from nissa.pipeline.probes.gradients.layer_totals import NOTHING, LayerTotals, Totals
from nissa.pipeline.probes.gradients.sample import Sample
from nissa.pipeline.probes.model import Draw

__all__ = ["looked"]


@np.errstate(all="ignore")
def looked(
    plan: Plan,
    found: Sequence[Tensor | None],
    limits: Limits,
    norms: Sequence[float] = (),
    draw: Draw | None = None,
) -> LayerTotals:
    """What the gradients `found` are, each None or plain, by parameter; and `norms` theirs, if they are known.

    Of a large one only what `draw` takes is looked at, if it is given.
    """
    totals, read, counted, samples = list[Totals](), list[list[float]](), list[list[int]](), list[Sample]()
    for group, views in zip(plan.groups, plan.views, strict=True):
        shown = limits if group.layers.start < plan.shown else None
        look = _Look(plan.space, group, found, norms, shown, draw)
        own, shapes = look.taken(views)
        totals += own
        if shown and shown.sketched and draw:
            samples += shapes.samples
        elif shown:
            read += shapes.percentiles(limits) if limits.points else []
            counted += shapes.octaves() if limits.octaves else []
    return LayerTotals(totals, read, counted, samples)


class _Look(NamedTuple):
    """At a group of layers; without limits they are not shown."""

    space: Workspace
    group: Group
    found: Sequence[Tensor | None]
    norms: Sequence[float]
    limits: Limits | None
    draw: Draw | None

    def taken(self, views: Sequence[Tensor]) -> tuple[list[Totals], Shapes]:
        """By layer."""
        totals = [NOTHING for _ in self.group.layers]
        here = [place for place, i in enumerate(self.group.small) if self.found[i] is not None]
        large = [(i, row, grad) for i, row in self.group.large if (grad := self.found[i]) is not None]
        for place, own in zip(here, self._small([views[place] for place in here], here), strict=True):
            row = self.group.rows[place]
            totals[row] = totals[row].plus(own)
        shapes = Shapes(len(totals))
        if self.limits and self.limits.sketched and (here or large):
            self._shapes(shapes, self.limits, here, {row for _, row, _ in large})
        for i, row, grad in large:
            norm = self.norms[i] if self.norms else None
            totals[row] = totals[row].plus(self._large(shapes, row, grad, norm))
        return totals, shapes

    def _large(self, shapes: Shapes, row: int, grad: Tensor, norm: float | None) -> Totals:
        """One that lies beside no other."""
        if self.draw:
            totals, sample = looked_at(self.space, grad, self.limits, norm, self.draw)
            if sample:
                shapes.samples[row] = shapes.samples[row].plus(sample)
            return totals
        if self.limits and self.limits.sketched:
            shapes.add(row, *piece_by_piece.sketched(self.space, grad))
        return piece_by_piece.reduced(self.space, grad, self.limits, norm)

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

    def _shapes(self, shapes: Shapes, limits: Limits, here: list[int], large: set[int]) -> None:
        """Of the small ones; `large` are rows with others beside them. Sorted first: a sketch uses up the values."""
        group, values = self.group, self.space.values
        parts: dict[int, list[Magnitudes]] = {}
        for place in here:
            parts.setdefault(group.rows[place], []).append(values[group.places.slices[place]])
        if self.draw:
            for row, own in parts.items():
                shapes.samples[row] = Sample.of(np.concatenate(own))
            return
        for row, own in parts.items() if limits.points else ():
            every = own[0] if len(own) == 1 else np.concatenate(own)
            if row in large or len(every) > EXACT:
                shapes.widen(row, *finite_range(every))
            else:
                shapes.exact[row] = sorted_percentiles(every, limits.points)
        if limits.octaves or len(shapes.exact) < len(parts):
            shapes.counts = self._sketches(here)

    def _sketches(self, here: list[int]) -> Tensor:
        """Of the small ones. What was not copied is something older, and goes into a row of its own."""
        group, n = self.group, len(self.group.layers)
        if not here:
            return torch.zeros(n, BINS, dtype=torch.int64, device="cpu")
        there = {*here}
        rows = [row if place in there else n for place, row in enumerate(group.rows)]
        side_by_side.encode(self.space, group.places, rows)
        return self.space.counted(group.places.total, n * BINS).narrow(0, 0, n * BINS).view(n, BINS)
