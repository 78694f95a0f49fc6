"""Is an arm better than its hosts alone, and than another arm? Over repetitions, with intervals, or "not shown"."""

from nissa.operators.comparison.comparison import LEAST_ALONE, LEAST_EACH, Arm, Comparison, Pair, compare
from nissa.operators.comparison.repetition import FIGURES, Compared, Missing, Repetition, repetitions

__all__ = [
    "FIGURES",
    "LEAST_ALONE",
    "LEAST_EACH",
    "Arm",
    "Compared",
    "Comparison",
    "Missing",
    "Pair",
    "Repetition",
    "compare",
    "repetitions",
]
