"""How is an event written that JSON has no form for? As well as it goes, so that one value costs no more than itself.

>>> from types import SimpleNamespace
>>> salvaged({"why": ValueError("diverged"), "name": "a\\udcff", "settings": SimpleNamespace(lr=0.1)})
{'why': "ValueError('diverged')", 'name': 'a?', 'settings': {'lr': 0.1}}
"""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

from nissa.events.json_encoding import plain

__all__ = ["salvaged", "shown"]


def salvaged(value: Any) -> Any:
    """A value made of dicts, lists, strings and numbers only, whatever it was.

    An object without a form is its repr, a namespace of settings the mapping that it is, and what is no character of a
    text a question mark.
    """
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Namespace() | SimpleNamespace():
            return salvaged(vars(value))
        case Mapping():
            return {shown(key): salvaged(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [salvaged(item) for item in value]
    return _members(value) if is_dataclass(value) and not isinstance(value, type) else _leaf(value)


def _members(value: Any) -> dict[str, Any]:
    told = {f.name: getattr(value, f.name) for f in fields(value)}
    return {name: salvaged(item) for name, item in told.items() if item is not None}


def _leaf(value: Any) -> Any:
    try:
        return plain(value)
    except Exception:  # noqa: BLE001  # whatever its class does when it is read
        return shown(value)


def shown(value: Any) -> str:
    """A text as it is, and the repr of anything else, also where its class has a broken one."""
    try:
        return str(salvaged(value if isinstance(value, str) else repr(value)))
    except Exception:  # noqa: BLE001  # a repr of somebody's that raises
        return object.__repr__(value)
