"""Values of every sort in every field of every kind: none reaches the trainer, and the log is read to its end."""

import random
from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast

from nissa import Telemetry
from nissa.events.kinds import KINDS
from tests.faults.books import balanced, consistent
from tests.faults.children import told

__all__ = ["poisons", "swallowed"]


class _Cursed:
    """Raises whatever is asked of it."""

    def _raise(self, *_: Any) -> Any:
        raise ValueError("on purpose")

    __float__ = __int__ = __index__ = __len__ = __iter__ = __getitem__ = __eq__ = __hash__ = _raise
    __repr__ = __str__ = __bool__ = __getattr__ = __array__ = keys = item = _raise


def poisons() -> Iterator[Any]:
    """Values that no event should hold."""
    itself: list[Any] = []
    itself.append(itself)
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    deep: Any = 0.0
    for _ in range(5_000):
        deep = [deep]
    yield from (
        None,
        True,
        0,
        -1,
        1.5,
        float("nan"),
        float("-inf"),
        1e308 * 10,
        10**400,
        -(2**63) - 1,
        1j,
        Decimal("NaN"),
    )
    yield from (
        "",
        "\x00\x1b[31m\u202e",
        "\ud800",
        "x" * 100_000,
        b"\xff",
        bytearray(8),
        memoryview(b"abc"),
        "1e5",
        "NaN",
    )
    yield from (
        [],
        {},
        set(),
        (),
        itself,
        loop,
        deep,
        [None],
        {1: 2},
        {None: {}},
        {"\ud800": "\udfff"},
        {"a": [1j]},
        range(3),
    )
    yield from (
        object(),
        object,
        print,
        _Cursed,
        _Cursed(),
        ...,
        iter([1.0]),
        (n for n in (1.0,)),
        lambda: 0,
        Path("/"),
    )


def swallowed(out: Path, chance: random.Random) -> float:
    """Each poison in a field drawn by chance of every kind. Returns how many were emitted."""
    return told(partial(_swallowed, out, chance))


def _swallowed(out: Path, chance: random.Random) -> float:
    given = 0
    with Telemetry("run", out=out, linger=0.0, metrics=0) as telemetry:
        for kind in KINDS.values():
            for poison in poisons():
                values: dict[str, Any] = {field.name: 1 for field in fields(cast("Any", kind))}
                if values:
                    values[chance.choice(list(values))] = poison
                telemetry.scope(env=given % 4).emit(kind(**values))
                given += 1
        telemetry.emit(poison)  # what is no event at all
        telemetry.log({"poison": _Cursed(), "\ud800": 1.0, "right": 1.0})
        assert telemetry.flush(120.0)
        telemetry.snapshot()
    balanced(telemetry.state())
    assert "hub" not in telemetry.state().faults, telemetry.state().faults
    consistent(out, 1)
    return given
