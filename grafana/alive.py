"""Which runs go on, and for how long was nothing heard of them? One that has died is known for an hour."""

from nissa.grafana.queries import of, once

__all__ = ["GOING_ON", "heartbeat", "silence"]

_PROCESS = "run, instance, job"


def _last(metric: str) -> str:
    return f"last_over_time({of(metric)}[1h])"


def _going_on(known: str) -> str:
    """Less runs that ended. One that is heard of a minute after its end was begun anew under its old name."""
    ended = once(_last("nissa_run_ended_timestamp_seconds"), _PROCESS)
    return f"{known} unless on ({_PROCESS}) ({ended} >= on ({_PROCESS}) ({known} - 60))"


def _age(metric: str) -> str:
    """Time since what is said last, by run and process."""
    return f"time() - {_going_on(_last(metric))}"


GOING_ON = f"count({once(_going_on(of('nissa_run_heartbeat_timestamp_seconds')), 'run')}) or vector(0)"
"""How many runs are heard of now and have not ended."""


def heartbeat() -> str:
    """Seconds since the pipeline was last known to be alive, by run and process."""
    return _age("nissa_run_heartbeat_timestamp_seconds")


def silence() -> str:
    """Seconds since the trainer last emitted, by run and process."""
    return _age("nissa_run_last_event_timestamp_seconds")
