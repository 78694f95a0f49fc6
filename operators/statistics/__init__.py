"""How does a number compare with those before it? Windows, moments and detectors that know of no event."""

from nissa.operators.statistics.moments import Moments
from nissa.operators.statistics.rolling_ratio import RatioRule, RollingMedianRatio
from nissa.operators.statistics.sorted_window import Window
from nissa.operators.statistics.spike_detector import Detection, Detector, Limits

__all__ = ["Detection", "Detector", "Limits", "Moments", "RatioRule", "RollingMedianRatio", "Window"]
