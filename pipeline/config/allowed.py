"""What may a setting be? Its type and bounds in words, read from the schema of the configuration.

>>> allowed(("loss_landscape", "perturbation_samples"))
'a whole number from 1 to 20'
>>> allowed(("gradients", "layers"))
'all, or a list of at least 1, each item a text'
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from nissa.pipeline.config.settings import TelemetryConfig

__all__ = ["allowed", "known"]


def allowed(path: Sequence[str]) -> str:
    """The values that the setting at `path` may have, in words; of a section, its keys."""
    if keys := known(path):
        return f"a section with the keys {', '.join(keys)}"
    return _words(_at(path))


def known(path: Sequence[str]) -> list[str]:
    """The keys of the section at `path`; none if it is no section."""
    return list(_at(path).get("properties", {}))


@cache
def _schema() -> dict[str, Any]:
    return TelemetryConfig.model_json_schema()


def _at(path: Sequence[str]) -> dict[str, Any]:
    """The schema of a setting, {} where there is none."""
    here = _schema()
    for key in path:
        here = here.get("properties", {}).get(key, {})
        if reference := here.get("$ref"):
            here = _schema()["$defs"][reference.rpartition("/")[2]]
    return here


def _words(schema: dict[str, Any]) -> str:
    if "const" in schema or "enum" in schema:
        return " or ".join(schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return ", or ".join(map(_words, schema["anyOf"]))
    match schema["type"]:
        case "array":
            least = f" of at least {schema['minItems']}" if "minItems" in schema else ""
            return f"a list{least}, each item {_words(schema['items'])}"
        case "integer" | "number" as kind:
            return f"a {'whole number' if kind == 'integer' else 'number'} {_bounds(schema)}".rstrip()
    return {"boolean": "true or false", "string": "a text"}[schema["type"]]


def _bounds(schema: dict[str, Any]) -> str:
    bounds = [f"{word} {schema[key]:g}" for key, word in _BOUNDS.items() if key in schema]
    return " ".join(bounds) + (" up" if "minimum" in schema and len(bounds) == 1 else "")


_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "and below"}
