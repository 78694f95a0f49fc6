"""The same content as columns: of `decisions.parquet`, a row for each decision, and of `episodes.parquet`.

A column of decisions bears the name of a field of `Decision`, or of a field inside its sections. A mapping is a list of
parts with a `name`, and an environment is text.
"""

import typing
from dataclasses import is_dataclass
from functools import cache
from types import UnionType
from typing import Any

from nissa.events.taking import hints
from nissa.sinks.data_pack.structure import Decision, Episode
from nissa.sinks.packages import needed

__all__ = ["PLACE", "decision_rows", "decisions_schema", "env_text", "episode_row", "episodes_schema"]

PLACE = ("episode_id", "run", "group", "env", "episode")
"""Columns that say of which episode a decision is."""
_SECTIONS = ("observation", "action", "decision_context", "hindsight")
_TOLD_BEFORE = ("decision_epoch", "op")
"""Fields of `hindsight` that the decision has anyway."""
_SCALARS: dict[Any, str] = {bool: "bool_", int: "int64", float: "float64", str: "string"}


@cache
def decisions_schema() -> Any:
    """Columns of `decisions.parquet`, a pyarrow.Schema."""
    place = [(name, hints(Episode)[name]) for name in PLACE]
    return _schema([*place, *((name, hint) for name, (_, hint) in _flat().items())])


@cache
def episodes_schema() -> Any:
    """Columns of `episodes.parquet`: those of `Episode`, without the decisions."""
    return _schema([(name, hint) for name, hint in hints(Episode).items() if name != "decisions"])


def decision_rows(episode: Episode) -> list[dict[str, Any]]:
    """A row for each decision of an episode."""
    place = {name: getattr(episode, name) for name in PLACE} | {"env": env_text(episode.env)}
    return [place | _flattened(decision) for decision in episode.decisions]


def episode_row(episode: Episode) -> dict[str, Any]:
    """The row of an episode."""
    row = {name: _cell(getattr(episode, name)) for name in hints(Episode) if name != "decisions"}
    return row | {"env": env_text(episode.env)}


def env_text(env: int | str | None) -> str | None:
    """A number or a name as text. A name that looks like a number stands in quotes.

    >>> env_text(5), env_text("walker"), env_text("5")
    ('5', 'walker', '"5"')
    """
    if env is None:
        return None
    return f'"{env}"' if isinstance(env, str) and env.lstrip("-").isdecimal() else str(env)


@cache
def _flat() -> dict[str, tuple[tuple[str, ...], Any]]:
    """Of each column of a decision: the way to its value, and its type."""
    found: dict[str, tuple[tuple[str, ...], Any]] = {}
    for name, hint in hints(Decision).items():
        if name not in _SECTIONS:
            found[name] = (name,), hint
            continue
        for inside, own in hints(_type(hint)).items():
            if inside == "heuristic":
                parts = hints(_type(own)).items()
                found |= {f"heuristic_{part}": ((name, inside, part), of) for part, of in parts}
            elif name != "hindsight" or inside not in _TOLD_BEFORE:
                found[inside] = (name, inside), own
    return found


def _flattened(decision: Decision) -> dict[str, Any]:
    return {column: _cell(_at(decision, way)) for column, (way, _) in _flat().items()}


def _at(value: Any, way: tuple[str, ...]) -> Any:
    for name in way:
        value = None if value is None else getattr(value, name)
    return value


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return [{"name": name, **_members(item)} for name, item in value.items()]
    if isinstance(value, list):
        return [_cell(item) for item in value] if value and is_dataclass(value[0]) else value
    return _members(value) if is_dataclass(value) else value


def _members(value: Any) -> dict[str, Any]:
    names = _fields(type(value))
    return {"value": value} if names is None else {name: _cell(getattr(value, name)) for name in names}


def _schema(columns: list[tuple[str, Any]]) -> Any:
    return needed("pyarrow").schema([(name, _arrow(hint)) for name, hint in columns])


def _arrow(told: Any) -> Any:
    """Of a type, that of Arrow."""
    arrow, hint = needed("pyarrow"), _type(told)
    if hint in _SCALARS:
        return getattr(arrow, _SCALARS[hint])()
    if (own := _fields(hint)) is not None:
        return arrow.struct([(name, _arrow(of)) for name, of in own.items()])
    member = typing.get_args(hint)[-1]
    if typing.get_origin(hint) is list:
        return arrow.list_(_arrow(member))
    own = _fields(member) or {"value": member}
    return arrow.list_(arrow.struct([("name", arrow.string()), *((name, _arrow(of)) for name, of in own.items())]))


def _fields(hint: Any) -> dict[str, Any] | None:
    """Of a part; None for what is none."""
    return hints(typing.cast("Any", hint)) if is_dataclass(hint) else None


def _type(hint: Any) -> Any:
    """Without its None; an environment's two types are text."""
    if typing.get_origin(hint) not in (typing.Union, UnionType):
        return hint
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    return options[0] if len(options) == 1 else str
