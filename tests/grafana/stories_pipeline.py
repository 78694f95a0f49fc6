"""Stories of telemetry that loses events, and of parts of it that fail."""

from tests.grafana.clocks import ENDED, LAST, STARTED, lives
from tests.grafana.story import PROCESS, Line, Story, steps

__all__ = ["STORIES"]

_ONCE = steps((0, 0), (10, 1))


def _once(alert: str, name: str, series: str, description: str, wait: float = 0, **labels: str) -> Story:
    """It counts one, and that is seen for ten minutes. What another alert tells of comes later."""
    later = series.replace("batch_completed", "seed_culled")
    return Story(
        alert=alert,
        name=name,
        series={later: steps((0, 0), (40, 1)), series: _ONCE},
        silent=(9.75, 9.75 + wait, 20, *((46,) if later != series else ())),
        fires=(10 + wait, 19.75),
        labels={**PROCESS, **labels},
        description=description,
    )


def _before(name: str, series: str, where: str, **labels: str) -> Story:
    """It counts one before it is first scraped, is not scraped for a while then, and dies."""
    return Story(
        alert="NissaLifecycleEventsDropped",
        name=f"{name} before the first scrape",
        series={**lives((20, 26)), series: steps((0, None), (20, 1), (26, None))},
        missed=((22, 23.75),),
        silent=(19.75, 28),
        fires=(20, 23.5, 27.75),
        labels={**PROCESS, **labels},
        description=f"{_SHED} life-cycle events in ten minutes, {where}.",
    )


_SHED = "host:9464 shed about 1"
_DOWN: Line = steps((0, 1), (10, 0), (20, 1), (30, 0), (40, None))
_NARRATIVE = "nissa_pipeline_faults_total@PROCESS,component=narrative"
_CAUGHT = "host:9464 caught about 1 errors in ten minutes, in narrative."

STORIES = (
    _once(
        "NissaLifecycleEventsDropped",
        "the hub sheds the end of a seed",
        "nissa_pipeline_dropped_total@PROCESS,kind=seed_culled",
        f"{_SHED} life-cycle events in ten minutes, before delivery.",
    ),
    _once(
        "NissaLifecycleEventsDropped",
        "the queue of the log sheds it",
        "nissa_sink_dropped_total@PROCESS,sink=log,kind=seed_culled",
        f"{_SHED} life-cycle events in ten minutes, before sink log.",
        sink="log",
    ),
    _once(
        "NissaEventsDropped",
        "the hub sheds a batch",
        "nissa_pipeline_dropped_total@PROCESS,kind=batch_completed",
        f"{_SHED} events in ten minutes, before delivery.",
        wait=5,
    ),
    _once(
        "NissaEventsDropped",
        "the queue of the log sheds it",
        "nissa_sink_dropped_total@PROCESS,sink=log,kind=batch_completed",
        f"{_SHED} events in ten minutes, before sink log.",
        wait=5,
        sink="log",
    ),
    _before(
        "the hub sheds the end of a seed",
        "nissa_pipeline_dropped_total@PROCESS,kind=seed_culled",
        "before delivery",
    ),
    _before(
        "the queue of the log sheds it",
        "nissa_sink_dropped_total@PROCESS,sink=log,kind=seed_culled",
        "before sink log",
        sink="log",
    ),
    Story(
        alert="NissaLifecycleEventsDropped",
        name="a run that began just now is recorded, and has no last event",
        series={
            LAST: steps((0, None)),
            STARTED: steps((0, None), (10, 540)),
            "nissa_pipeline_dropped_total@PROCESS,kind=seed_culled": steps((0, None), (10, 1)),
        },
        silent=(10, 12, 19),
    ),
    Story(
        alert="NissaSinkDown",
        name="the log rests between tries",
        series={"nissa_sink_up@PROCESS,sink=log": _DOWN},
        missed=((15, 16.75),),
        silent=(9.75, 11.75, 20, 42),
        fires=(12, 16.5, 19.75, 41.75),
        labels={**PROCESS, "sink": "log"},
        description="Sink log of host:9464 is down; its queue fills, and is shed when it is full.",
    ),
    _once(
        "NissaPipelineFault",
        "an operator raises",
        "nissa_pipeline_faults_total@PROCESS,component=hub",
        "host:9464 caught about 1 errors in ten minutes, in hub.",
        wait=1,
        component="hub",
    ),
    Story(
        alert="NissaPipelineFault",
        name="the series of an operator is born with its first error, and is gone with its process",
        series={**lives((0, 26)), _NARRATIVE: steps((0, None), (20, 1), (26, None))},
        missed=((22, 23.75),),
        silent=(19.75, 20.75, 28),
        fires=(21, 23.5, 27.75),
        labels={**PROCESS, "component": "narrative"},
        description=_CAUGHT,
    ),
    Story(
        alert="NissaPipelineFault",
        name="an old error is not scraped for a while, nor for hours; only as its series was not there, it is new",
        series={_NARRATIVE: steps((0, None), (5, 1), (200, None), (290, 1))},
        missed=((20, 60), (80, 165)),
        silent=(5.75, 15, 62, 66, 71, 166.25, 171.25, 174, 176.25, 290.75, 300),
        fires=(6, 14.75, 291, 299.75),
        labels={**PROCESS, "component": "narrative"},
        description=_CAUGHT,
    ),
    Story(
        alert="NissaPipelineFault",
        name="Prometheus begins to scrape an old run, which has an old error and later a new one",
        series={
            _NARRATIVE.replace("narrative", "features"): steps((0, 1)),
            _NARRATIVE: steps((0, None), (72, 1)),
        },
        missed=((0, 60),),
        silent=(61.25, 66.25, 69.75, 71.25, 72.75, 82),
        fires=(73, 81.75),
        labels={**PROCESS, "component": "narrative"},
        description=_CAUGHT,
    ),
    *(
        Story(
            alert="NissaPipelineFault",
            name=f"an operator raises at the end of a run of {24 - start} minutes",
            series={
                **lives((start, 24)),
                ENDED: steps((0, None), (23.75, 1425), (24, None)),
                _NARRATIVE: steps((0, None), (23.75, 1), (24, None)),
            },
            silent=(24.5, 26),
            fires=(24.75, 25.75),
            labels={**PROCESS, "component": "narrative"},
            description=_CAUGHT,
        )
        for start in (0, 20)
    ),
    Story(
        alert="NissaPipelineFault",
        name="the next run on the port has the same error before it is first scraped",
        series={
            **lives((0, 10), (15, 99)),
            ENDED: steps((0, None), (9.75, 585), (10, None)),
            _NARRATIVE: steps((0, 1), (10, None), (15, 1)),
        },
        silent=(11, 15.75, 25, 27),
        fires=(16, 24.75),
        labels={**PROCESS, "component": "narrative"},
        description=_CAUGHT,
    ),
    _once(
        "NissaPipelineFault",
        "a scrape could not read an event",
        "nissa_scrape_errors_total@PROCESS",
        "host:9464 caught about 1 errors in ten minutes, in the scrape.",
        wait=1,
    ),
    _once(
        "NissaLabelBudgetExceeded",
        "a label set has no room",
        "nissa_label_sets_refused_total@PROCESS",
        "host:9464 left label sets out, about 1 times in ten minutes.",
        wait=5,
    ),
)
