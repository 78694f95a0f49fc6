"""What is shown of a run that is gone? How it stood when it was last heard of in the time range.

Numbers, bars and tables ask once, at the end of the time range, when the trainer may long be gone. While a run goes on,
what it no longer tells is not called back. Where two processes told of one that is gone, one after the other, the
higher of their last values counts.

>>> held("sum by (run) (nissa_live_seeds{})").split(" unless ")[0]
'sum by (run) (nissa_live_seeds{}) or (sum by (run) (last_over_time(nissa_live_seeds{}[$__range]))'
"""

import re
from collections.abc import Iterable

from nissa.grafana.queries import of

__all__ = ["PROCESS", "described", "held", "held_all"]

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
