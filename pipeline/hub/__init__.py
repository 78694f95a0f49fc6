"""How does an event leave the trainer without making it wait? Through a bounded buffer, to a thread of its own.

The hub takes what the trainer emits. Each sink that may block has a worker: a buffer, a thread, retries and a breaker.
"""

from nissa.pipeline.hub.costs import Clock
from nissa.pipeline.hub.fidelity_feedback import FidelityFollower
from nissa.pipeline.hub.hub import HEARTBEAT, Hub
from nissa.pipeline.hub.inlet import Inlet
from nissa.pipeline.hub.meter import Meter
from nissa.pipeline.hub.priority_buffer import Entry
from nissa.pipeline.hub.sink_worker import SinkWorker
from nissa.pipeline.hub.worker import Worker

__all__ = ["HEARTBEAT", "Clock", "Entry", "FidelityFollower", "Hub", "Inlet", "Meter", "SinkWorker", "Worker"]
