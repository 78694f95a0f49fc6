"""Stories of runs that die, fail, end, stall, and are scraped now and then."""

from tests.grafana.story import PROCESS, RUN, Line, Story, steps

__all__ = ["STORIES"]

_LAST = "nissa_run_last_event_timestamp_seconds@RUN"
_BEAT = "nissa_run_heartbeat_timestamp_seconds@RUN"
_ENDED = "nissa_run_ended_timestamp_seconds@RUN,outcome=completed"
_FAILED = "nissa_run_ended_timestamp_seconds@RUN,outcome=failed"
_INTERRUPTED = "nissa_run_ended_timestamp_seconds@PROCESS,run=r0,outcome=interrupted"


def _alive(*spans: tuple[float, float]) -> Line:
    """The clock, as long as the process lives."""
    return lambda minute: 60 * minute if any(since <= minute < until for since, until in spans) else None


def _stuck(since: float, until: float) -> Line:
    """A clock that stands still for a while."""
    return lambda minute: 60 * (since if since <= minute < until else minute)


def _flapping(*spans: tuple[float, float]) -> Line:
    """Every other scrape fails."""
    return lambda minute: 0 if minute * 2 % 1 == 0 and any(a <= minute < b for a, b in spans) else 1


def _died(name: str, up: Line) -> Story:
    return Story(
        alert="NissaRunDied",
        name=name,
        series={_LAST: _alive((0, 10)), _BEAT: _alive((0, 10)), "up@PROCESS": up},
        silent=(9.75, 11.75, 70),
        fires=(12, 69.75),
        labels=RUN,
        description="Run r1 at host:9464 emitted last at 1970-01-01 00:09:45 +0000 UTC.",
    )


def _ended(alert: str, name: str, silent: tuple[float, ...], *, ended: Line, clock: Line, up: Line) -> Story:
    series = {_LAST: clock, _BEAT: clock, _ENDED: ended, "up@PROCESS": up}
    return Story(alert=alert, name=name, series=series, silent=silent)


_SEEN = steps((0, None), (9.75, 585), (10, None))
_SHOWN = steps((0, None), (10, 600))
_DOWN = steps((0, 1), (10, 0))
_FLAPS = ((10, 14), (40, 44.25))

STORIES = (
    _died("its target is down", up=_DOWN),
    _died("its target is gone", up=steps((0, 1), (10, None))),
    *(
        _ended(
            alert, "a run that said so ended", (12, 13, 30, 45, 69, 75), ended=_SEEN, clock=_alive((0, 10)), up=_DOWN
        )
        for alert in ("NissaRunDied", "NissaScrapeStale")
    ),
    *(
        _ended(
            alert,
            "it ended and its process lives on",
            (13, 28, 39),
            ended=_SHOWN,
            clock=_stuck(10, 99),
            up=steps((0, 1)),
        )
        for alert in ("NissaRunStalled", "NissaPipelineStalled")
    ),
    Story(
        alert="NissaRunDied",
        name="resumed under its old name, it dies",
        series={_LAST: _alive((0, 10), (75, 100)), _BEAT: _alive((0, 10), (75, 100)), _ENDED: _SEEN},
        silent=(12, 74, 101.75),
        fires=(102,),
        labels=RUN,
        description="Run r1 at host:9464 emitted last at 1970-01-01 01:39:45 +0000 UTC.",
    ),
    Story(
        alert="NissaRunFailed",
        name="one run fails, another is interrupted",
        series={_FAILED: steps((0, None), (10, 600), (20, None)), _INTERRUPTED: steps((0, 0), (5, 300))},
        silent=(9.75, 35),
        fires=(10, 34.75),
        labels=RUN,
        description="Run r1 at host:9464 failed at 1970-01-01 00:10:00 +0000 UTC.",
    ),
    Story(
        alert="NissaRunStalled",
        name="the trainer is silent for a while",
        series={_LAST: _stuck(10, 40)},
        silent=(20, 25, 40),
        fires=(25.25, 39.75),
        labels=RUN,
        description="Run r1 at host:9464 has been silent for 15m 15s.",
    ),
    Story(
        alert="NissaPipelineStalled",
        name="no heartbeat for a while",
        series={_BEAT: _stuck(10, 20)},
        silent=(11, 12, 20),
        fires=(12.25, 19.75),
        labels=RUN,
        description="Run r1 at host:9464 has had no heartbeat for 2m 15s.",
    ),
    Story(
        alert="NissaScrapeStale",
        name="8 of 41 scrapes fail, later 9",
        series={
            "up@PROCESS": _flapping(*_FLAPS),
            _LAST: lambda minute: 60 * minute if _flapping(*_FLAPS)(minute) else None,
            _BEAT: lambda minute: 60 * minute if _flapping(*_FLAPS)(minute) else None,
        },
        silent=(20, 39, 44.75, 50.25),
        fires=(45, 50),
        labels=PROCESS,
        description="Of the last ten minutes' scrapes of host:9464, 78.05% worked.",
    ),
)
