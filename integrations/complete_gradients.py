"""When are the gradients of a step complete, in a trainer that has no hook before it clips them?

>>> layer = torch.nn.Linear(1, 1)
>>> optimizer, norms = torch.optim.SGD(layer.parameters(), lr=0.1), []
>>> gradients = CompleteGradients(optimizer, lambda: norms.append(float(layer.weight.grad)))
>>> layer(torch.full((1, 1), 9.0)).sum().backward()
>>> norms
[9.0]
>>> gradients.leave()
"""

from collections.abc import Callable
from typing import Any

import torch

__all__ = ["CompleteGradients"]


class CompleteGradients:
    """Calls `then` in the backward pass of a step, once each parameter of the optimizer has its gradient.

    The trainer makes one backward pass a step. Parameters that take no part are waited for in the first step, which is
    missed then, and not in later ones.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, then: Callable[[], object]) -> None:
        trained = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        self._then, self._expected, self._filled = then, len(trained), 0
        self._hooks = [p.register_post_accumulate_grad_hook(self._fill) for p in trained]
        self._hooks.append(optimizer.register_step_post_hook(self._end_step))

    def leave(self) -> None:
        """Take all hooks away."""
        for hook in self._hooks:
            hook.remove()

    def _fill(self, _: torch.Tensor) -> None:
        self._filled += 1
        if self._filled == self._expected:
            self._then()

    def _end_step(self, *_: Any) -> None:
        self._expected, self._filled = self._filled or self._expected, 0
