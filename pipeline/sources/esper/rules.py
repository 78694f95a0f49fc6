"""What a row of the translation table is made of: where a field of ours comes from, and where an event belongs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
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
    "trained",
]

_ID = re.compile(r"-e(\d{1,9})-")
_NAMES = ("morphology_mutation_id", "mutation_id", "action_id")


class Source(NamedTuple):
    """Where a field of ours comes from."""

    text: str
    """For the documents."""
    used: tuple[str, ...]
    """The fields of theirs that it may hold whole, by the names that they had."""
    take: Callable[[Line, Host], Any]
    """Reads it; None if it is not told. Raises MisfitError."""


def data(field: str, read: Read, *older: str) -> Source:
    """A field of their payload, by its name or an older one."""

    def take(line: Line, _: Host) -> Any:
        told = (line.read(name, read) for name in (field, *older))
        return next((value for value in told if value is not None), None)

    return Source(", once ".join(f"`{name}`" for name in (field, *older)), (field, *older), take)


def beside(field: str, read: Read) -> Source:
    """A field of their envelope; in its absence, the one of that name in their payload."""

    def take(line: Line, _: Host) -> Any:
        if (told := line.envelope.get(field)) is None:
            return line.read(field, read)
        if line.data.get(field) == told:
            line.taken.add(field)
        return read(line, field, told)

    return Source(f"`{field}` of the envelope", (field,), take)


def fixed(value: Callable[[], Any], text: str) -> Source:
    """What is the same in all events."""
    return Source(text, (), lambda *_: value())


def known(text: str, take: Callable[[Line, Host], Any], *used: str) -> Source:
    """What takes more than one field, or follows from events before."""
    return Source(text, used, take)


@dataclass(slots=True)
class Translation:
    """How a type of theirs becomes a kind of ours."""

    kind: type[Payload]
    fields: Mapping[str, Source]
    unless: Callable[[Line], str | None] = lambda _: None
    """Why this one is carried instead; None if it is not."""
    used: frozenset[str] = field(init=False)
    """Fields of theirs that it may hold whole."""
    required: tuple[str, ...] = field(init=False)
    """Fields of ours that must be told."""

    def __post_init__(self) -> None:
        self.used = frozenset(name for source in self.fields.values() for name in source.used)
        self.required = tuple(
            f.name
            for f in fields(self.kind)  # type: ignore[arg-type]
            if f.default is MISSING and f.default_factory is MISSING
        )

    def __call__(self, line: Line, host: Host) -> Payload:
        """The payload; what need not be told is None where it is unfit. Raises MisfitError where the rest is."""
        if reason := self.unless(line):
            raise MisfitError(reason)
        values = {name: self._take(name, line, host) for name in self.fields}
        for name in self.required:
            if values.get(name) is None:
                source = self.fields[name]
                raise MisfitError(f"{(*source.used, source.text)[0]}: missing")
        return self.kind(**{name: value for name, value in values.items() if value is not None})

    def _take(self, name: str, line: Line, host: Host) -> Any:
        source = self.fields[name]
        try:
            return source.take(line, host)
        except MisfitError as error:
            if name in self.required:
                raise
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
    watch: Callable[[Line, Host], None] = lambda *_: None
    """Mends, counts as odd, or remembers what the payload does not need."""


def inner(line: Line, _: Host) -> int | None:
    """`inner_epoch` of the payload."""
    return numbered(line, "inner_epoch")


def trained(line: Line, _: Host) -> int | None:
    """`inner_epoch` of the payload, else `epoch` of the envelope."""
    epoch = numbered(line, "inner_epoch")
    beside = line.envelope.get("epoch")
    return beside if epoch is None and type(beside) is int and beside >= 0 else epoch


def told(line: Line, _: Host) -> int | None:
    """`epoch` of the payload."""
    return numbered(line, "epoch")


def around(line: Line, host: Host) -> int | None:
    """That in the id of the action (`morph-b0-e22-env0-...`), else `inner_epoch`, else the last completed."""
    for name in _NAMES:
        if isinstance(id := line.data.get(name), str) and (found := _ID.search(id)):
            return int(found[1])
    epoch = numbered(line, "inner_epoch")
    return host.epoch if epoch is None else epoch


def ahead(_: Line, host: Host) -> int | None:
    """One after the last completed: they measure it, and tell of the epoch afterwards."""
    return None if host.epoch is None else host.epoch + 1


def nowhere(_: Line, __: Host) -> None:
    """None."""
