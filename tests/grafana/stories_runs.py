"""Stories of runs that die, fail, end, stall, and never begin."""

from tests.grafana.clocks import ACCEPTED, BEAT, ENDED, FAILED, LAST, lives, stuck
from tests.grafana.story import PROCESS, RUN, Line, Story, steps

__all__ = ["STORIES"]

_INTERRUPTED = "nissa_run_ended_timestamp_seconds@PROCESS,run=r0,outcome=interrupted"
_SEEN = {ENDED: steps((0, None), (9.75, 585), (10, None))}
_SHOWN = {ENDED: steps((0, None), (10, 600)), LAST: stuck(10, 99), BEAT: stuck(10, 99)}


def _died(name: str, up: Line) -> Story:
    return Story(
        alert="NissaRunDied",
        name=name,
        series={**lives((0, 10)), "up@PROCESS": up},
        silent=(9.75, 11.75, 70),
        fires=(12, 69.75),
        labels=RUN,
        description="Run r1 at host:9464 emitted last at 1970-01-01 00:09:45 +0000 UTC.",
    )


def _until(end: float, line: Line) -> Line:
    return lambda minute: line(minute) if minute < end else None


STORIES = (
    _died("its target is down", up=steps((0, 1), (10, 0))),
    _died("its target is gone", up=steps((0, 1), (10, None))),
    Story(
        alert="NissaRunDied",
        name="scraped once a minute, it dies",
        series=lives((0, 10)),
        silent=(9, 11, 70),
        fires=(12, 68),
        labels=RUN,
        description="Run r1 at host:9464 emitted last at 1970-01-01 00:09:00 +0000 UTC.",
        step=1,
    ),
    *(
        Story(
            alert=alert,
            name="a run that said so ended",
            series={**lives((0, 10)), **_SEEN},
            silent=(12, 13, 30, 45, 69, 75),
        )
        for alert in ("NissaRunDied", "NissaScrapeStale")
    ),
    *(
        Story(alert=alert, name="it ended and its process lives on", series=_SHOWN, silent=(13, 28, 39))
        for alert in ("NissaRunStalled", "NissaPipelineStalled")
    ),
    Story(
        alert="NissaRunDied",
        name="a thread of it emits for a minute after it ended",
        series={**lives((0, 11)), **_SEEN},
        silent=(12, 13, 30, 75),
    ),
    Story(
        alert="NissaRunFailed",
        name="one run fails, another is interrupted",
        series={
            **lives((0, 10.25)),
            FAILED: steps((0, None), (10, 600), (10.25, None)),
            _INTERRUPTED: steps((0, 0), (5, 300)),
        },
        silent=(9.75, 25),
        fires=(10, 24.75),
        labels=RUN,
        description="Run r1 at host:9464 failed at 1970-01-01 00:10:00 +0000 UTC.",
    ),
    Story(
        alert="NissaRunFailed",
        name="it is told of for a quarter of an hour, however long it is shown",
        series={FAILED: steps((0, None), (10, 600))},
        silent=(9.75, 25, 90),
        fires=(10, 24.75),
        labels=RUN,
        description="Run r1 at host:9464 failed at 1970-01-01 00:10:00 +0000 UTC.",
    ),
    Story(
        alert="NissaRunFailed",
        name="the log of a run that failed is looked at, and has no last event",
        series={FAILED: steps((0, None), (12, 600)), LAST: steps((0, None)), BEAT: steps((0, None))},
        silent=(12, 14, 24.75),
    ),
    Story(
        alert="NissaRunSilent",
        name="it hangs before its first event, and begins at last",
        series={**lives((40, 99)), ACCEPTED: steps((0, None), (10, 0), (40, 5)), "up@PROCESS": steps((0, 0), (10, 1))},
        silent=(24.75, 40),
        fires=(25, 39.75),
        labels=PROCESS,
        description="host:9464 has no run yet: the trainer hangs before its first event, or died.",
    ),
    Story(
        alert="NissaRunSilent",
        name="after a run that ended, the next one dies before its first event",
        series={
            **lives((0, 10)),
            **_SEEN,
            ACCEPTED: steps((0, 800), (10, None), (15, 0), (17, None)),
            "up@PROCESS": steps((0, 1), (10, 0), (15, 1), (17, 0)),
        },
        silent=(29.75, 77),
        fires=(30, 76.75),
        labels=PROCESS,
        description="host:9464 has no run yet: the trainer hangs before its first event, or died.",
    ),
    Story(
        alert="NissaRunStalled",
        name="the trainer is silent for a while",
        series={LAST: stuck(10, 40)},
        missed=((30, 31.75),),
        silent=(20, 25, 40),
        fires=(25.25, 31.5, 39.75),
        labels=RUN,
        description="Run r1 at host:9464 has been silent for 15m 15s.",
    ),
    Story(
        alert="NissaRunStalled",
        name="the trainer is silent, and then dies",
        series={LAST: _until(30, stuck(10, 99))},
        silent=(25, 32),
        fires=(25.25, 31.75),
        labels=RUN,
        description="Run r1 at host:9464 has been silent for 15m 15s.",
    ),
    Story(
        alert="NissaPipelineStalled",
        name="no heartbeat for a while",
        series={BEAT: stuck(10, 20)},
        missed=((15, 16.75),),
        silent=(11, 13, 20),
        fires=(13.25, 16.5, 19.75),
        labels=RUN,
        description="Run r1 at host:9464 has had no heartbeat for 3m 15s.",
    ),
    Story(
        alert="NissaPipelineStalled",
        name="no heartbeat, and then it dies",
        series={BEAT: _until(15, stuck(10, 99))},
        silent=(13, 17),
        fires=(13.25, 16.75),
        labels=RUN,
        description="Run r1 at host:9464 has had no heartbeat for 3m 15s.",
    ),
    Story(
        alert="NissaPipelineStalled",
        name="it dies seconds after a heartbeat",
        series={**lives((0, 10)), BEAT: _until(10, lambda minute: 60 * minute - 4)},
        silent=(11, 11.5, 11.75),
    ),
)
