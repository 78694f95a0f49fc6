"""Does the trainer contradict itself? What the end of an episode says, against the events that it sums up."""

from nissa.operators.accounts.mismatch import account_mismatch

__all__ = ["account_mismatch"]
