"""Stories of telemetry that loses events, and of parts of it that fail."""

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


_SHED = "host:9464 shed about 1"
_DOWN: Line = steps((0, 1), (10, 0), (20, 1))

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
    Story(
        alert="NissaSinkDown",
        name="the log rests between tries",
        series={"nissa_sink_up@PROCESS,sink=log": _DOWN},
        silent=(9.75, 11.75, 20),
        fires=(12, 19.75),
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
        name="the series of an operator is born with its first error",
        series={"nissa_pipeline_faults_total@PROCESS,component=narrative": steps((0, None), (20, 1))},
        silent=(19.75, 20.75, 30),
        fires=(21, 29.75),
        labels={**PROCESS, "component": "narrative"},
        description="host:9464 caught about 1 errors in ten minutes, in narrative.",
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
