"""What is in each view: its columns with type, unit and meaning, from the kinds themselves."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from nissa.events.kind import KINDS
from nissa.events.quantities import parts, unit_of
from nissa.pipeline.query.database import connected, mentioned, names
from nissa.pipeline.query.views import DEFINED, VIEWS

__all__ = ["Described", "described"]

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
    for view in views or names():
        made_of = mentioned(view)
        connection = connected([], made_of)
        owners = [part for name in made_of if name in KINDS for part in parts(KINDS[name])]
        for name, kind, *_ in connection.sql(f"describe {view}").fetchall():
            yield Described(view, name, kind, *_meaning(view, name, owners))
        connection.close()


def _meaning(view: str, name: str, owners: list[Any]) -> tuple[str, str]:
    """What is defined here goes first in a view, and what the kind says in its own table."""
    told = [found for owner in owners if (found := _field(owner, name))]
    here = [DEFINED[name]] if name in DEFINED else []
    found = [*here, *told] if view in _ROWS else [*told, *here]
    return found[0] if found else ("", f"Where that was told: {name.removeprefix('told_')} of the event itself.")


def _field(owner: Any, name: str) -> tuple[str, str] | None:
    schema = TypeAdapter(owner).json_schema().get("properties", {}).get(name)
    return (unit_of(schema) or "", " ".join(schema.get("description", "").split())) if schema else None
