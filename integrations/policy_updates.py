"""What does Stable-Baselines3 know of an update? Its logger, the rollout it learned from, and its gradients.

Losses and shares are means over all passes of the update, as Stable-Baselines3 logs them; approx_kl is of the last.
"""

from typing import Any

import torch
from torch import Tensor, nn

from nissa.events.kinds import HeadEntropy, PolicyUpdated
from nissa.integrations.action_entropy import action_entropies, chunks
from nissa.integrations.complete_gradients import CompleteGradients
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.probes import Watch

__all__ = ["PolicyUpdates"]

_LOGGED = {
    "policy_loss": ("policy_gradient_loss", "policy_loss"),
    "value_loss": ("value_loss",),
    "approx_kl": ("approx_kl",),
    "clip_fraction": ("clip_fraction",),
    "explained_variance": ("explained_variance",),
    "learning_rate": ("learning_rate",),
}
"""The field of an update, and how PPO or A2C calls it below "train/"."""


class PolicyUpdates:
    """The updates of one on-policy algorithm, from number `first`, and a watch over the gradients of its policy."""

    def __init__(self, model: Any, emitter: Emitter, watch: Watch, first: int) -> None:
        self._model, self._emitter, self._watch = model, emitter, watch
        self._updates = first
        self._rollout: dict[str, Any] = {}
        self._norms: list[Tensor] = []
        self._gradients = CompleteGradients(
            model.policy.optimizer, lambda: emitter.attempt("policy_gradients", self._look)
        )

    def rolled_out(self) -> None:
        """A rollout is full, and the policy that made it is still the same."""
        rollout, policy = self._model.rollout_buffer, self._model.policy
        self._norms = []
        self._watch.emitter.move(epoch=self._updates + 1)
        heads = self._emitter.attempt("action_entropies", action_entropies, policy, chunks(rollout))
        self._rollout = _moments(rollout) | {"heads": heads or dict[str, HeadEntropy]()}

    def updated(self) -> None:
        """The update from the last rollout is over; nothing where there was none."""
        if not self._rollout:
            return
        logged = {name.removeprefix("train/"): value for name, value in self._model.logger.name_to_value.items()}
        told: dict[str, Any] = {
            field: next((logged[n] for n in names if n in logged), None) for field, names in _LOGGED.items()
        }
        entropy = -logged["entropy_loss"] if "entropy_loss" in logged else None
        norm = float(torch.stack(self._norms).mean()) if self._norms else None
        told |= self._rollout
        self._watch.epoch()
        self._emitter.emit(PolicyUpdated(update=self._updates, entropy=entropy, grad_norm=norm, **told))
        self._rollout, self._updates = {}, self._updates + 1

    def leave(self) -> int:
        """Take all hooks away; the number of the next update."""
        self._gradients.leave()
        return self._updates

    def _look(self) -> None:
        # Steps without a rollout are of no update: nothing would ever take their norms.
        if not self._rollout:
            return
        gradients = [p.grad for p in self._model.policy.parameters() if p.grad is not None]
        self._norms.append(nn.utils.get_total_norm(gradients))
        self._watch.step()


def _moments(rollout: Any) -> dict[str, Any]:
    values, returns = rollout.values.astype(float), rollout.returns.astype(float)
    return {
        "decisions": values.size,
        "value_mean": values.mean(),
        "value_std": values.std(),
        "return_mean": returns.mean(),
        "return_std": returns.std(),
    }
