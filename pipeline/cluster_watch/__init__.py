"""Does a job that works off many runs still do so? A look from outside: at the logs, its output, and its manager.

It needs no part of Flink. A run that stands still is silent to all that the engine counts of itself.
"""

from nissa.pipeline.cluster_watch.job_manager import JobManager
from nissa.pipeline.cluster_watch.watchdog import Watchdog

__all__ = ["JobManager", "Watchdog"]
