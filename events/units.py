"""Units and ranges of the numbers in events, as types: one place for the codec, the JSON Schema and the docs.

`None` = not measured; `0.0` = measured, zero; NaN and infinities = measured, broken. A broken number survives the codec
as one of the strings "NaN", "Infinity", "-Infinity". Ranges are what a sound emitter keeps to, and what the JSON Schema
asks for; a reader carries a number that is out of range, because it is news and not noise.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

__all__ = [
    "NON_FINITE",
    "Bytes",
    "Cores",
    "Count",
    "Difference",
    "Dimensions",
    "DoublePoints",
    "Efficiency",
    "Epochs",
    "Flops",
    "Fraction",
    "Loss",
    "Magnitude",
    "Measure",
    "Nats",
    "Norm",
    "Percent",
    "Points",
    "Ratio",
    "Real",
    "Reward",
    "RewardSpread",
    "Seconds",
    "SignedRatio",
    "StepBytes",
    "StepSize",
    "Watts",
]

NON_FINITE = ("NaN", "Infinity", "-Infinity")
"""The strings that stand for broken numbers in JSON."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Unit and inclusive range of a float; `None` is no bound."""

    unit: str
    ge: float | None = None
    le: float | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.float_schema(allow_inf_nan=True)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        bounds = {"minimum": self.ge, "maximum": self.le}
        number = {"type": "number"} | {name: bound for name, bound in bounds.items() if bound is not None}
        return {"anyOf": [number, {"enum": list(NON_FINITE)}], "unit": self.unit}


Percent = Annotated[float, Measure("percent", 0, 100)]
Points = Annotated[float, Measure("percentage points", -100, 100)]
DoublePoints = Annotated[float, Measure("percentage points", -200, 200)]
Fraction = Annotated[float, Measure("ratio", 0, 1)]
Ratio = Annotated[float, Measure("ratio", 0)]
SignedRatio = Annotated[float, Measure("ratio")]
Loss = Annotated[float, Measure("nats")]
Nats = Annotated[float, Measure("nats")]
Norm = Annotated[float, Measure("L2 norm", 0)]
Seconds = Annotated[float, Measure("seconds", 0)]
Reward = Annotated[float, Measure("reward")]
Magnitude = Annotated[float, Measure("gradient", 0)]
RewardSpread = Annotated[float, Measure("reward", 0)]
StepSize = Annotated[float, Measure("learning rate", 0)]
StepBytes = Annotated[float, Measure("bytes per step", 0)]
Epochs = Annotated[float, Measure("epochs", 0)]
Difference = Annotated[float, Measure("none", 0)]
Dimensions = Annotated[float, Measure("dimensions", 0)]
Efficiency = Annotated[float, Measure("percent per growth ratio", 0)]
Cores = Annotated[float, Measure("cores", 0)]
Watts = Annotated[float, Measure("watts", 0)]
Real = Annotated[float, Measure("none")]
Count = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0})]
Flops = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "unit": "operations"})]
Bytes = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "unit": "bytes"})]
