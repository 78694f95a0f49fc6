"""Is a gradient that is not finite a broken network, or a step that a scaler of float16 left out?

A `GradScaler` begins too high, and halves its scale with each step that it skips, until the gradients are finite; no
weight is touched. An optimizer that does step with such a gradient breaks the weights, and with them the next loss. So
a gradient alone is broken once it has not been finite for `LASTING` steps.

>>> overflow = Overflow()
>>> [overflow.look(True, 1, batch) for batch in (0, 10, 20, 30, 40)], overflow.look(False, 1, 50)
([False, False, False, False, True], False)
"""

from dataclasses import dataclass

__all__ = ["LASTING", "Overflow"]

LASTING = 32
"""Steps: from 2^24 a scaler is at 1 after 24 of them, from torch's 2^16 after 16."""


@dataclass(slots=True)
class Overflow:
    """The steps of a network, as far as their gradients were looked at."""

    steps: int = 0
    """From the first to the last of those in a row whose gradients were not finite."""
    at: tuple[int | None, int] = (None, 0)
    """Epoch and batch of the last look."""

    def look(self, broken: bool, epoch: int | None, batch: int) -> bool:
        """Take the gradients of a step in; whether they have not been finite for too long to look for a scale.

        Steps between two looks count like these.
        """
        (before, last), self.at = self.at, (epoch, batch)
        since = batch - last if epoch == before and batch > last else batch + 1
        self.steps = (self.steps + since if self.steps else 1) if broken else 0
        return self.steps >= LASTING
