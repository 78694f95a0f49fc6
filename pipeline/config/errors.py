"""What is wrong with a configuration, and what would be right? One line a user can act on.

What is wrong is what pydantic found; what may be is read from the schema of the configuration.

>>> allowed(("loss_landscape", "perturbation_samples"))
'a whole number from 1 to 20'
>>> allowed(("gradients", "layers"))
'all, or a list of at least 1, each item a text'
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import ValidationError

from nissa.pipeline.config.settings import TelemetryConfig
from nissa.sinks.printable import shortened

__all__ = ["ConfigError", "allowed", "explained", "quoted"]


class ConfigError(ValueError):
    """A configuration that cannot be used: one line with its source, the key, the value and what is allowed."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message, _LONGEST))


def quoted(value: object) -> str:
    """A value as it was given, cut where it is long."""
    return shortened(repr(value), 200)


_LONGEST = 4_000
"""Characters of an error, however much it names."""
_SHOWN = 10
"""Settings that are wrong, of which more are counted only."""
_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "and below"}
"""Keys of JSON Schema in words."""


def explained(error: ValidationError, layers: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Each setting that is wrong, with its source (the last of `layers` that gives it) and what is allowed."""
    problems = {_place(tuple(problem["loc"])): problem["msg"] for problem in error.errors()}
    lines = [_line(place, layers, problem) for place, problem in [*problems.items()][:_SHOWN]]
    more = [f"and {count} more"] if (count := len(problems) - _SHOWN) > 0 else []
    return "; ".join([*lines, *more])


def _place(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """The setting that an error belongs to; pydantic goes on into the items of a list and the types of a union."""
    for depth, key in enumerate(loc):
        if key not in _keys(loc[:depth]):
            # Below a section it is a key that nobody knows; below a setting it is a part of the value.
            return loc[: depth + 1] if _keys(loc[:depth]) else loc[:depth]
    return loc


def _line(place: tuple[Any, ...], layers: Sequence[tuple[str, Mapping[str, Any]]], problem: str) -> str:
    *section, last = place
    path = ".".join(map(str, place))
    given = [(source, found[0]) for source, settings in layers if (found := _find(settings, place))]
    # A key that is no text is not found: pydantic makes one of it.
    source, value = given[-1] if given else (layers[-1][0], None)
    if isinstance(value, Mapping) and _keys(place):
        # A section whose settings are right by themselves: they do not go together.
        named = [key for key in _keys(place) if key in problem]
        source = [source for source, settings in layers if any(_find(settings, (*place, key)) for key in named)][-1]
        return f"{source}: {path}.{problem.removeprefix('Value error, ')}"
    if last in _keys(section):
        return f"{source}: {path} = {quoted(value)}, but it must be {allowed(place)}"
    return f"{source}: there is no key {shortened(path, 200) or quoted(path)}{_hint(str(last), section)}"


def _hint(key: str, section: Sequence[str]) -> str:
    keys = _keys(section)
    close = get_close_matches(key, keys, n=1)
    return f": did you mean {'.'.join([*section, close[0]])}?" if close else f": choose from {', '.join(keys)}"


def _find(settings: Any, place: Sequence[Any]) -> list[Any]:
    """What the settings give there, in a list; an empty list if nothing."""
    for key in place:
        if not isinstance(settings, Mapping) or key not in settings:
            return []
        settings = settings[key]
    return [settings]


def allowed(path: Sequence[str]) -> str:
    """The values that the setting at `path` may have, in words; of a section, its keys."""
    if keys := _keys(path):
        return f"a section with the keys {', '.join(keys)}"
    return _words(_at(path))


def _keys(path: Sequence[str]) -> list[str]:
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
    return {"boolean": "true or false", "string": "a text", "null": "null"}[schema["type"]]


def _bounds(schema: dict[str, Any]) -> str:
    bounds = [f"{word} {schema[key]:g}" for key, word in _BOUNDS.items() if key in schema]
    return " ".join(bounds) + (" up" if "minimum" in schema and len(bounds) == 1 else "")
