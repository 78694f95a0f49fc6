"""What went wrong in a finished trace? What changed first, and in which layer."""

from nissa.operators.diagnosis.onset import Onset, onsets, trigger
from nissa.operators.diagnosis.suspect_layers import UNSURE, suspects
from nissa.operators.diagnosis.usual_course import LEAST, SCALES

__all__ = ["LEAST", "SCALES", "UNSURE", "Onset", "onsets", "suspects", "trigger"]
