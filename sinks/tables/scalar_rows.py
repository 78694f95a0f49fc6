"""Each scalar of an environment as a row: its last value, the least and the largest, and how many there were."""

from collections.abc import Iterator
from math import inf, isfinite
from typing import Any, NamedTuple

from nissa.events.event import Event, natural_order
from nissa.events.json_encoding import plain
from nissa.events.kinds import ScalarsLogged

__all__ = ["ScalarRows"]

Key = tuple[Any, ...]


class _Scalar(NamedTuple):
    """Replaced as a whole, because another thread may be reading."""

    last: float
    step: int | None
    least: float = inf
    most: float = -inf
    n: int = 0
    broken: int = 0

    def seen(self, value: float, step: int | None) -> "_Scalar":
        """With one more value. NaN and infinities are counted, and are neither the least nor the largest."""
        if not isfinite(value):
            return _Scalar(value, step, self.least, self.most, self.n + 1, self.broken + 1)
        return _Scalar(value, step, min(self.least, value), max(self.most, value), self.n + 1, self.broken)


class ScalarRows:
    """Of more than `limit` scalars, the one logged longest ago goes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: dict[Key, _Scalar] = {}

    def __call__(self, event: Event[ScalarsLogged]) -> None:
        rows, where, step = self._rows, event.scope[:3], event.payload.step
        for name, value in event.payload.values.items():
            key = (*where, name)
            before = rows.pop(key, None) or _Scalar(value, step)
            rows[key] = before.seen(value, step)
            if len(rows) > self._limit:
                del rows[next(iter(rows))]

    def snapshot(self) -> Iterator[dict[str, Any]]:
        """The rows by run, group, environment and name. `min` and `max` are of finite values; None without any."""
        for (run, group, env, name), row in sorted([*self._rows.items()], key=_order):
            least, most = (bound if isfinite(bound) else None for bound in (row.least, row.most))
            where = {"run": run, "group": group, "env": env, "name": name}
            values = {"last": plain(row.last), "min": least, "max": most}
            yield where | values | {"step": row.step, "count": row.n, "broken": row.broken}


def _order(item: tuple[Key, object]) -> Key:
    return tuple(map(natural_order, item[0]))
