"""How do the logs of more runs than one machine can follow become derived events? By the same folds, on Apache Flink.

The run log is the transport: who works it off looks at each run again and again, and remembers how far it has read.
Only `run_job` needs Flink.
"""

from nissa.pipeline.cluster.job import Asked, job_name, run_job
from nissa.pipeline.cluster.safety import UnsafeFoldersError, restored, running

__all__ = ["Asked", "UnsafeFoldersError", "job_name", "restored", "run_job", "running"]
