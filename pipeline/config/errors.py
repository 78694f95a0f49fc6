"""What is wrong with a configuration? One line a user can act on, made from what pydantic found."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from nissa.pipeline.config.allowed import allowed, known

__all__ = ["explained"]


def explained(error: ValidationError, layers: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Each setting that is wrong, with its source (the last of `layers` that gives it) and what is allowed."""
    problems = {_place(tuple(problem["loc"])): problem["msg"] for problem in error.errors()}
    return "; ".join(_line(place, layers, problem) for place, problem in problems.items())


def _place(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """The setting that an error belongs to; pydantic goes on into the items of a list and the types of a union."""
    for depth, key in enumerate(loc):
        if key not in known(loc[:depth]):
            # Below a section it is a key that nobody knows; below a setting it is a part of the value.
            return loc[: depth + 1] if known(loc[:depth]) else loc[:depth]
    return loc


def _line(place: tuple[Any, ...], layers: Sequence[tuple[str, Mapping[str, Any]]], problem: str) -> str:
    *section, last = place
    path = ".".join(map(str, place))
    given = [(source, found[0]) for source, settings in layers if (found := _find(settings, place))]
    source, value = given[-1]
    if isinstance(value, Mapping) and known(place):
        # A section whose settings are right by themselves: they do not go together.
        named = [key for key in known(place) if key in problem]
        source = [source for source, settings in layers if any(_find(settings, (*place, key)) for key in named)][-1]
        return f"{source}: {path}.{problem.removeprefix('Value error, ')}"
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
