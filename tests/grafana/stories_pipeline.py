"""Stories of telemetry that loses events, of sinks that rest, and of labels without room."""

from tests.grafana.clocks import AT_ONCE, LAST, STARTED, lives
from tests.grafana.story import PROCESS, Line, Story, steps

__all__ = ["STORIES", "once"]

_ONCE = steps((0, 0), (10, 1))


def once(alert: str, name: str, series: str, description: str, wait: float = 0, **labels: str) -> Story:
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


_DISK = "nissa_sink_dropped_total@PROCESS,sink=disk,kind=seed_culled"
_SHED = "host:9464 shed about 1"
_DOWN: Line = steps((0, 1), (10, 0), (20, 1), (30, 0), (40, None))
_HANGS: Line = steps((0, 0), (10, 61), (20, 0), (22, 60), (30, 61), (40, None))

STORIES = (
    once(
        "NissaLifecycleEventsDropped",
        "the hub sheds the end of a seed",
        "nissa_pipeline_dropped_total@PROCESS,kind=seed_culled",
        f"{_SHED} life-cycle events in ten minutes, before delivery.",
    ),
    once(
        "NissaLifecycleEventsDropped",
        "the queue of the log sheds it",
        "nissa_sink_dropped_total@PROCESS,sink=log,kind=seed_culled",
        f"{_SHED} life-cycle events in ten minutes, before sink log.",
        sink="log",
    ),
    once(
        "NissaEventsDropped",
        "the hub sheds a batch",
        "nissa_pipeline_dropped_total@PROCESS,kind=batch_completed",
        f"{_SHED} events in ten minutes, before delivery.",
        wait=5,
    ),
    once(
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
        alert="NissaLifecycleEventsDropped",
        name="the next run begins at once on the port, without the sink that shed in the one before",
        series={**AT_ONCE, _DISK: steps((0, 0), (12, 1), (30, None))},
        silent=(22, 30, 30.25, 30.5, 31.75, 40),
    ),
    Story(
        alert="NissaLifecycleEventsDropped",
        name="the next run begins at once on the port, and its sink has shed as many before it is first scraped",
        series={**AT_ONCE, _DISK: steps((0, 0), (5, 1), (30, None), (30.25, 1))},
        silent=(15, 30, 41),
        fires=(30.25, 40),
        labels={**PROCESS, "sink": "disk"},
        description=f"{_SHED} life-cycle events in ten minutes, before sink disk.",
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
    Story(
        alert="NissaSinkBehind",
        name="the log hangs, and raises nothing",
        series={"nissa_sink_oldest_seconds@PROCESS,sink=log": _HANGS},
        missed=((15, 16.75),),
        silent=(9.75, 11.75, 20, 24, 42),
        fires=(12, 16.5, 19.75, 41.75),
        labels={**PROCESS, "sink": "log"},
        description="Sink log of host:9464 has not written an event that is 61 seconds old.",
    ),
    once(
        "NissaLabelBudgetExceeded",
        "a label set has no room",
        "nissa_label_sets_refused_total@PROCESS",
        "host:9464 left label sets out, about 1 times in ten minutes.",
        wait=5,
    ),
)
