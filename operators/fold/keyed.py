"""State by key, bounded: what most folds keep, by environment, by episode or by policy."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Keyed", "merge_disjoint"]

V = TypeVar("V")


class Keyed(Generic[V]):
    """Values by key, made when first asked for; of too many, the one used longest ago is given back."""

    def __init__(self, make: Callable[[], V], limit: int = 10_000) -> None:
        self.make, self.limit = make, limit
        self.items: OrderedDict[Any, V] = OrderedDict()

    def __getitem__(self, key: Any) -> V:
        try:
            self.items.move_to_end(key)
        except KeyError:
            self[key] = self.make()
        return self.items[key]

    def __setitem__(self, key: Any, value: V) -> None:
        self.items[key] = value
        if len(self.items) > self.limit:
            self.items.popitem(last=False)

    def like(self) -> "Keyed[V]":
        """An empty table of the same make."""
        return Keyed(self.make, self.limit)


def merge_disjoint(left: Keyed[V], right: Keyed[V]) -> Keyed[V]:
    """Two tables as one, where no key is in both: the `merge` of states that are kept whole by environment."""
    merged = left.like()
    merged.items.update(left.items)
    merged.items.update(right.items)
    return merged
