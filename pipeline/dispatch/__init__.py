"""How does one event reach all who want it? Operators first, then what they derive, then sinks, in a fixed order.

The hub's thread does this on a live run and the replay on a recorded one, so both compute the same. What goes wrong on
the way is counted in a `FaultLog`.
"""

from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.pipeline.dispatch.event_stream import EventStream
from nissa.pipeline.dispatch.fault_log import FaultLog

__all__ = ["Dispatcher", "EventStream", "FaultLog"]
