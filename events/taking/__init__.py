"""What does an event hold? Its own values, as they are at `emit`, and as a reader of the log will find them.

A trainer hands out tensors that it goes on with, mappings that it fills anew, numbers of numpy. None of them is kept.
"""

from nissa.events.taking.conversions import hints
from nissa.events.taking.payloads import NoEventError, UnreadableValueError, taken

__all__ = ["NoEventError", "UnreadableValueError", "hints", "taken"]
