"""What went wrong in a finished trace? What changed first, and in which layer."""

from nissa.operators.diagnosis.onset import LEAST, SCALES, Onset, onsets, trigger
from nissa.operators.diagnosis.suspect_layers import UNSURE, suspects

__all__ = ["LEAST", "SCALES", "UNSURE", "Onset", "onsets", "suspects", "trigger"]
