"""What a rule found: the numbers of an alert and a line for a person, and the finding that several rules share."""

from math import isfinite
from typing import NamedTuple

__all__ = ["Finding", "non_finite_elements", "non_finite_value"]


class Finding(NamedTuple):
    """Why an alert is raised; the fields are those of `AlertRaised`."""

    what: str
    value: float | None
    clause: str
    baseline: float | None = None
    threshold: float | None = None
    window: int = 0


def non_finite_value(measure: str, value: float) -> Finding | None:
    """A measured value that is NaN or infinite."""
    return None if isfinite(value) else Finding(f"{measure} is {value}", value, "not_finite")


def non_finite_elements(measure: str, elements: int) -> Finding | None:
    """Some elements, of which there should be none, are NaN or infinite."""
    if elements <= 0:
        return None
    return Finding(f"{elements} {measure} are not finite", float(elements), "not_finite", threshold=0.0)
