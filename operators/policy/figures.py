"""Figures of one update of the policy that are ratios, so that limits can be put on them.

>>> head = HeadEntropy(entropy=2.0, log_valid=8.0, decisions=10, mean_policy_entropy=0.5)
>>> normalized_entropy(head), round(information(head), 3)
(0.25, 0.375)
"""

from math import isfinite

from nissa.events.kinds import HeadEntropy, PolicyUpdated

__all__ = ["DEGENERATE", "degenerate", "information", "normalized_entropy", "value_spread"]

DEGENERATE = 1e-8
"""Standard deviation of the returns up to which they are all the same."""


def normalized_entropy(head: HeadEntropy) -> float | None:
    """Sum of the masked entropies / sum of log(valid choices): 1 for a policy that does not care, 0 for a certain one.

    A ratio of sums, so that decisions count by what there was to choose: with 2 choices of 30 a mean of H / log(30)
    would be 0.2 for a policy that does not care at all. None without the counts, and if either sum is broken.
    """
    if head.decisions <= 0 or not (isfinite(head.entropy) and head.log_valid > 0 and isfinite(head.log_valid)):
        return None
    return float(head.entropy) / float(head.log_valid)


def information(head: HeadEntropy) -> float | None:
    """Mutual information of state and choice as a share of the mean log(valid choices).

    H(mean policy) - mean H: 0 if the policy does the same in every state, which is collapse; large if it is certain of
    different things in different states, which is competence. Masks that differ between states count as states.
    """
    if normalized_entropy(head) is None or not isfinite(head.mean_policy_entropy):
        return None
    return (float(head.mean_policy_entropy) - head.entropy / head.decisions) * head.decisions / head.log_valid


def degenerate(update: PolicyUpdated) -> bool:
    """Whether the returns are known to be all the same, so that nothing can be explained."""
    return update.return_std is not None and update.return_std <= DEGENERATE


def value_spread(update: PolicyUpdated) -> float | None:
    """std(values) / std(returns); None where the returns are all the same, or a figure is broken or not told."""
    values, returns = update.value_std, update.return_std
    if values is None or returns is None or degenerate(update) or not (isfinite(values) and isfinite(returns)):
        return None
    return float(values) / float(returns)
