"""Runs that every engine is tried on, as lines of Nissa's own, without what follows from them.

The recorded one is of `nissa demo --envs 1 --episodes 2 --seed 3 --profile research --set gradients.every=40
--set gradients.full_histogram=false --set per_class.track_confusion=false --set gradients.percentiles=[50]
--inject loss_spike@env0:ep1:epoch25`.
"""

import lzma
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from nissa.events.codec import encode, written
from nissa.events.event import Event, Scope
from nissa.events.kinds import RunEnded
from nissa.pipeline.sources import Reading, read_log
from tests.operators.contract.loop import events

__all__ = ["HERE", "foreign", "hostile", "recorded"]

HERE = Path(__file__).parent
"""Where the log and the states of folds lie."""
_PARTS, _LENGTH = 3, 500


@cache
def recorded() -> list[bytes]:
    """Two episodes of one environment, everything measured, with a loss that jumps."""
    return lzma.decompress((HERE / "log.jsonl.xz").read_bytes()).splitlines(keepends=True)


def foreign(log: Path) -> list[bytes]:
    """A log of another system, translated."""
    return [written(event) for event in read_log(log, Reading()) if not event.ordinal]


@cache
def hostile(seed: int = 1) -> list[bytes]:
    """Parts of the recorded run as environments of one, mixed, and then what happens to logs: lines out of order,
    twice, lost, torn, of unknown kinds, another life with the same numbers, and an end that is none."""
    chance = random.Random(seed)
    told = _numbered(_mixed(chance))
    half = len(told) // 2
    told.insert(half, Event(10_000, told[half].time, Scope("hostile"), RunEnded(outcome="completed", duration=1.0)))
    lines = [line for event in _shuffled(told, chance) for line in _damaged(encode(event), chance)]
    again = [encode(replace(event, time=event.time + 1e6)) for event in told[:300]]
    return [*lines, *again, encode(told[-1])[:-9]]


def _mixed(chance: random.Random) -> list[Event[Any]]:
    told = list(events(recorded()))
    begins = [chance.randrange(len(told) - _LENGTH) for _ in range(_PARTS)]
    parts = [iter(told[begin : begin + _LENGTH]) for begin in begins]
    order = [part for part in range(_PARTS) for _ in range(_LENGTH)]
    chance.shuffle(order)
    mixed = [(part, next(parts[part])) for part in order]
    return [replace(event, scope=event.scope._replace(env=part)) for part, event in mixed]


def _numbered(told: list[Event[Any]]) -> list[Event[Any]]:
    return [
        replace(event, seq=seq, time=float(seq), scope=event.scope._replace(run="hostile"))
        for seq, event in enumerate(told)
    ]


def _shuffled(told: list[Event[Any]], chance: random.Random) -> list[Event[Any]]:
    """Each at most twenty places from its own."""
    return [event for _, event in sorted(enumerate(told), key=lambda pair: pair[0] + chance.uniform(0, 20))]


def _damaged(line: bytes, chance: random.Random) -> list[bytes]:
    match chance.randrange(40):
        case 0:
            return []
        case 1:
            return [line, line]
        case 2:
            return [line[: len(line) // 2] + b"\n", line]
        case 3:
            return [line, b'{"v":1,"kind":"never_heard_of","seq":99999,"time":1.0,"run":"hostile","data":{"a":1}}\n']
        case 4:
            return [b"\n", b"\xff\xfe no line\n", line]
        case _:
            return [line]
