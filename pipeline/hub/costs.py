"""What has telemetry cost so far? CPU time, by who spent it and beside what training used, and bytes of the log."""

from collections.abc import Callable, Sequence
from time import process_time

from nissa.events.kinds import TelemetryCost
from nissa.pipeline.hub.meter import Meter

__all__ = ["ENOUGH", "Clock", "Costs", "Size", "excess"]

ENOUGH = 10.0
"""Seconds of CPU that a training must have used before it is judged what its looks cost: a start is no training."""
Clock = Callable[[], float]
"""Seconds of CPU so far."""
Size = Callable[[], tuple[int, int]]
"""Bytes of the log so far, and those of looks among them."""


class Costs:
    """The account since it was made. `threads` are clocks of Nissa's own threads in this process.

    `collecting` is that of a collector's process, `size` that of the log.
    """

    def __init__(
        self, meter: Meter, threads: Sequence[Clock], collecting: Clock | None = None, size: Size | None = None
    ) -> None:
        self._meter, self._threads, self._collecting, self._size = meter, threads, collecting, size
        self._began = process_time()
        self._last: TelemetryCost | None = None

    def state(self, before: TelemetryCost | None = None) -> TelemetryCost:
        """As it is now; `overhead` is of the time since `before`, or since the beginning."""
        log_bytes, look_bytes = self._size() if self._size else (None, None)
        now = TelemetryCost(
            emitting=self._meter.emitting,
            measuring=self._meter.measuring,
            threads=sum(clock() for clock in self._threads),
            collecting=self._collecting() if self._collecting else None,
            whole=process_time() - self._began,
            steps=self._meter.steps if self._size else None,
            log_bytes=log_bytes,
            look_bytes=look_bytes,
        )
        now.overhead = _overhead(now, before)  # type: ignore[misc]  # nobody has seen it yet
        return now

    def beat(self) -> TelemetryCost:
        """As it is now; `overhead` is of the time since the last call."""
        self._last = self.state(self._last)
        return self._last


def excess(cost: TelemetryCost, expected: float | None) -> float | None:
    """Overhead of the looks alone, where it is above what a profile says; None where it is not, or not known yet."""
    training = cost.whole - _own(cost)
    if expected is None or cost.whole < ENOUGH or training <= 0:
        return None
    share = cost.measuring / training
    return share if share > expected else None


def _own(cost: TelemetryCost) -> float:
    return cost.emitting + cost.measuring + cost.threads


def _overhead(now: TelemetryCost, before: TelemetryCost | None) -> float | None:
    own = _own(now) - (_own(before) if before else 0.0)
    training = now.whole - (before.whole if before else 0.0) - own
    return max(0.0, own) / training if training > 0 else None
