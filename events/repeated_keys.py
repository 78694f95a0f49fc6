"""Which keys stand twice in an object of a line? A parser takes the last, and says nothing.

>>> repeated_keys(b'{"loss": 0.5, "data": {"lr": 1, "lr": 2}, "loss": 0.7}')
['lr', 'loss']
"""

import json
from collections import Counter
from typing import Any

__all__ = ["repeated_keys"]


def repeated_keys(line: bytes) -> list[str]:
    """Each of them once for each object in which it stands more than once; the inner objects first."""
    found: list[str] = []

    def see(members: list[tuple[str, Any]]) -> None:
        found.extend(key for key, times in Counter(key for key, _ in members).items() if times > 1)

    json.loads(line, object_pairs_hook=see)
    return found
