"""Who compares the ranks of a job on one machine? A process beside them, which follows what they write.

It reads the run of each rank as it grows, writes what follows from all of them into the job's own run, and serves the
metrics of all. Rank 0 starts it; it outlives any of them.
"""

from nissa.pipeline.jobs.collected_job import CollectedJob, rank_directories
from nissa.pipeline.jobs.deaths import lost_ranks
from nissa.pipeline.jobs.job_log import JOB, CompareElsewhereError, is_compared, take_over
from nissa.pipeline.jobs.process import JobProcess

__all__ = [
    "JOB",
    "CollectedJob",
    "CompareElsewhereError",
    "JobProcess",
    "is_compared",
    "lost_ranks",
    "rank_directories",
    "take_over",
]
