"""How much of what goes wrong does a rule find, and how often does it find something where nothing does?

A fault is put into a curve at places that a generator draws. A rule is put aside there, judges what follows with each
fault in turn, and goes on without. Found is any alarm in time. Found by chance is any alarm in the same steps of the
clean curve.
"""

import pickle
import statistics
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from tests.benchmarks.detection.rules import Rule

__all__ = ["FAULTS", "Judged", "judge", "judge_all"]

QUIET = 10
"""Steps without an alarm after which the next one is another."""
PLACES = 20
"""Of each fault in a curve."""
_MARGIN = 100
"""Steps at either end of a curve without a fault."""


class Fault(NamedTuple):
    """What is done to the losses, and how soon it has to be found."""

    alter: Callable[[float, int], float]
    """A loss, so many steps after the first one of the fault."""
    within: int
    """Steps."""


def _times(factor: float, steps: int, within: int) -> Fault:
    return Fault(lambda loss, n: loss * factor if n < steps else loss, within)


FAULTS: Mapping[str, Fault] = {
    **{f"x{factor:g} once": _times(factor, 1, 3) for factor in (1.5, 2.0, 3.0, 5.0, 10.0)},
    "x3 for 10": _times(3.0, 10, 10),
    "level x1.4": _times(1.4, 10_000, 60),
    "level x2": _times(2.0, 10_000, 60),
    "2% a step": Fault(lambda loss, n: loss * 1.02 ** min(n, 80), 80),
}


class Judged(NamedTuple):
    """What a rule made of some curves."""

    alarms: float
    """False alarms in 1,000 clean steps."""
    found: Mapping[str, float]
    """Percent of each fault."""
    chance: Mapping[str, float]
    """Percent found by chance."""


def judge(make: Callable[[], Rule], curves: Sequence[Sequence[float]]) -> Judged:
    """One rule on the curves of one training. They have the same faults in the same places, whichever rule it is."""
    alarms, found, chance = 0, dict.fromkeys(FAULTS, 0), dict.fromkeys(FAULTS, 0)
    for seed, curve in enumerate(curves):
        places = set(Random(seed).sample(range(_MARGIN, len(curve) - _MARGIN), PLACES))
        rule, fired, aside = make(), [], {}
        for n, loss in enumerate(curve):
            if n in places:
                aside[n] = pickle.dumps(rule)
            fired.append(bool(rule.judge(loss)))
        alarms += sum(alarm and not any(fired[max(0, n - QUIET) : n]) for n, alarm in enumerate(fired))
        for name, fault in FAULTS.items():
            for at, put in aside.items():
                found[name] += _finds(pickle.loads(put), fault, curve[at : at + fault.within])
                chance[name] += any(fired[at : at + fault.within])
    share = 100 / (PLACES * len(curves))
    return Judged(
        1000 * alarms / sum(map(len, curves)), *({f: share * n for f, n in c.items()} for c in (found, chance))
    )


def _finds(rule: Rule, fault: Fault, losses: Sequence[float]) -> bool:
    return any(rule.judge(fault.alter(loss, n)) for n, loss in enumerate(losses))


def judge_all(make: Callable[[], Rule], curves: Mapping[str, Sequence[Sequence[float]]]) -> Judged:
    """The mean over trainings, each of which counts alike."""
    rows = [judge(make, row) for row in curves.values()]
    found, chance = (
        {f: statistics.fmean(getattr(row, part)[f] for row in rows) for f in FAULTS} for part in Judged._fields[1:]
    )
    return Judged(statistics.fmean(row.alarms for row in rows), found, chance)
