"""A large gradient of which a sample says what all would: one pass finds what is broken, and a few elements are drawn.

A gradient is read whole where that costs no more, where an element is broken or exploding, and where too few elements
make up its norm: so the standard error of a norm is below a tenth of it, and about normal.

>>> grad = torch.ones(40_000)
>>> (totals, _) = looked_at(Workspace(1), grad, Limits(), None, Draw(256, np.random.default_rng(0)))
>>> totals.squares, totals.unseen, totals.squares_error
(40000.0, 39744, 0.0)
"""

from math import isfinite

import numpy as np
import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.grouped import piece_by_piece
from nissa.pipeline.probes.gradients.grouped.limits import Limits
from nissa.pipeline.probes.gradients.grouped.order_statistics import finite_range
from nissa.pipeline.probes.gradients.grouped.workspace import Magnitudes, Workspace
from nissa.pipeline.probes.gradients.layer_totals import NOTHING, Totals
from nissa.pipeline.probes.gradients.reductions import flat
from nissa.pipeline.probes.gradients.sample import Sample
from nissa.pipeline.probes.model import Draw

__all__ = ["ENOUGH", "looked_at"]

ENOUGH = 30
"""Elements as large as the largest that would make up the sample's norm: with fewer, chance decides whether it has one.
"""


def looked_at(
    space: Workspace, grad: Tensor, limits: Limits | None, norm: float | None, draw: Draw
) -> tuple[Totals, Sample | None]:
    """One gradient, and its distribution if that is asked for; its `norm` if that is known.

    Without limits its squares alone.
    """
    values = flat(grad.detach().resolve_neg())
    least, largest = (float(end) for end in torch.aminmax(values))
    every = values.numpy()
    some = every[draw.places(len(every))] if len(every) > draw.size else every.copy()
    drawn = draw.pays(len(every)) and _suffices(some, max(-least, largest), limits)
    totals = _estimated(some, len(every), limits, norm) if drawn else piece_by_piece.reduced(space, grad, limits, norm)
    if not (limits and limits.sketched):
        return totals, None
    ends = (least, largest) if isfinite(least) and isfinite(largest) else finite_range(every)
    return totals, Sample.of(some, len(every) / len(some), ends)


def _suffices(some: Magnitudes, extreme: float, limits: Limits | None) -> bool:
    """Whether a sample says enough, of a gradient whose largest magnitude is known. NaN suffices nothing."""
    if not isfinite(extreme) or (limits and limits.least is not None and extreme > limits.least):
        return False
    return bool(np.square(some, dtype=np.float64).sum() >= ENOUGH * extreme**2 > 0)


def _estimated(some: Magnitudes, n: int, limits: Limits | None, norm: float | None) -> Totals:
    wide, times = some.astype(np.float64), n / len(some)
    squares = wide * wide
    found = NOTHING._replace(elements=n, unseen=n - len(some), squares=times * float(squares.sum()))
    found = found._replace(squares_error=n * times * float(squares.var(ddof=1)))
    if norm is not None:
        found = found._replace(squares=norm * norm, squares_error=0.0)
    if not limits:
        return found
    magnitudes = np.abs(some)
    vanishing = 0 if limits.most is None else int(np.count_nonzero(magnitudes <= limits.most))
    zero = len(some) - int(np.count_nonzero(some)) if vanishing else 0
    return found._replace(
        sums=times * float(wide.sum()),
        sums_error=n * times * float(wide.var(ddof=1)),
        zero=round(times * zero),
        vanishing=round(times * vanishing),
    )
