"""How long is an alert active? Raised once, held while its rule keeps firing, resolved once."""

from nissa.operators.alerts.active_alerts import (
    ActiveAlerts,
    AlertEvents,
    AlertKey,
    end_run,
    evict_oldest,
    resolve,
    update_alert,
)
from nissa.operators.alerts.finding import Finding, non_finite_elements, non_finite_value

__all__ = [
    "ActiveAlerts",
    "AlertEvents",
    "AlertKey",
    "Finding",
    "end_run",
    "evict_oldest",
    "non_finite_elements",
    "non_finite_value",
    "resolve",
    "update_alert",
]
