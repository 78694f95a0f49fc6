"""How do the ranks of a job compare? One fold over the events of all of them, aligned by the numbers of their steps."""

from nissa.operators.ranks.comparing import compare_ranks
from nissa.operators.ranks.job import JobState, ranks_text, scope_in_job

__all__ = ["JobState", "compare_ranks", "ranks_text", "scope_in_job"]
