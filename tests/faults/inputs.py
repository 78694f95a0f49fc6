"""Inputs that nobody meant: those that fuzzing kept, changed by chance, for each reader and server."""

import random
from collections.abc import Callable, Sequence

from tests.faults.trial import Outcome
from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS, close

__all__ = ["changed", "inputs"]

_LONGEST = 4096
_PIECES = (b"{", b"}", b"[", b'"', b":", b",", b"\n", b"\\u", b"NaN", b"-1e999", b"null", b"\x00", b"\xff", b"0" * 40)


def inputs(target: str) -> Callable[[int, random.Random], Outcome]:
    """A trial of so many inputs of a target."""

    def run(times: int, chance: random.Random) -> Outcome:
        kept, wrong = seeds(target), list[str]()
        for _ in range(times):
            given = changed(chance.choice(kept), kept, chance)
            try:
                TARGETS[target](given)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is no plain refusal
                wrong.append(f"{given!r}: {error!r}")
        close()
        return Outcome(times, wrong, "")

    return run


def changed(given: bytes, kept: Sequence[bytes], chance: random.Random) -> bytes:
    """An input with a few bytes replaced, removed, doubled, or taken from elsewhere."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(given))
        end = min(len(given), start + chance.choice((0, 1, 1, 2, 8, 64)))
        piece = chance.choice(
            (b"", chance.randbytes(1), chance.choice(_PIECES), given[start:end] * 2, _part(kept, chance))
        )
        given = given[:start] + piece + given[end:]
    return given[:_LONGEST]


def _part(kept: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(kept)
    start = chance.randint(0, len(other))
    return other[start : start + chance.randint(0, 64)]
