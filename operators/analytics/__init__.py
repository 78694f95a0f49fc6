"""Is growing winning, by how much, by which seeds, and is it the policy's doing? By environment and by group."""

from nissa.operators.analytics.analytics import growth_analytics

__all__ = ["growth_analytics"]
