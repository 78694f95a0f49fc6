"""Who works a run's log off outside the trainer's process? A process that follows it, and whatever starts that.

It reads the segments as they grow, runs operators and sinks, writes what is derived beside them, and tells the trainer
one byte: how closely its probes are to look.
"""

from nissa.pipeline.collector.collected_run import CollectedRun
from nissa.pipeline.collector.collecting import Collecting
from nissa.pipeline.collector.derived_log import CollectedElsewhereError
from nissa.pipeline.collector.process import CollectorProcess

__all__ = ["CollectedElsewhereError", "CollectedRun", "Collecting", "CollectorProcess"]
