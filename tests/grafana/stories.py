"""All stories."""

from tests.grafana import (
    stories_again,
    stories_cluster,
    stories_faults,
    stories_growth,
    stories_noticed,
    stories_pipeline,
    stories_runs,
)

__all__ = ["STORIES"]

STORIES = (
    *stories_growth.STORIES,
    *stories_noticed.STORIES,
    *stories_pipeline.STORIES,
    *stories_faults.STORIES,
    *stories_runs.STORIES,
    *stories_again.STORIES,
    *stories_cluster.STORIES,
)
