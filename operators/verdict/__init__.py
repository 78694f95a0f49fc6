"""Is growing winning? Each finished episode beside its host trained alone, and what a group's episodes come to."""

from nissa.operators.verdict.standing import FIGURES, Standing
from nissa.operators.verdict.verdict import verdicts

__all__ = ["FIGURES", "Standing", "verdicts"]
