"""Which episodes belong together, so that no network is on both sides of a split?

>>> rows = [{"episode_id": str(n), "run": "r", "env": str(n // 2), "torch_seed": None} for n in range(8)]
>>> by_host(rows)
[['0', '1'], ['2', '3'], ['4', '5'], ['6', '7']]
>>> [len(part) for part in divided(by_host(rows), 0, [0.75, 0.25])]
[6, 2]
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

__all__ = ["by_host", "divided"]


def by_host(episodes: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Names of episodes that share an environment of a run, or the seed of a host, or both in turn."""
    families: list[tuple[set[Any], list[str]]] = []
    for row in episodes:
        keys: set[Any] = {(row["run"], row["env"])}
        keys |= set() if row["torch_seed"] is None else {row["torch_seed"]}
        names = list[str]()
        for known, own in [family for family in families if family[0] & keys]:
            families.remove((known, own))
            keys, names = keys | known, names + own
        families.append((keys, [*names, row["episode_id"]]))
    return sorted(names for _, names in families)


def divided(families: Sequence[Sequence[str]], seed: int, fractions: Sequence[float]) -> list[list[str]]:
    """Whole families in parts, each as near to its fraction of all episodes as they allow, and none empty."""
    if not fractions or not all(0 < part <= 1 for part in fractions) or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"fractions must be above 0 and add up to 1, not {list(fractions)}")
    if len(families) < len(fractions):
        raise ValueError(f"{len(families)} hosts cannot be split into {len(fractions)} parts: pack more environments")
    shuffled = Random(seed).sample(families, len(families))
    parts: list[list[str]] = [[*shuffled.pop()] for _ in fractions]
    for family in shuffled:
        total = sum(map(len, parts)) + len(family)
        wants = [fraction * total - len(part) for fraction, part in zip(fractions, parts, strict=True)]
        parts[wants.index(max(wants))].extend(family)
    return [sorted(part) for part in parts]
