"""How many samples is an accuracy of, where nobody says? The smallest n for which all that were seen are k/n.

>>> size = SampleSize()
>>> for k in range(12, 24):
...     size.see(100 * k / 24, None)
>>> size.n, size.inferred
(24, True)
>>> size.see(100 * 5 / 7, None), size.n
(None, 168)
"""

__all__ = ["SampleSize"]

_VALUES = 10
"""Different accuracies before anything is inferred."""
_KEPT = 64
"""Different accuracies that a larger n must explain, too."""
_MOST = 10_000
"""The largest n that is looked for. Beyond it three standard errors of a difference are at most 2.1 points."""
_TOLERANCE = 1e-6
"""Share by which an accuracy may miss k/n, from rounding."""


class SampleSize:
    """The size of one validation set; it is inferred upwards only, and each n is tried once."""

    __slots__ = ("_least", "_told", "_values")

    def __init__(self) -> None:
        self._told, self._least = 0, 1
        self._values: dict[float, None] = {}

    def see(self, accuracy: float, told: int | None) -> None:
        """Take a finite accuracy in percent in, and the size if it is told; the last one told holds."""
        self._told = told or self._told
        if self._told or self._least > _MOST or accuracy in self._values:
            return
        if len(self._values) < _KEPT:
            self._values[accuracy] = None
        if not _explains(self._least, accuracy):
            tried = (*self._values, accuracy)
            sizes = range(self._least + 1, _MOST + 1)
            self._least = next((n for n in sizes if all(_explains(n, one) for one in tried)), _MOST + 1)

    @property
    def n(self) -> int:
        """Samples; 0 if neither told nor known."""
        known = len(self._values) >= _VALUES and self._least <= _MOST
        return self._told or (self._least if known else 0)

    @property
    def inferred(self) -> bool:
        """Whether nobody said so."""
        return self.n > 0 and not self._told


def _explains(n: int, accuracy: float) -> bool:
    share = accuracy / 100
    return abs(share - round(share * n) / n) <= _TOLERANCE
