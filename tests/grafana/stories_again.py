"""Stories of ports and names that are used again, and of scrapes that fail now and then."""

from tests.grafana.clocks import ENDED, LAST, STARTED, alive, flapping, lives, stuck
from tests.grafana.story import RUN, Line, Story, steps

__all__ = ["STORIES"]

_SEEN = {ENDED: steps((0, None), (9.75, 585), (10, None))}
_LATER = ((30, 34.25),)
_FLAPS = ((10, 14), (40, 44.25))


def _at(clock: str) -> str:
    return f"Run r1 at host:9464 emitted last at 1970-01-01 {clock} +0000 UTC."


def _next(minute: float) -> float | None:
    """The clock of the next run, on a port that was down until then."""
    return 60 * minute if minute >= 20 and flapping(*_LATER)(minute) else None


def _start(minute: float) -> float | None:
    return None if _next(minute) is None else 1200


_UP: Line = lambda minute: 0 if 10 <= minute < 20 else flapping(*_LATER)(minute)  # noqa: E731


def _stale(run: str) -> str:
    return f"Run {run}: of the last ten minutes' scrapes of host:9464, 78.05% worked."


STORIES = (
    Story(
        alert="NissaRunDied",
        name="resumed under its old name, it dies",
        series={**lives((0, 10), (75, 100)), **_SEEN},
        silent=(12, 74, 101.75),
        fires=(102,),
        labels=RUN,
        description=_at("01:39:45"),
    ),
    Story(
        alert="NissaRunDied",
        name="its process goes on under its name for over a minute after its end, and dies",
        series={**lives((0, 11.25)), **_SEEN},
        silent=(10, 13, 71.25),
        fires=(13.25, 71),
        labels=RUN,
        description=_at("00:11:00"),
    ),
    Story(
        alert="NissaRunDied",
        name="begun anew at once under its old name, it dies within half a minute",
        series={**lives((0, 10), (10, 10.5)), **_SEEN},
        silent=(10, 12.25, 70.5),
        fires=(12.5, 70.25),
        labels=RUN,
        description=_at("00:10:15"),
    ),
    Story(
        alert="NissaRunStalled",
        name="begun anew under its old name, it is silent",
        series={LAST: stuck(20, 50), **_SEEN},
        silent=(30, 35, 50),
        fires=(35.25, 49.75),
        labels=RUN,
        description="Run r1 at host:9464 has been silent for 15m 15s.",
    ),
    Story(
        alert="NissaScrapeStale",
        name="8 of 41 scrapes fail, later 9",
        series={**lives((0, 99), seen=flapping(*_FLAPS))},
        silent=(20, 39, 44.75, 50.25),
        fires=(45, 50),
        labels=RUN,
        description=_stale("r1"),
    ),
    Story(
        alert="NissaScrapeStale",
        name="9 of 41 scrapes fail, and from then on all, for an hour",
        series=lives((0, 36), seen=flapping(*_LATER)),
        silent=(34.75, 96),
        fires=(35, 95.5),
        labels=RUN,
        description=_stale("r1"),
    ),
    Story(
        alert="NissaScrapeStale",
        name="the next run begins on a port that was down, and 9 of 41 scrapes of it fail later",
        series={
            **lives((0, 10)),
            **_SEEN,
            "up@PROCESS": _UP,
            LAST.replace("RUN", "PROCESS,run=r2"): _next,
            STARTED.replace("RUN", "PROCESS,run=r2"): _start,
        },
        silent=(21, 25, 27, 29, 34.75, 40.25),
        fires=(35, 40),
        labels={**RUN, "run": "r2"},
        description=_stale("r2"),
    ),
    Story(
        alert="NissaScrapeStale",
        name="begun anew under its old name on a port that was down, 9 of 41 scrapes of it fail later",
        series={**lives((0, 10), (20, 99), seen=flapping(*_LATER)), **_SEEN},
        silent=(21, 25, 27, 29, 34.75, 40.25),
        fires=(35, 40),
        labels=RUN,
        description=_stale("r1"),
    ),
    Story(
        alert="NissaScrapeStale",
        name="a recorded run, which has no last event, is not missed",
        series={LAST: alive(), "up@PROCESS": flapping(*_LATER)},
        silent=(35, 40),
    ),
)
