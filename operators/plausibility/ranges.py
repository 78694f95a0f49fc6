"""Which numbers of a payload are out of the range that their fields declare? One check a kind, made of its fields.

>>> from nissa.events.kinds import BatchCompleted
>>> batch = BatchCompleted(batch=0, loss=-3.0, accuracy=950.0, seed_grad_norms={"early": -1.0, "mid": 1.0})
>>> [(doubt.field, value, str(doubt)) for doubt, value in check_of(BatchCompleted)(batch)]
[('accuracy', 950.0, 'percent from 0 to 100'), ('seed_grad_norms', -1.0, 'L2 norm from 0 up')]
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from math import inf
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from pydantic import WithJsonSchema

from nissa.events.kind import Payload
from nissa.events.quantities import COUNT
from nissa.events.units import Measure

__all__ = ["Check", "Range", "check_of", "ranges_of"]

_SLACK = 1e-6
"""By how much a bound may be passed, of itself or of 1: sums of floats do."""


class Range(NamedTuple):
    """What a field declares."""

    field: str
    """Its path inside the payload."""
    unit: str
    low: float
    high: float

    def __str__(self) -> str:
        to = f"to {self.high:g}" if self.high < inf else "up"
        return f"{self.unit} {f'from {self.low:g} {to}' if self.low > -inf else to}"


Check = Callable[[Any], Sequence[tuple[Range, Any]]]
"""From a payload to what is out of its range, NaN included."""


def check_of(kind: type[Payload]) -> Check | None:
    """The check of a kind; None where no field of it has bounds."""
    found: list[Range] = []
    lines = _part(kind, "payload", "", found)
    if not found:
        return None
    # Code written out costs a third of a loop over getters, and this runs for every event.
    made: dict[str, Any] = {"ranges": found}
    body = ["found = ()", *lines, "return found"]
    exec("\n".join(["def check(payload):", *(f"    {line}" for line in body)]), made)
    check: Check = made["check"]
    return check


def ranges_of(kind: type[Payload]) -> list[Range]:
    """The ranges that the fields of a kind declare."""
    found: list[Range] = []
    _part(kind, "payload", "", found)
    return found


def _part(part: type[Any], value: str, path: str, found: list[Range], depth: int = 0) -> list[str]:
    hints = get_type_hints(part, include_extras=True)
    each = ((hints[f.name], f"{value}.{f.name}", f"{path}.{f.name}".removeprefix(".")) for f in fields(part))
    return [line for field in each for line in _lines(*field, found, depth)]


def _lines(hint: Any, value: str, path: str, found: list[Range], depth: int) -> list[str]:
    """What checks the numbers of a hint, if there are any: a number, a part, or a list or mapping of them."""
    if get_origin(hint) is Annotated:
        return _number(hint, value, path, found)
    item, inside = f"x{depth}", list[str]()
    if isinstance(hint, type) and is_dataclass(hint):
        head, inside = f"if ({item} := {value}) is not None:", _part(hint, item, path, found, depth + 1)
    elif get_origin(hint) in (list, dict):
        values = f"({value} or {{}}).values()" if get_origin(hint) is dict else f"{value} or ()"
        head, inside = f"for {item} in {values}:", _lines(get_args(hint)[-1], item, path, found, depth + 1)
    else:
        return [line for kind in get_args(hint) for line in _lines(kind, value, path, found, depth)]
    return [head, *(f"    {line}" for line in inside)] if inside else []


def _number(hint: Any, value: str, path: str, found: list[Range]) -> list[str]:
    for declared in get_args(hint)[1:]:
        if isinstance(declared, Measure):
            low, high, unit = declared.ge, declared.le, declared.unit
        elif isinstance(declared, WithJsonSchema):
            schema: dict[str, Any] = declared.json_schema or {}
            low, high, unit = schema.get("minimum"), schema.get("maximum"), schema.get("unit", COUNT)
        else:
            continue
        least = "" if low is None else f"{low - _slack(low)} <= "
        most = "" if high is None else f" <= {high + _slack(high)}"
        if least or most:
            found.append(Range(path, unit, -inf if low is None else low, inf if high is None else high))
            told = f"found = (*found, (ranges[{len(found) - 1}], v))"
            return [f"if (v := {value}) is not None and not {least}v{most}: {told}"]
    return []


def _slack(bound: float) -> float:
    return _SLACK * max(1, abs(bound))
