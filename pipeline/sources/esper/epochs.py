"""In which host epoch did it happen? The envelope's `epoch` means different things by type: each says where to look."""

import re

from nissa.pipeline.sources.esper.fields import Line, numbered
from nissa.pipeline.sources.esper.history import Host

__all__ = ["ahead", "around", "inner", "nowhere", "told"]

_ID = re.compile(r"-e(\d{1,9})-")
_NAMES = ("morphology_mutation_id", "mutation_id", "action_id")


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
