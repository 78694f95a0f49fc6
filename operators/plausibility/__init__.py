"""Are the numbers what they are declared to be? Out of its range, or a fraction where percent is meant: told once."""

from nissa.operators.plausibility.implausible import implausible_values

__all__ = ["implausible_values"]
