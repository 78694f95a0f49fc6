"""Which rank holds the others up? One that is slower in nearly every step, in its own work or in waiting for data.

Ranks that train together wait for each other, so that the time from step to step is the same in all. What tells them
apart is the part of it in which a rank waits for nobody. A rank that is slow by chance is not slow all the time.

>>> slowness, odd = Slowness(), Told(seconds=0.2, own_seconds=0.15, loading=0.0)
>>> step = {0: Told(seconds=0.2, own_seconds=0.05), 1: Told(seconds=0.2, own_seconds=0.05), 2: odd}
>>> [[rank for rank, _, found in slowness.judged(step) if found] for _ in range(8)][-3:]
[[], [2], [2]]
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nissa.operators.alerts import Finding
from nissa.operators.ranks.others import medians_of_others
from nissa.operators.ranks.told import Told

__all__ = ["FACTOR", "LOADING", "SLOW", "STEPS", "WORK", "Slowness"]

STEPS, SLOW = 8, 7
"""Of so many steps, in so many a straggler is slow."""
FACTOR = 1.5
"""By how much slower than the median of the others it then is at least ..."""
_SHARE = 0.1
"""... and by what share of the step, ..."""
_LEAST = 1e-3
"""... and by how many seconds."""
WORK, LOADING = "own work", "data loading"


@dataclass(slots=True)
class Slowness:
    """In which of the last steps a rank was slow, by what was measured and rank."""

    slow: dict[tuple[str, int], deque[bool]] = field(default_factory=dict)

    def judged(self, told: Mapping[int, Told]) -> Iterator[tuple[int, str, Finding | None]]:
        """Of a step, each rank and measure that can be compared, and what was found."""
        work = {
            rank: one.own_seconds - (one.loading or 0.0) for rank, one in told.items() if one.own_seconds is not None
        }
        loading = {rank: one.loading for rank, one in told.items() if one.loading is not None}
        for measure, values in ((WORK, work), (LOADING, loading)):
            usual = medians_of_others(values) if len(values) > 1 else {}
            for rank in sorted(usual):
                yield rank, measure, self._found(measure, rank, values[rank], usual[rank], told[rank].seconds)

    def forget(self, rank: int) -> None:
        """It begins anew."""
        for key in [key for key in self.slow if key[1] == rank]:
            del self.slow[key]

    def _found(self, measure: str, rank: int, mine: float, usual: float, seconds: float | None) -> Finding | None:
        least = max(_LEAST, _SHARE * (seconds or 0.0), (FACTOR - 1) * usual)
        last = self.slow.setdefault((measure, rank), deque(maxlen=STEPS))
        last.append(mine - usual > least)
        if sum(last) < SLOW:
            return None
        what = f"rank {rank} holds the others up: {measure} took {mine:.3g} s, and {usual:.3g} s in the median of them"
        return Finding(what, mine, measure.replace(" ", "_"), usual, usual + least, len(last))
