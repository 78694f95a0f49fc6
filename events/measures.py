"""Units and ranges of the numbers in events, as types: one place for the codec, the JSON Schema and the docs.

`None` = not measured; `0.0` = measured, zero; NaN and infinities = measured, broken. A broken number is never out
of range: it is news, and it survives the codec as one of the strings "NaN", "Infinity", "-Infinity".
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = [
    "NON_FINITE",
    "Count",
    "Flops",
    "Fraction",
    "Loss",
    "Measure",
    "Nats",
    "Norm",
    "Percent",
    "Points",
    "Ratio",
    "Real",
    "Reward",
    "Seconds",
]

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _broken(value: object) -> float:
    """A non-finite number, as a float or as the string that stands for it in JSON."""
    if isinstance(value, str) and value in NON_FINITE:
        return NON_FINITE[value]
    if isinstance(value, float) and not math.isfinite(value):
        return value
    raise ValueError(f"{value!r} is neither a number in range nor NaN, Infinity or -Infinity")


@dataclass(frozen=True, slots=True)
class Measure:
    """Unit and inclusive range of a float; `None` is no bound."""

    unit: str
    ge: float | None = None
    le: float | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        finite = core_schema.float_schema(ge=self.ge, le=self.le, allow_inf_nan=False, strict=True)
        broken = core_schema.no_info_plain_validator_function(_broken)
        return core_schema.union_schema([finite, broken], mode="left_to_right", metadata={"unit": self.unit})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        bounds = {"minimum": self.ge, "maximum": self.le}
        number = {"type": "number"} | {name: bound for name, bound in bounds.items() if bound is not None}
        return {"anyOf": [number, {"enum": list(NON_FINITE)}], "unit": self.unit}


Percent = Annotated[float, Measure("percent", 0, 100)]
Points = Annotated[float, Measure("percentage points", -100, 100)]
Fraction = Annotated[float, Measure("ratio", 0, 1)]
Ratio = Annotated[float, Measure("ratio", 0)]
Loss = Annotated[float, Measure("nats", 0)]
Nats = Annotated[float, Measure("nats")]
Norm = Annotated[float, Measure("L2 norm", 0)]
Seconds = Annotated[float, Measure("seconds", 0)]
Reward = Annotated[float, Measure("reward")]
Real = Annotated[float, Measure("none")]
Count = Annotated[int, Ge(0)]
Flops = Annotated[int, Ge(0)]
