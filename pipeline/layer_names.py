"""Which layers are meant? A layer can be called by its path, by the last part of it, or by a pattern.

>>> selected(["host.conv1", "host.conv2", "host.fc"], ["conv*"])
['host.conv1', 'host.conv2']
"""

from collections.abc import Container, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Literal

__all__ = ["matches", "selected"]


def matches(layer: str, wanted: str) -> bool:
    """Whether a layer is meant, as "host.a.fc" is by "host.a.fc", "a.fc", "fc", "a.*" and "f?"."""
    names = (layer, layer.partition(".")[2], layer.rpartition(".")[2])
    return any(fnmatchcase(name, wanted) for name in names)


def selected(layers: Sequence[str], wanted: Literal["all"] | Iterable[str], others: Container[str] = ()) -> list[str]:
    """The layers of the host that are wanted, in their own order.

    Raises ValueError for a name that no layer has. Patterns may find nothing, and so may the names of layers in
    `others`, the slots, because seeds come and go.
    """
    if wanted == "all":
        return list(layers)
    names = list(wanted)
    for name in names:
        pattern = set(name) & set("*?[") or name.partition(".")[0] in others
        if not pattern and not any(matches(layer, name) for layer in layers):
            raise ValueError(f"there is no layer {name!r}{_hint(name, layers)}")
    return [layer for layer in layers if any(matches(layer, name) for name in names)]


def _hint(name: str, layers: Sequence[str]) -> str:
    close = get_close_matches(name, [*layers, *(layer.rpartition(".")[2] for layer in layers)], n=1)
    return f": did you mean {close[0]!r}?" if close else f": choose from {', '.join(layers)}"
