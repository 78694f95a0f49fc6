"""Which runs go on, and what is shown of one that is gone? How it stood when it was last heard of in the time range.

Numbers, bars and tables ask once, at the end of the time range, when the trainer may long be gone. While a run goes on,
what it no longer tells is not called back. Where two processes told of one that is gone, one after the other, the
higher of their last values counts. That a run has died is known for an hour.

>>> held("sum by (run) (nissa_live_seeds{})").split(" unless ")[0]
'sum by (run) (nissa_live_seeds{}) or (sum by (run) (last_over_time(nissa_live_seeds{}[$__range]))'
"""

import re
from collections.abc import Iterable

from nissa.grafana.promql.queries import of, once

__all__ = ["GOING_ON", "PROCESS", "described", "heartbeat", "held", "held_all", "silence", "since"]

PROCESS = "nissa_scrapes_total"
"""What each process tells of itself."""
_RUN = "nissa_run_last_event_timestamp_seconds"
"""What each run tells that goes on; a recording does not, but tells the same for ever."""
_MOMENT = "2m"
"""Until then a run that is not heard of is not taken for gone, as in the rules."""
_SELECTOR = re.compile(r"\bnissa_\w+\{[^}]*\}")
_OF_ONE, _OF_ALL = "unless on (run)", "unless on ()"
_SAID = {
    _OF_ONE: "Of a run that is gone, as it was last in the time range.",
    _OF_ALL: "When all are gone, as it was last in the time range.",
}


def held(expr: str) -> str:
    """Values by run and more; of runs that nobody tells of now, the last ones in the time range."""
    return f"{expr} or ({_past(expr)} {_OF_ONE} {of(_RUN)})"


def held_all(expr: str, alive: str = _RUN) -> str:
    """One value over all runs that go on; if none does, over all in the time range, as they were last.

    `alive` is the metric that tells whether anything goes on. While nothing does that was there a moment ago, the value
    is what was told then: where a scrape fails, runs of hours ago are not added up for as long as that.
    """
    heard = of(alive)
    just, past = f"{_past(expr, _MOMENT)} {_OF_ALL} {heard}", f"{_past(expr)} {_OF_ALL} {_past(heard, _MOMENT)}"
    return f"{expr} or ({just}) or ({past})"


def described(text: str, exprs: Iterable[str]) -> str:
    """The description of a panel that asks so, which says what it shows of what is gone."""
    asked = " ".join(exprs)
    return " ".join([text, *(said for way, said in _SAID.items() if f"{way} " in asked)])


def _past(expr: str, window: str = "$__range") -> str:
    return _SELECTOR.sub(rf"last_over_time(\g<0>[{window}])", expr)


_BY_PROCESS = "run, instance, job"


def _last(metric: str) -> str:
    return f"last_over_time({of(metric)}[1h])"


def _going_on(known: str) -> str:
    """Less runs that ended. One that is heard of a minute after its end was begun anew under its old name."""
    ended = once(_last("nissa_run_ended_timestamp_seconds"), _BY_PROCESS)
    return f"{known} unless on ({_BY_PROCESS}) ({ended} >= on ({_BY_PROCESS}) ({known} - 60))"


def _age(metric: str) -> str:
    """Time since what is said last, by run and process."""
    return f"time() - {_going_on(_last(metric))}"


GOING_ON = f"count({once(_going_on(of('nissa_run_heartbeat_timestamp_seconds')), 'run')}) or vector(0)"
"""How many runs are heard of now and have not ended."""


def heartbeat() -> str:
    """Seconds since the pipeline was last known to be alive, by run and process."""
    return _age("nissa_run_heartbeat_timestamp_seconds")


def since(metric: str, **matchers: str) -> str:
    """Seconds since what a metric tells the time of, in runs that go on."""
    return f"time() - (last_over_time({of(metric, **matchers)}[1h]) and on ({_BY_PROCESS}) {_going_on(_last(_RUN))})"


def silence() -> str:
    """Seconds since the trainer last emitted, by run and process."""
    return _age("nissa_run_last_event_timestamp_seconds")
