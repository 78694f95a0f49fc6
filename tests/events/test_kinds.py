"""The contract of event kinds, over all of them."""

import inspect
import re
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest

from nissa.events import kinds
from nissa.events.codec import decode, encode
from nissa.events.event import Event, Scope
from nissa.events.kind import KINDS, Importance, Payload, kind
from nissa.events.schema import json_schema

OFFERED = [getattr(kinds, name) for name in kinds.__all__ if name != "Event"]
PARTS = [value for value in OFFERED if is_dataclass(value) and isinstance(value, type)]


def test_every_declared_kind_can_be_imported_from_one_place() -> None:
    assert {cls.__name__ for cls in KINDS.values()} <= set(kinds.__all__)


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.__name__)
def test_it_is_slotted_and_takes_its_fields_by_name_only(cls: type[Any]) -> None:
    assert "__dict__" not in dir(cls)
    assert all(f.kw_only for f in fields(cls))


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.__name__)
def test_what_may_be_missing_is_missing_unless_said_otherwise(cls: type[Any]) -> None:
    hints = typing.get_type_hints(cls)
    optional = {f.name for f in fields(cls) if type(None) in typing.get_args(hints[f.name])}
    assert {f.name for f in fields(cls) if f.default is None} == optional
    assert all(f.default_factory in (MISSING, dict, list) for f in fields(cls))


@pytest.fixture(scope="module")
def definitions() -> dict[str, Any]:
    found: dict[str, Any] = json_schema()["$defs"]
    return found


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.__name__)
def test_class_and_fields_say_what_they_are(cls: type[Any], definitions: dict[str, Any]) -> None:
    assert inspect.getdoc(cls)
    described = definitions[cls.__name__]["properties"]
    assert [name for name in described if "description" not in described[name]] == []


def test_every_float_has_a_unit() -> None:
    floats = [
        f"{cls.__name__}.{f.name}"
        for cls in PARTS
        for f in fields(cls)
        if re.search(r"\bfloat\b", str(_bare(cls, f.name)))
    ]
    assert floats == []


def _bare(cls: type[Any], name: str) -> Any:
    """The annotation with every measured number taken out."""
    hint = typing.get_type_hints(cls, include_extras=True)[name]
    return re.sub(r"Annotated\[float, Measure\(.*?\)\]", "measured", str(hint).replace("typing.", ""))


def test_life_cycle_events_outlast_all_others_when_space_runs_out() -> None:
    lasting = {name for name, cls in KINDS.items() if cls.importance is Importance.LIFECYCLE}
    assert {"run_started", "run_ended", "seed_germinated", "seed_fossilized", "seed_culled", "stage_changed"} <= lasting
    assert KINDS["batch_completed"].importance is Importance.BULK


def test_a_cell_that_is_run_again_declares_its_kind_anew() -> None:
    def cell() -> type[Payload]:
        @kind(Importance.BULK)
        class CellRun(Payload):
            rate: float

        return CellRun

    try:
        first, second = cell(), cell()
        assert KINDS["cell_run"] is second is not first
        row = Event(0, 0.0, Scope("r"), second(rate=0.5))  # type: ignore[call-arg]
        assert type(decode(encode(row)).payload) is second
    finally:
        del KINDS["cell_run"]


def test_a_kind_cannot_be_declared_twice() -> None:
    with pytest.raises(ValueError, match="'seed_culled' is declared twice"):

        @kind(Importance.BULK)
        class SeedCulled(Payload):
            """Again."""


def test_nothing_in_the_house_writes_to_an_event(root: Any) -> None:
    """Events are frozen to the type checker only; here is what would get round it."""
    suspects = re.compile(r"\b(payload|event|scope)\.\w+ [-+|*/]?= |object\.__setattr__|setattr\((event|payload)")
    folders = ("cli", "events", "operators", "pipeline", "sinks", "trainer")
    found = [
        f"{path.relative_to(root)}:{number}"
        for folder in folders
        for path in (root / folder).rglob("*.py")
        for number, text in enumerate(path.read_text().splitlines(), start=1)
        if suspects.search(text) and not text.lstrip().startswith(("#", '"'))
    ]
    # What loads a state makes its events anew, and writes to no other.
    assert [place for place in found if not place.startswith("operators/fold/plain_state.py:")] == []
