"""What is in each view: its columns with type, unit and meaning, from the kinds themselves."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from nissa.events.kind import KINDS
from nissa.events.quantities import parts, unit_of
from nissa.pipeline.query.database import connected, mentioned, names
from nissa.pipeline.query.views import DEFINED, VIEWS

__all__ = ["Described", "described"]

_WHERE = {"path", "run", "group", "env", "episode", "epoch", "time"}
_ROWS = {view.name: view.row for view in VIEWS}


class Described(NamedTuple):
    """A column of a view."""

    view: str
    column: str
    type: str
    """In SQL."""
    unit: str
    """Of its numbers; empty where there is none."""
    meaning: str


def described(*views: str) -> Iterator[Described]:
    """The columns of these views, or of all. Raises MissingPackageError without DuckDB."""
    asked = views or names()
    connection = connected([], mentioned(" ".join(asked)))
    for view in asked:
        owners = [part for name in mentioned(view) if name in KINDS for part in parts(KINDS[name])]
        for name, kind, *_ in connection.sql(f"describe {view}").fetchall():
            yield Described(view, name, kind, *_meaning(view, name, owners))
    connection.close()


def _meaning(view: str, name: str, owners: list[Any]) -> tuple[str, str]:
    """Where an event happened, a view says; its fields, the kinds that it is made of."""
    told = (_fields(owner).get(name) for owner in owners)
    here = DEFINED.get(name)
    found = [DEFINED.get(f"{view}.{name}"), here if view in _ROWS and name in _WHERE else None, *told, here]
    return next(filter(None, found), ("", f"Of the event itself: its {name.removeprefix('told_')}."))


@cache
def _fields(owner: Any) -> dict[str, tuple[str, str]]:
    """Unit and meaning of the fields of a payload, or of a part."""
    schemas = TypeAdapter(owner).json_schema().get("properties", {})
    return {
        name: (unit_of(told) or "", " ".join(told.get("description", "").split())) for name, told in schemas.items()
    }
