"""What a row of the translation table is made of: where a field of ours comes from, and where an event belongs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from nissa.events.kinds import Payload
from nissa.pipeline.sources.esper.fields import Line, MisfitError, Read, numbered
from nissa.pipeline.sources.esper.history import Host

__all__ = [
    "Rule",
    "Source",
    "Translation",
    "ahead",
    "around",
    "beside",
    "data",
    "fixed",
    "inner",
    "known",
    "nowhere",
    "told",
]

_ID = re.compile(r"-e(\d{1,9})-")
_NAMES = ("morphology_mutation_id", "mutation_id", "action_id")


class Source(NamedTuple):
    """Where a field of ours comes from."""

    text: str
    """For the documents."""
    used: str | None
    """The field of theirs that it holds whole."""
    take: Callable[[Line, Host], Any]
    """Reads it; None if it is not told. Raises MisfitError."""


def data(field: str, read: Read) -> Source:
    """A field of their payload."""

    def take(line: Line, _: Host) -> Any:
        value = line.data.get(field)
        return None if value is None else read(line, field, value)

    return Source(f"`{field}`", field, take)


def beside(field: str, read: Read) -> Source:
    """A field of their envelope; in its absence, the one of that name in their payload."""

    def take(line: Line, _: Host) -> Any:
        value = line.envelope.get(field, line.data.get(field))
        return None if value is None else read(line, field, value)

    return Source(f"`{field}` of the envelope", field, take)


def fixed(value: Callable[[], Any], text: str) -> Source:
    """What is the same in all events."""
    return Source(text, None, lambda *_: value())


def known(text: str, take: Callable[[Line, Host], Any]) -> Source:
    """What takes more than one field, or follows from events before."""
    return Source(text, None, take)


@dataclass(slots=True)
class Translation:
    """How a type of theirs becomes a kind of ours."""

    kind: type[Payload]
    fields: Mapping[str, Source]
    unless: Callable[[Line], str | None] = lambda _: None
    """Why this one is carried instead; None if it is not."""
    used: frozenset[str] = field(init=False)
    """Fields of theirs that it holds whole."""
    required: tuple[str, ...] = field(init=False)
    """Fields of ours that must be told."""

    def __post_init__(self) -> None:
        self.used = frozenset(source.used for source in self.fields.values() if source.used)
        self.required = tuple(f.name for f in fields(self.kind) if f.default is not None)  # type: ignore[arg-type]

    def __call__(self, line: Line, host: Host) -> Payload:
        """The payload; what need not be told is None where it is unfit. Raises MisfitError where the rest is."""
        if reason := self.unless(line):
            raise MisfitError(reason)
        values = {name: self._take(name, line, host) for name in self.fields}
        for name in self.required:
            if values.get(name) is None:
                raise MisfitError(f"{self.fields[name].text.strip('`')}: missing")
        return self.kind(**values)

    def _take(self, name: str, line: Line, host: Host) -> Any:
        source = self.fields[name]
        try:
            return source.take(line, host)
        except MisfitError as error:
            if name in self.required:
                raise
            line.unfit.add(source.used)
            line.odd.append(f"{line.type}.{error}")
            return None


@dataclass(frozen=True, slots=True)
class Rule:
    """What is known of one of their types."""

    envelope_epoch: str
    """What `epoch` in the envelope of this type means."""
    epoch: Callable[[Line, Host], int | None]
    """The host epoch inside the episode."""
    into: Translation | None = None
    """What it becomes; None is carried whole."""
    of_one: bool = True
    """Whether its `env_id`, if any, is to be believed."""
    watch: Callable[[Line], None] = lambda _: None
    """Mends, or counts as odd, what the payload does not need."""


def inner(line: Line, _: Host) -> int | None:
    """`inner_epoch` of the payload."""
    return numbered(line, "inner_epoch")


def told(line: Line, _: Host) -> int | None:
    """`epoch` of the payload."""
    return numbered(line, "epoch")


def around(line: Line, host: Host) -> int | None:
    """That in the id of the action (`morph-b0-e22-env0-...`), else the last completed."""
    for name in _NAMES:
        if isinstance(id := line.data.get(name), str) and (found := _ID.search(id)):
            return int(found[1])
    return host.epoch


def ahead(_: Line, host: Host) -> int | None:
    """One after the last completed: they measure it, and tell of the epoch afterwards."""
    return None if host.epoch is None else host.epoch + 1


def nowhere(_: Line, __: Host) -> None:
    """None."""
