"""What goes wrong on purpose? Faults by name, place and time, and the sabotage that makes them happen."""

from nissa.trainer.faults.injection import Injection, refuse_misplaced
from nissa.trainer.faults.sabotage import Train, corrupt_policy, sabotaged

__all__ = ["Injection", "Train", "corrupt_policy", "refuse_misplaced", "sabotaged"]
