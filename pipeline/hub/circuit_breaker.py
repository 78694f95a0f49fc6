"""A circuit breaker: a sink that keeps failing is left alone for a while, longer each time."""

__all__ = ["FAILURES", "LONGEST_REST", "SHORTEST_REST", "CircuitBreaker"]

FAILURES = 5
"""Failures in a row that open it."""
SHORTEST_REST = 0.5
"""Seconds of the first rest; each further one is twice as long."""
LONGEST_REST = 30.0
"""Seconds beyond which rests do not grow."""


class CircuitBreaker:
    """closed -> (failures) -> open -> (rest) -> half_open -> closed, or open again.

    >>> breaker = CircuitBreaker()
    >>> for _ in range(FAILURES): breaker.failed()
    >>> breaker.state, breaker.rest
    ('open', 0.5)
    """

    def __init__(self) -> None:
        self.state = "closed"
        self.rest = 0.0
        """Seconds to leave the sink alone, once open."""
        self._in_a_row = 0

    def failed(self) -> None:
        """Count a failure."""
        self._in_a_row += 1
        if self._in_a_row >= FAILURES:
            self.state = "open"
            self.rest = min(max(2 * self.rest, SHORTEST_REST), LONGEST_REST)

    def rested(self) -> None:
        """The rest is over: the next attempt decides."""
        if self.state == "open":
            self.state = "half_open"

    def succeeded(self) -> None:
        """All is well, or well again."""
        if not self._in_a_row:
            return
        self.state, self.rest, self._in_a_row = "closed", 0.0, 0
