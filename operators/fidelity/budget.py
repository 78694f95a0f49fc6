"""The budget of dense epochs: a share of all, and at first as much as the first hundred may have.

>>> budget = Budget(share=0.2, planned=200)
>>> for _ in range(25):
...     budget.count(dense=not budget.spent())
>>> budget.dense, budget.epochs
(20, 25)
"""

from dataclasses import dataclass

__all__ = ["AHEAD", "START", "Budget"]

AHEAD = 100
"""Epochs whose share may be spent before they are trained: the beginning of a run is when most goes wrong."""
START = 5
"""Dense epochs that there must be room for before fidelity is raised: a look that ends at once shows nothing."""


@dataclass(slots=True)
class Budget:
    """The account of one run, over all of its environments."""

    share: float
    """Share of epochs that may be dense, 0 to 1."""
    planned: int = 0
    """Epochs that the run is going to train; 0 if not known, and it is taken to be long then."""
    dense: int = 0
    """Epochs that were."""
    epochs: int = 0
    """Epochs so far."""

    def count(self, dense: bool, epochs: int = 1) -> None:
        """Take completed epochs in."""
        self.epochs += epochs
        self.dense += epochs if dense else 0

    def spent(self) -> bool:
        """Whether one more dense epoch would be too many."""
        return not self._room(1)

    def allows(self) -> bool:
        """Whether there is room for a look that is worth it."""
        return self._room(max(1, min(START, int(self._first()))))

    def _room(self, more: int) -> bool:
        return self.dense + more <= max(self._first(), self.share * (self.epochs + more))

    def _first(self) -> float:
        return self.share * (min(self.planned, AHEAD) or AHEAD)
