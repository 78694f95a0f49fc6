"""How far have the environments come? Their last accuracies, from the lowest to the highest; else their losses.

>>> from nissa.events.kinds import EpochCompleted
>>> reached([EpochCompleted(val_accuracy=70.0, val_loss=0.5), EpochCompleted(val_accuracy=81.25)])
'accuracy 70.0-81.2%'
>>> reached([EpochCompleted(val_loss=0.5)]), reached([])
('loss 0.5', '')
"""

from collections.abc import Iterable, Sequence

from nissa.events.kinds import EpochCompleted

__all__ = ["reached"]


def reached(epochs: Iterable[EpochCompleted]) -> str:
    """Of the last epoch of each environment; empty where neither is measured."""
    epochs = list(epochs)
    accuracies = [float(epoch.val_accuracy) for epoch in epochs if epoch.val_accuracy is not None]
    losses = [float(epoch.val_loss) for epoch in epochs if epoch.val_loss is not None]
    if accuracies:
        return f"accuracy {_spread(accuracies, '{:.1f}')}%"
    return f"loss {_spread(losses, '{:.4g}')}" if losses else ""


def _spread(values: Sequence[float], form: str) -> str:
    return "-".join(form.format(value) for value in ((min(values), max(values)) if len(values) > 1 else values))
