"""Which of the looks that are due are taken? All, or one in so many, each sort of look counted by itself.

>>> thinning = Thinning(by_hand={"loss_landscape"})
>>> [thinning.takes("gradients", 3) for _ in range(5)], [thinning.takes("loss_landscape", 3) for _ in range(2)]
([True, False, False, True, False], [True, True])
"""

from collections import Counter
from collections.abc import Collection

__all__ = ["Thinning"]


class Thinning:
    """Counts looks over all epochs, so that it thins out short epochs too. What is set `by_hand` is always taken."""

    def __init__(self, by_hand: Collection[str]) -> None:
        self._by_hand = frozenset(by_hand)
        self._due = Counter[str]()

    def takes(self, look: str, one_in: int) -> bool:
        """Whether this look is taken, the first in any case."""
        number = self._due[look]
        self._due[look] = number + 1
        return look in self._by_hand or number % one_in == 0
