"""A place in the host where a seed can grow: what passes there, and the state of its seed.

An isolated seed learns beside the host without touching it; `pipeline/probes/isolation.py` measures that it does not.

>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> output, _, _ = isolated(x, torch.nn.Linear(2, 2))
>>> torch.equal(output, x), torch.autograd.grad(output.sum(), x)[0].tolist()
(True, [1.0, 1.0])
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nissa.events.kinds import GateEvaluated
from nissa.pipeline.emitter import Emitter
from nissa.trainer.network.blending import alpha_at
from nissa.trainer.network.gates import GATES
from nissa.trainer.network.seed import Seed

__all__ = ["ISOLATED", "LIVE", "MIXED", "STAGES", "Isolated", "Slot", "isolated"]

STAGES = ("DORMANT", "GERMINATED", "TRAINING", "BLENDING", "HOLDING", "FOSSILIZED")
ISOLATED = ("GERMINATED", "TRAINING")
"""Stages in which a seed sees the host but the host does not see the seed."""
MIXED = ("BLENDING", "HOLDING", "FOSSILIZED")
"""Stages in which a seed takes part in the output."""
LIVE = ("GERMINATED", "TRAINING", "BLENDING", "HOLDING")
"""Stages in which a seed can be culled."""


class Slot(nn.Module):
    """Empty (DORMANT), or with a seed in one of the stages of its life.

    It knows its name and its seed; where in the world it is, the emitter that it is handed knows.
    """

    def __init__(self, name: str, channels: int, emitter: Emitter) -> None:
        super().__init__()
        self.name, self.channels, self.emitter = name, channels, emitter
        self.closed = False
        """Whether no policy may germinate anything here: masked, in a run that is trained again without it."""
        self.clear()

    def clear(self) -> None:
        """Be empty."""
        self.seed: Seed | None = None
        self.alpha = 0.0
        self.gate: GateEvaluated | None = None
        self.facts: dict[str, float | None] = {}
        self.stable = False
        self.finite_epochs = 0
        """In a row, until now, in which all that the seed put out in isolation, and its gradient, was finite."""
        self.enter("DORMANT", 0.0)

    def enter(self, stage: str, accuracy: float) -> None:
        """Begin a stage, at a validation accuracy in percent."""
        self.stage, self.entry_accuracy, self.epochs_in_stage = stage, accuracy, 0
        self.isolated: Isolated | None = None

    def forward(self, x: Tensor) -> Tensor:
        """What comes in, with the seed's share added: nothing while it is isolated, `alpha` of it afterwards."""
        if self.seed is None:
            return x
        if self.stage in ISOLATED:
            return self._isolated(x, self.seed)
        return x + self.alpha * self.seed(x) if self.alpha else x

    def start_epoch(self) -> None:
        """Count the epoch that begins, and let a seed that is being blended in take its next share."""
        self.epochs_in_stage += 1
        if self.seed is not None:
            self.seed.age += 1
            if self.stage == "BLENDING":
                self.alpha = alpha_at(self.seed.blend, self.epochs_in_stage / GATES["G3"].due)

    def _isolated(self, x: Tensor, seed: Seed) -> Tensor:
        if not torch.is_grad_enabled():
            return x
        self.isolated = isolated(x, seed)
        return self.isolated.output


class Isolated(NamedTuple):
    """What passes a slot beside an isolated seed: the output, the term in it that is the seed's, and how many values
    that the seed put out were NaN or infinite, as a scalar."""

    output: Tensor
    term: Tensor
    non_finite: Tensor


def isolated(x: Tensor, seed: Callable[[Tensor], Tensor]) -> Isolated:
    """`x` itself, with a term added that is zero but hands the gradient at this place on to the seed.

    A straight-through estimator (Bengio et al. 2013) on a detached input: the host gets exactly the gradient that it
    would get without a seed. The seed follows the loss's gradient at the host as it is, and never sees its own effect:
    it learns which way to correct, but not how far. What that comes to when it is mixed in, `docs/isolation.md` says.
    Where a correction is not finite, the term is a plain zero: infinity minus itself is NaN, and would be the host's.
    """
    correction = seed(x.detach())
    finite = correction.isfinite()
    term = torch.where(finite, correction - correction.detach(), 0.0)
    return Isolated(x + term, term, (~finite).sum())
