"""Is a network still made of the same modules and parameters? Told without touching one of them.

>>> model = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
>>> structure = Structure({"host": model})
>>> structure.holds({"host": model})
True
>>> model[0] = nn.Linear(1, 1)
>>> structure.holds({"host": model})
False
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from torch import nn

from nissa.pipeline.probes.model.layers import Parts

__all__ = ["Structure"]

_Table = Mapping[str, Any]


class Structure:
    """Which objects the parts of a network consist of, wrappers included.

    To ask again reads the tables of the modules alone: after a training step their objects are out of the caches.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = list(parts.items())
        self._tables = _tables(root for root in parts.values() if root is not None)
        # Kept, so that what is made later cannot have the address of one of them.
        self._members = [member for table in self._tables for member in table.values()]
        self._addresses = _addresses(self._tables)
        self._frozen = [p for p in self._members if isinstance(p, nn.Parameter) and not p.requires_grad]

    def holds(self, parts: Parts) -> bool:
        """Whether the parts are the same, and all that is below them, and nothing frozen is trained by now."""
        same = len(parts) == len(self._parts) and all(
            name == other and root is another
            for (name, root), (other, another) in zip(parts.items(), self._parts, strict=True)
        )
        return same and _addresses(self._tables) == self._addresses and not any(p.requires_grad for p in self._frozen)


def _addresses(tables: Iterable[_Table]) -> list[int]:
    return list(map(id, chain.from_iterable(map(dict.values, tables))))  # type: ignore[arg-type]


def _tables(roots: Iterable[nn.Module]) -> list[_Table]:
    """Children and parameters by name, of every module."""
    waiting, seen, found = list(roots), set[nn.Module](), list[_Table]()
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            found += [module._modules, module._parameters]
            waiting += [child for child in module._modules.values() if child is not None]
    return found
