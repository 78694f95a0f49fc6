"""What else a policy may see: losses and gradients of the last epoch, as a diagnosis would have them."""

from math import isnan, log10

from nissa.trainer.network import SLOT_CHANNELS
from nissa.trainer.policy.situation import LOSS_OF_GUESSING
from nissa.trainer.training import TrainedEpoch

__all__ = ["DIAGNOSTICS_SIZE", "diagnostics"]

DIAGNOSTICS_SIZE = 3 + 2 * len(SLOT_CHANNELS)
_LEAST, _MOST = 1e-4, 1e4
"""Norms beyond these say no more."""


def diagnostics(trained: TrainedEpoch | None, val_loss: float) -> tuple[float, ...]:
    """9 numbers of about -1 to 1; all 0 before the first epoch.

    Training loss / log(10) and generalization gap (validation minus training loss) / log(10), both at most 1; the
    host's gradient norm; then for each slot, from the input to the output, the norm of its seed's gradient, and that by
    the host's. Norms and ratios as log10 / 4, from -1 to 1; 0 for a slot without a seed. NaN counts as 1.
    """
    if trained is None:
        return (0.0,) * DIAGNOSTICS_SIZE
    host, norms = trained.host_grad_norm, trained.seed_grad_norms
    seeds = [(norms[slot], norms[slot] / max(host, _LEAST)) if slot in norms else None for slot in SLOT_CHANNELS]
    return (
        min(1.0, trained.loss / LOSS_OF_GUESSING),
        min(1.0, (val_loss - trained.loss) / LOSS_OF_GUESSING),
        _scaled(host),
        *(number for seed in seeds for number in ((_scaled(seed[0]), _scaled(seed[1])) if seed else (0.0, 0.0))),
    )


def _scaled(norm: float) -> float:
    return 1.0 if isnan(norm) else log10(min(_MOST, max(_LEAST, norm))) / 4
