"""What is wrong with a configuration? One line a user can act on, made from what pydantic found."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from nissa.pipeline.allowed import allowed, known

__all__ = ["explained"]


def explained(error: ValidationError, layers: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Each setting that is wrong, with its source (the last of `layers` that gives it) and what is allowed."""
    places = dict.fromkeys(_place(tuple(problem["loc"])) for problem in error.errors())
    return "; ".join(_line(place, layers) for place in places)


def _place(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """The setting that an error belongs to; pydantic goes on into the items of a list and the types of a union."""
    for depth, key in enumerate(loc):
        if key not in known(loc[:depth]):
            # Below a section it is a key that nobody knows; below a setting it is a part of the value.
            return loc[: depth + 1] if known(loc[:depth]) else loc[:depth]
    return loc


def _line(place: tuple[Any, ...], layers: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    given = [(source, found[0]) for source, settings in layers if (found := _find(settings, place))]
    source, value = given[-1]
    *section, last = place
    path = ".".join(map(str, place))
    if last in known(section):
        return f"{source}: {path} = {value!r}, but it must be {allowed(place)}"
    return f"{source}: there is no key {path}{_hint(str(last), section)}"


def _hint(key: str, section: Sequence[str]) -> str:
    keys = known(section)
    close = get_close_matches(key, keys, n=1)
    return f": did you mean {'.'.join([*section, close[0]])}?" if close else f": choose from {', '.join(keys)}"


def _find(settings: Any, place: Sequence[Any]) -> list[Any]:
    """What the settings give there, in a list; an empty list if nothing."""
    for key in place:
        if not isinstance(settings, Mapping) or key not in settings:
            return []
        settings = settings[key]
    return [settings]
