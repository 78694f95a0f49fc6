"""Stories of parts of the pipeline that raise, of which many are counted from their first error on only."""

from tests.grafana.clocks import AT_ONCE, ENDED, LAST, lives
from tests.grafana.stories_pipeline import once
from tests.grafana.story import PROCESS, Story, steps

__all__ = ["STORIES"]

_NARRATIVE = "nissa_pipeline_faults_total@PROCESS,component=narrative"
_CAUGHT = "host:9464 caught about 1 errors in ten minutes, in narrative."

STORIES = (
    once(
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
    Story(
        alert="NissaPipelineFault",
        name="an operator raises while the run is not heard of for most of an hour",
        series={
            LAST: lambda minute: None if 20 <= minute < 70 else 60 * minute,
            _NARRATIVE: steps((0, None), (70, 1)),
        },
        silent=(19, 70.75, 81),
        fires=(71, 79.75),
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
    Story(
        alert="NissaPipelineFault",
        name="the next run begins at once on the port, where the one before had an old error",
        series={**AT_ONCE, _NARRATIVE: steps((0, None), (12, 1), (30, None))},
        silent=(22, 30, 31, 31.25, 31.75, 40),
    ),
    Story(
        alert="NissaPipelineFault",
        name="the next run begins at once on the port, where the one before had an error at its end",
        series={**AT_ONCE, _NARRATIVE: steps((0, None), (23, 1), (30, None))},
        silent=(23.75, 32),
        fires=(24, 31.75),
        labels={**PROCESS, "component": "narrative"},
        description=_CAUGHT,
    ),
    once(
        "NissaPipelineFault",
        "a scrape could not read an event",
        "nissa_scrape_errors_total@PROCESS",
        "host:9464 caught about 1 errors in ten minutes, in the scrape.",
        wait=1,
    ),
)
