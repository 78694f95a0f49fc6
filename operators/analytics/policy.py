"""Where the policy goes another way than the heuristic, what follows? Beside the decisions in which both agree.

Compared are decisions in which the heuristic would have done the same. That takes out much of why they differ, and not
all: nobody drew which way the policy went, so a difference is observed and not caused for sure.
"""

from collections.abc import Iterator, Sequence

from nissa.events.kinds import PolicyComparison
from nissa.operators.analytics.record import Followed, Record
from nissa.operators.statistics import Sums, difference_of_means

__all__ = ["comparisons"]


def comparisons(records: Sequence[Record]) -> list[PolicyComparison]:
    """A row for each two operations that they chose differently, over the decisions whose outcome is known."""
    episodes = [cells for record in records for cells in record.followed.values()]
    pairs = {pair for cells in episodes for pair in cells if pair[0] != pair[1]}
    return [_row(episodes, *pair) for pair in sorted(pairs)]


def _row(episodes: Sequence[dict[tuple[str, str], Followed]], heuristic: str, policy: str) -> PolicyComparison:
    sums = [*_sums(episodes, heuristic, policy)]
    differing, agreeing = sum(one.n for one in sums), sum(one.other_n for one in sums)
    gain = difference_of_means(sums)
    return PolicyComparison(
        heuristic_op=heuristic,
        policy_op=policy,
        differing=differing,
        agreeing=agreeing,
        differing_gain_mean=sum(one.total for one in sums) / differing,
        agreeing_gain_mean=sum(one.other_total for one in sums) / agreeing if agreeing else None,
        policy_gain_mean=gain.mean,
        policy_gain_low=gain.low,
        policy_gain_high=gain.high,
    )


def _sums(episodes: Sequence[dict[tuple[str, str], Followed]], heuristic: str, policy: str) -> Iterator[Sums]:
    for cells in episodes:
        differing, agreeing = (cells.get((heuristic, op), Followed()) for op in (policy, heuristic))
        if differing.n or agreeing.n:
            yield Sums(*differing, *agreeing)
