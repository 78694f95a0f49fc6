"""What the pipeline noticed by itself: alerts that begin and end, and the direction that an accuracy takes."""

from nissa.events.event import Env
from nissa.events.kind import Importance, Payload, kind
from nissa.events.units import Count, Percent, Points, Real

__all__ = ["AlertRaised", "AlertResolved", "TrendChanged"]


@kind(Importance.LIFECYCLE, derived=True)
class AlertRaised(Payload):
    """A rule began to hold. As long as it stands, the same alert of the same subject is not raised again."""

    alert: str
    """What it is about: "loss_spike", "accuracy_drop", "gradient_explosion", "non_finite", "dormant_units", ..."""
    severity: str
    """"info", "warning" or "critical"."""
    subject: str | None = None
    """Metric, slot, layer or head; None where it is the environment, or the policy, as a whole."""
    value: Real | None = None
    """What was found, in the unit of the subject; None for a mark."""
    baseline: Real | None = None
    """What was usual, in the same unit; None where the rule has none."""
    threshold: Real | None = None
    """What the value had to pass, in the same unit; None where there is nothing to pass."""
    window: Count = 0
    """Observations that the baseline rests on."""
    clause: str
    """Which of the alert's rules fired, such as "spike", "drift", "ratio", "not_finite", "limit" or "mark"."""
    what: str
    """One line for a person."""
    update: Count | None = None
    """Update of the policy that raised it; None where it is about no policy."""


@kind(Importance.LIFECYCLE, derived=True)
class AlertResolved(Payload):
    """An alert is over. It says where the alert was raised, which may be an episode that is over too."""

    alert: str
    """As it was raised."""
    severity: str
    """As it was raised."""
    subject: str | None = None
    """As it was raised."""
    group: str | None = None
    """Group (A/B arm) of the alert."""
    env: Env | None = None
    """Environment of the alert."""
    episode: int | None = None
    """Episode in which it was raised."""
    epoch: int | None = None
    """Epoch in which it was raised."""
    update: Count | None = None
    """Update of the policy that raised it."""
    observations: Count
    """How long it stood: observations of its subject after the one that raised it."""
    clause: str
    """Why: "recovered", "mark", "stage_changed", "episode_ended", "episode_lost", "run_ended" or "crowded" (too many
    alerts of one environment, or too many environments)."""


@kind(Importance.ROUTINE, derived=True)
class TrendChanged(Payload):
    """The validation accuracy of an environment took another direction than before."""

    group: str | None = None
    """Group (A/B arm)."""
    env: Env | None = None
    """Environment."""
    trend: str
    """"improvement", "plateau" or "degradation"."""
    before: str | None = None
    """The direction until now; None if this is the first of the episode."""
    epochs: Count
    """Epochs for which that one lasted; 0 without one."""
    change: Points
    """Change of the rolling mean that says so: since it last moved or came to rest, and of a plateau since a window
    earlier."""
    mean: Percent
    """The rolling mean of the validation accuracy."""
    window: Count
    """Epochs in the rolling mean."""
