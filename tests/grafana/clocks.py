"""What a process shows of being alive, while it lives."""

from collections.abc import Mapping

from tests.grafana.story import Line, steps

__all__ = ["ACCEPTED", "AT_ONCE", "BEAT", "ENDED", "FAILED", "LAST", "STARTED", "alive", "flapping", "lives", "stuck"]

LAST = "nissa_run_last_event_timestamp_seconds@RUN"
BEAT = "nissa_run_heartbeat_timestamp_seconds@RUN"
STARTED = "nissa_run_started_timestamp_seconds@RUN"
ENDED = "nissa_run_ended_timestamp_seconds@RUN,outcome=completed"
FAILED = "nissa_run_ended_timestamp_seconds@RUN,outcome=failed"
ACCEPTED = "nissa_pipeline_accepted_total@PROCESS"


def alive(*spans: tuple[float, float]) -> Line:
    """The clock, as long as the process lives."""
    return lambda minute: 60 * minute if any(since <= minute < until for since, until in spans) else None


def stuck(since: float, until: float) -> Line:
    """A clock that stands still for a while."""
    return lambda minute: 60 * (since if since <= minute < until else minute)


def flapping(*spans: tuple[float, float]) -> Line:
    """Every other scrape fails."""
    return lambda minute: 0 if minute * 2 % 1 == 0 and any(a <= minute < b for a, b in spans) else 1


def lives(*spans: tuple[float, float], seen: Line | None = None) -> Mapping[str, Line]:
    """A run that starts with each of these spans; its target is down between them. `seen`: whether a scrape works."""
    works = seen or steps((0, 1))

    def began(minute: float) -> float | None:
        return next((a for a, b in spans if a <= minute < b and works(minute)), None)

    def clock(minute: float) -> float | None:
        return None if began(minute) is None else 60 * minute

    def start(minute: float) -> float | None:
        since = began(minute)
        return None if since is None else 60 * since

    return {
        LAST: clock,
        BEAT: clock,
        STARTED: start,
        ACCEPTED: lambda minute: None if began(minute) is None else 1 + minute,
        "up@PROCESS": lambda minute: 0 if began(minute) is None else 1,
    }


AT_ONCE = {**lives((0, 30), (30.25, 99)), ENDED: steps((0, None), (29.75, 1785), (30, None))}
"""A run that ends, and the next one on its port, which begins with the next scrape."""
