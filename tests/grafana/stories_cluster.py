"""Stories of a job over many runs: it stands, one run of it stands, its checkpoints fail, and it is started again."""

from tests.grafana.stories_pipeline import once
from tests.grafana.story import PROCESS, RUN, Line, Story, steps

__all__ = ["STORIES"]

_DOWN: Line = steps((0, 1), (10, 0), (20, 1), (30, 0), (40, None))
_UNREAD: Line = steps((0, 120), (10, 121), (20, 0), (22, 120), (30, 121), (40, None))

STORIES = (
    Story(
        alert="NissaClusterDown",
        name="the manager does not answer",
        series={"nissa_cluster_up@PROCESS": _DOWN},
        missed=((15, 16.75),),
        silent=(9.75, 11.75, 20, 42),
        fires=(12, 16.5, 19.75, 41.75),
        labels=PROCESS,
        description="The job that host:9464 watches does not run, or its manager does not answer.",
    ),
    Story(
        alert="NissaClusterRunStalled",
        name="a run stands still while all others go on",
        series={"nissa_cluster_run_stalled_seconds@RUN": _UNREAD},
        missed=((15, 16.75),),
        silent=(9.75, 10.75, 20, 24, 42),
        fires=(11, 16.5, 19.75, 41.75),
        labels=RUN,
        description="Nothing of r1 was read for 121 seconds, and lines wait.",
    ),
    once(
        "NissaClusterCheckpointsFail",
        "a checkpoint fails",
        "nissa_cluster_checkpoints_failed_total@PROCESS",
        "About 1 checkpoints failed in ten minutes, as host:9464 was told.",
        wait=5,
    ),
    once(
        "NissaClusterRestarts",
        "a machine of the job's is gone",
        "nissa_cluster_restarts_total@PROCESS",
        "About 1 times in ten minutes, as host:9464 was told.",
    ),
)
