"""Which elements of a large tensor stand for all? One from each stretch of it, from a generator of its own.

So every row is seen, each element has the same probability, and nothing of the training's draws is used up.

>>> draw = Draw(4, np.random.default_rng(0))
>>> [int(place) // 25 for place in draw.places(100)], draw.pays(255), draw.pays(257)
([0, 1, 2, 3], False, True)
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["PAYS", "Draw"]

PAYS = 64
"""Times as large as its sample a tensor must be, or to read it whole costs no more than to draw."""


class Draw(NamedTuple):
    """How many elements are drawn from a tensor, and from what."""

    size: int
    random: np.random.Generator

    @classmethod
    def of(cls, size: int | None, seed: int) -> "Draw | None":
        """What draws so many; None where no size is asked for."""
        return None if size is None else cls(size, np.random.default_rng(seed))

    def pays(self, n: int) -> bool:
        """Whether to draw from so many elements is cheaper than to read them."""
        return n > PAYS * self.size

    def places(self, n: int) -> npt.NDArray[np.int64]:
        """Where elements are drawn among n, in their order."""
        within = np.arange(self.size) + self.random.random(self.size)
        return np.minimum((within * (n / self.size)).astype(np.int64), n - 1)
