"""States of all folds, as an earlier version put them aside in the recorded run.

`python -m tests.operators.contract.golden` writes those anew whose fold has another `version` since, and those of folds
that are new. It refuses to replace a state of the same version that the fold cannot go on from.
"""

import inspect
import lzma
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson

from nissa import operators
from nissa.events.codec import written
from nissa.events.event import Event
from nissa.events.kinds import BatchCompleted, RunStarted
from nissa.operators.fold import Fold, UnreadableStateError
from nissa.operators.ranks import compare_ranks
from tests.operators.contract.logs import HERE, recorded
from tests.operators.contract.loop import Loop, events

__all__ = ["ADVICE", "CUT", "FILE", "complaint", "folds", "kept", "renewed"]

FILE = HERE / "states.json.xz"
_BEHIND = 40
CUT = 2700
"""Events, derived ones among them, after which the states were put aside: a trace is open then, and alerts stand."""
ADVICE = """
An engine that was stopped with this state could not go on from it after an upgrade.
If the state is meant to be another one now, give the fold another `version`, and run
`python -m tests.operators.contract.golden`; an engine then folds its logs anew. Otherwise the change is a mistake."""


def folds() -> dict[str, Fold[Any]]:
    """Those that a run has by default, all others that `operators` offers, and the one over the ranks of a job."""
    offered = (getattr(operators, name) for name in operators.__all__)
    makers = (make for make in offered if inspect.isfunction(make) and make.__module__ != operators.__name__)
    made = [*(make() for make in makers), compare_ranks()]
    return {fold.name: fold for fold in made if isinstance(fold, Fold)}


@cache
def seen() -> list[Event[Any]]:
    """The recorded run as each fold sees it, with all that followed."""
    loop = Loop()
    return [one for event in events(recorded()) for one in loop.feed(event)]


@cache
def seen_of_ranks() -> list[Event[Any]]:
    """The recorded run as two ranks of a job tell it, the second some events behind, and with losses of its own."""
    told = list(events(recorded()))
    first, second = ([_by_rank(event, rank) for event in told] for rank in (0, 1))
    pairs = zip_longest(first, [*[None] * _BEHIND, *second])
    return [event for pair in pairs for event in pair if event]


def _by_rank(event: Event[Any], rank: int) -> Event[Any]:
    payload = event.payload
    if isinstance(payload, RunStarted):
        payload = replace(payload, job="night", rank=rank, world_size=2)
    elif isinstance(payload, BatchCompleted):
        payload = replace(payload, loss=payload.loss + rank / 8)
    return replace(event, scope=event.scope._replace(run=f"night-rank-{rank}"), payload=payload)


def seen_by(fold: Fold[Any]) -> list[Event[Any]]:
    """What a fold is tried on."""
    return seen_of_ranks() if fold.name == compare_ranks().name else seen()


def kept(file: Path = FILE) -> Mapping[str, Any]:
    """States by the names of their folds."""
    states: Mapping[str, Any] = orjson.loads(lzma.decompress(file.read_bytes()))
    return states


def went_on(fold: Fold[Any], state: Any, told: Iterable[Event[Any]]) -> tuple[list[bytes], bytes]:
    """All that is derived from here on, and the last state, as lines."""
    mine = (event for event in told if isinstance(event.payload, fold.kinds))
    out = [written(Event(at.seq, at.time, at.scope, new, 1)) for at in mine for new in fold.step(state, at)]
    return out, orjson.dumps(fold.dump(state))


def at_cut(fold: Fold[Any]) -> Any:
    """The state that the fold of now has there."""
    state = fold.init()
    went_on(fold, state, seen_by(fold)[:CUT])
    return state


def complaint(fold: Fold[Any], plain: Any) -> str | None:
    """What is wrong with a state that was put aside; None where the fold goes on from it to the last byte."""
    try:
        state = fold.load(plain)
    except UnreadableStateError as error:
        return f"{error}"
    rest = seen_by(fold)[CUT:]
    if went_on(fold, state, rest) != went_on(fold, at_cut(fold), rest):
        return f"{fold.name!r} goes on otherwise than one that was never put aside"
    return None


def renewed(known: Mapping[str, Any], now: Mapping[str, Fold[Any]]) -> dict[str, Any]:
    """The states to be kept from now on. Raises ValueError where one has changed, and its version has not."""
    return {name: _renewed(fold, known.get(name)) for name, fold in sorted(now.items())}


def _renewed(fold: Fold[Any], known: Any) -> Any:
    if known and known["version"] == fold.version:
        if wrong := complaint(fold, known):
            raise ValueError(wrong + ADVICE)
        return known
    return fold.dump(at_cut(fold))


def main() -> None:
    """Renew the file."""
    try:
        states = renewed(kept() if FILE.exists() else {}, folds())
    except ValueError as error:
        sys.exit(str(error))
    FILE.write_bytes(lzma.compress(orjson.dumps(states), preset=9))


if __name__ == "__main__":
    main()
