"""What did telemetry cost a run? In a few words.

>>> cost = TelemetryCost(emitting=0.1, measuring=1.2, threads=0.9, whole=46.2, overhead=0.05)
>>> cost_text(cost)
'telemetry took 5.0% of the CPU that the training used (emit 0.1 s, looks 1.2 s, threads 0.9 s)'
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
    return f"telemetry took {cost.overhead:.1%} of the CPU that the training used ({parts})"
