"""The JSON Schema of a line of the log, derived from the kinds."""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from nissa.events.codec import SCHEMA_VERSION
from nissa.events.kind import KINDS

__all__ = ["json_schema"]

_WHERE = {
    "run": {"type": "string"},
    "group": {"type": "string"},
    "env": {"type": ["integer", "string"]},
    "episode": {"type": "integer", "minimum": 0},
    "epoch": {"type": "integer", "minimum": 0},
}


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. Kinds and fields that it does not name are allowed: newer writers have them.

    Numbers bear their `unit`; where NaN and infinities may stand, so may the strings "NaN", "Infinity", "-Infinity".
    """
    inputs = [(name, "validation", TypeAdapter(kind)) for name, kind in KINDS.items()]
    by_kind, definitions = TypeAdapter.json_schemas(inputs)  # type: ignore[arg-type]
    rules = [
        {"if": {"properties": {"kind": {"const": name}}}, "then": {"properties": {"data": schema}}}
        for (name, _), schema in by_kind.items()
    ]
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "An event of Nissa's, as a line of its log",
        "type": "object",
        "properties": _envelope(),
        "required": ["v", "kind", "time", "run", "data"],
        "oneOf": [{"required": ["seq"]}, {"required": ["cause", "ordinal"]}],
        "allOf": rules,
        "$defs": definitions["$defs"],
    }


def _envelope() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0}
    return {
        "v": {"const": SCHEMA_VERSION, "description": "Version of this schema."},
        "kind": {"type": "string", "examples": list(KINDS), "description": "What happened."},
        "seq": number | {"description": "Strictly increasing in a run; a gap is a loss."},
        "cause": number | {"description": "Of a derived event: the seq of the event it was derived from."},
        "ordinal": {"type": "integer", "minimum": 1, "description": "Which one of those derived from the same cause."},
        "time": {"type": "number", "description": "Seconds since 1970, UTC."},
        **_WHERE,
        "data": {"type": "object", "description": "The payload. What is not measured is left out."},
        "extra": {"type": "object", "description": "Fields that the writer carried without knowing them."},
    }
