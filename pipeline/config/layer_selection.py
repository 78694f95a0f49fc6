"""Which layers are meant, and which are told together? A layer is called by its path, its last part, or a pattern.

>>> selected(["host.conv1", "host.conv2", "host.fc"], ["conv*"])
['host.conv1', 'host.conv2']
>>> [group_of(f"host.blocks.{n}.attn.qkv", "depth") for n in (0, 95)]
['host.blocks.*.attn.qkv', 'host.blocks.*.attn.qkv']
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal

from nissa.sinks.printable import shortened

__all__ = ["SHOWN", "Groups", "group_of", "matches", "selected"]

SHOWN = 20
"""Layers that an error names, at most."""

Groups = Literal["depth"] | Sequence[str]
"""Patterns of layers that are told together; or "depth": those whose paths differ in numbers alone."""


def matches(layer: str, wanted: str) -> bool:
    """Whether a layer is meant, as "host.a.fc" is by "host.a.fc", "a.fc", "fc", "a.*" and "f?"."""
    names = (layer, layer.partition(".")[2], layer.rpartition(".")[2])
    return any(fnmatchcase(name, wanted) for name in names)


def selected(layers: Sequence[str], wanted: Literal["all"] | Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """The layers of the host that are wanted, in their own order; `layers` are those that can be trained.

    Raises ValueError for a name or a pattern of none of them, unless it means layers in one of `others`, the slots,
    because seeds come and go. The error speaks of the setting `gradients.layers`.
    """
    if wanted == "all":
        return list(layers)
    names, parts = list(wanted), list(others)
    for name in names:
        seed = any(fnmatchcase(part, name.partition(".")[0]) for part in parts)
        if not seed and not any(matches(layer, name) for layer in layers):
            raise ValueError(
                f"gradients.layers = {shortened(repr(names), 200)}: of all that can be trained {_unknown(name, layers)}"
            )
    return [layer for layer in layers if any(matches(layer, name) for name in names)]


def group_of(layer: str, groups: Groups) -> str:
    """What a layer is told under: the first pattern that means it, in its own part of the network; else its name.

    >>> group_of("host.conv1", ["conv*"]), group_of("early.conv1", ["*.conv?"]), group_of("host.fc", ["conv*"])
    ('host.conv*', 'early.conv?', 'host.fc')
    """
    return _group_of(layer, groups if isinstance(groups, str) else tuple(groups))


@lru_cache(maxsize=1 << 16)
def _group_of(layer: str, groups: Groups) -> str:
    part, _, path = layer.partition(".")
    if groups == "depth":
        return ".".join([part, *("*" if step.isdecimal() else step for step in path.split(".") if step)])
    for pattern in groups:
        if matches(layer, pattern):
            inside = fnmatchcase(path, pattern) or fnmatchcase(path.rpartition(".")[2], pattern)
            return f"{part}.{pattern if inside else pattern.partition('.')[2]}"
    return layer


def _unknown(name: str, layers: Sequence[str]) -> str:
    close = get_close_matches(name, [*layers, *(layer.rpartition(".")[2] for layer in layers)], n=1)
    hint = f": did you mean {close[0]!r}? Choose" if close else ": choose"
    more = f" and {len(layers) - SHOWN} more" if len(layers) > SHOWN else ""
    return f"there is no layer {shortened(repr(name), 200)}{hint} from {', '.join(layers[:SHOWN]) or 'none'}{more}"
