"""What did telemetry cost a run? In a few words.

>>> cost = TelemetryCost(emitting=0.1, measuring=1.2, threads=0.9, whole=46.2, overhead=0.05)
>>> cost_text(cost)
'telemetry took 5.0% of the CPU that the training used (emit 0.1 s, looks 1.2 s, threads 0.9 s)'
>>> idle = {"emitting": 0.0, "measuring": 0.0, "threads": 0.9, "whole": 9.0, "overhead": 0.1}
>>> cost_text(TelemetryCost(**idle, steps=20, log_bytes=30_000)).partition("threads ")[2]
'0.9 s); its log 1,500 bytes a step'
"""

from nissa.events.kinds import TelemetryCost
from nissa.sinks.text import joined, number

__all__ = ["cost_text"]


def cost_text(cost: TelemetryCost | None) -> str:
    """Nothing where it is not known."""
    if cost is None or cost.overhead is None:
        return ""
    own = f"emit {cost.emitting:.1f} s, looks {cost.measuring:.1f} s, threads {cost.threads:.1f} s"
    parts = joined("; ", own, number(cost.collecting, "its collector {:.1f} s", ""))
    log = f"; its log {cost.log_bytes / cost.steps:,.0f} bytes a step" if cost.log_bytes and cost.steps else ""
    return f"telemetry took {cost.overhead:.1%} of the CPU that the training used ({parts}){log}"
