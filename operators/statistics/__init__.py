"""How does a number compare with those before it? Windows, moments and detectors that know of no event."""

from nissa.operators.statistics.clustered import Clustered
from nissa.operators.statistics.moments import Moments
from nissa.operators.statistics.rolling_ratio import RatioRule, RollingMedianRatio
from nissa.operators.statistics.sorted_window import Window
from nissa.operators.statistics.spike_detector import Detection, Detector
from nissa.operators.statistics.student_t import Interval, t_interval, t_quantile

__all__ = [
    "Clustered",
    "Detection",
    "Detector",
    "Interval",
    "Moments",
    "RatioRule",
    "RollingMedianRatio",
    "Window",
    "t_interval",
    "t_quantile",
]
