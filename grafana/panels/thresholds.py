"""From which number on is something a warning, and from which is it critical? Panels and alert rules share these.

What a detector already judges by is taken from it; the rest are conventions of practitioners.
"""

from typing import NamedTuple

from nissa.operators.assessment.evidence import GAP
from nissa.operators.assessment.layer_health import MOST
from nissa.operators.assessment.red_flags import SMALL_GAP
from nissa.operators.policy import COLLAPSE_LIMITS, SPIKE_LIMITS

__all__ = [
    "ACCURACY_GAP",
    "ANY",
    "CLIP_FRACTION",
    "COMPUTE_COST",
    "ENTROPY",
    "EXPLAINED_VARIANCE",
    "GAIN",
    "GROWTH",
    "HEALTH",
    "HEARTBEAT_AGE",
    "KL",
    "LAG",
    "MOST_OF_A_LAYER",
    "PROBABILITY_RATIO",
    "QUEUED",
    "SCRAPE_SECONDS",
    "SILENCE",
    "SINK_AGE",
    "UNREAD",
    "VALUE_SPREAD",
    "Limits",
]


class Limits(NamedTuple):
    """Where it becomes a warning and where critical, in the unit of the metric; None = it never does."""

    warning: float | None = None
    critical: float | None = None
    below: bool = False
    """Whether less is worse."""


ANY = Limits(critical=1)
"""Of what must never happen, in whatever it is counted."""
KL = Limits(SPIKE_LIMITS["approx_kl"].limit)
"""Nats by which an update moved the policy."""
CLIP_FRACTION = Limits(SPIKE_LIMITS["clip_fraction"].limit)
"""Share of the probability ratios that an update clipped."""
PROBABILITY_RATIO = Limits(critical=SPIKE_LIMITS["ratio_max"].limit)
"""Largest probability ratio of new to old policy."""
ENTROPY = Limits(COLLAPSE_LIMITS.warning, COLLAPSE_LIMITS.critical, below=True)
"""Entropy of a head by the most that it could have."""
EXPLAINED_VARIANCE = Limits(0.5, COLLAPSE_LIMITS.explained, below=True)
"""A critic that explains less than half is worth a look; critical where collapse is judged."""
VALUE_SPREAD = Limits(critical=COLLAPSE_LIMITS.spread, below=True)
"""Standard deviation of the values by that of the returns, from which down the critic says the same of every state."""
HEALTH = Limits(0.75, 0.5, below=True)
"""Share of the measured layers with which nothing is wrong."""
MOST_OF_A_LAYER = Limits(MOST / 2, MOST)
"""Share of a layer's elements or units that is dead, vanishing or exploding; from half on it speaks for the layer."""
ACCURACY_GAP = Limits(SMALL_GAP / 100, GAP / 100)
"""Ratio by which the accuracy on training data is above that on validation data."""
GAIN = Limits(0, below=True)
"""Accuracy of the kept network less that of its host alone; without any, an alert on the growth fires."""
GROWTH = Limits(1.5)
"""(host + fossilized parameters) / host, from which the alert on too many mutations fires."""
COMPUTE_COST = Limits(1.5)
"""Cost of the grown model by that of its host: as for its size."""
HEARTBEAT_AGE = Limits(critical=60)
"""Seconds since the pipeline was last known to be alive; it tells every 5 seconds."""
SILENCE = Limits(600)
"""Seconds without an event of the trainer while the run goes on."""
LAG = Limits(1, 10)
"""Seconds from an event's emission to its delivery."""
SINK_AGE = Limits(60)
"""Seconds that an event has waited for a sink; from a minute on an alert fires."""
UNREAD = Limits(critical=120)
"""Seconds for which lines of a run wait for a job over many and none is read, from which an alert fires."""
QUEUED = Limits(1_000, 10_000)
"""Events that wait."""
SCRAPE_SECONDS = Limits(0.25, 1)
"""Seconds that one scrape takes to gather."""
