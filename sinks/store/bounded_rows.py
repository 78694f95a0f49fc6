"""Rows by key, with room for so many and so many bytes; of too many, the oldest go and are counted.

>>> shelf = BoundedRows[str](rows=2, size=100)
>>> for key in "abc":
...     shelf.put(key, key.upper(), size=10)
>>> list(shelf.values()), shelf.left_out
(['B', 'C'], 1)
"""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["BoundedRows"]

V = TypeVar("V")


class BoundedRows(Generic[V]):
    """Raises ValueError unless there is room for one row and one byte."""

    def __init__(self, rows: int, size: int) -> None:
        if rows < 1 or size < 1:
            raise ValueError(f"need room for at least 1 row and 1 byte, not {rows} and {size}")
        self._rows, self._size = rows, size
        self._items: dict[Hashable, tuple[V, int]] = {}
        self.used = 0
        """Bytes of all rows."""
        self.left_out = 0
        """Rows that had to go."""

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Add a row of `size` bytes, or replace the one of that key."""
        if known := self._items.pop(key, None):
            self.used -= known[1]
        self._items[key] = value, size
        self.used += size
        while len(self._items) > self._rows or self.used > self._size:
            self.used -= self._items.pop(next(iter(self._items)))[1]
            self.left_out += 1

    def get(self, key: Hashable) -> V | None:
        """The row of that key; None if it is not, or no longer, there."""
        return known[0] if (known := self._items.get(key)) else None

    def grow(self, key: Hashable, size: int) -> None:
        """Say that a row, if it is there, takes `size` bytes more than it did; it counts as new then."""
        if known := self._items.get(key):
            self.put(key, known[0], known[1] + size)

    def values(self) -> Iterable[V]:
        """The rows, the oldest first."""
        return [value for value, _ in self._items.values()]
