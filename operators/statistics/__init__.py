"""How does a number compare with those before it? Windows, moments and detectors that know of no event."""

from nissa.operators.statistics.bootstrap import bootstrap_interval, interquartile_mean, probability_of_improvement
from nissa.operators.statistics.clustered import Clustered
from nissa.operators.statistics.course import FALL, RISE, STILL, Course, Direction, place
from nissa.operators.statistics.curve_scale import CurveScale
from nissa.operators.statistics.detection import Detection
from nissa.operators.statistics.means_apart import Sums, difference_of_means
from nissa.operators.statistics.moments import Moments
from nissa.operators.statistics.rolling_ratio import RatioRule, RollingMedianRatio
from nissa.operators.statistics.sample_size import SampleSize
from nissa.operators.statistics.size_curve import SizeCurve
from nissa.operators.statistics.sorted_window import Window
from nissa.operators.statistics.spike_detector import Detector
from nissa.operators.statistics.standard_errors import accuracy_noise, accuracy_variance, worst_noise
from nissa.operators.statistics.student_t import Interval, t_interval, t_quantile

__all__ = [
    "FALL",
    "RISE",
    "STILL",
    "Clustered",
    "Course",
    "CurveScale",
    "Detection",
    "Detector",
    "Direction",
    "Interval",
    "Moments",
    "RatioRule",
    "RollingMedianRatio",
    "SampleSize",
    "SizeCurve",
    "Sums",
    "Window",
    "accuracy_noise",
    "accuracy_variance",
    "bootstrap_interval",
    "difference_of_means",
    "interquartile_mean",
    "place",
    "probability_of_improvement",
    "t_interval",
    "t_quantile",
    "worst_noise",
]
