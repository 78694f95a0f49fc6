"""What do the probes' measurements of the network say? Broken layers, and units that have gone dormant.

A measurement is one observation: the next sound one ends the alert of a broken layer.
"""

from math import isfinite

from nissa.events.event import Scope
from nissa.events.kind import Payload
from nissa.events.kinds import ActivationsMeasured
from nissa.operators.alerts.active_alerts import follow
from nissa.operators.alerts.messages import dormant_units
from nissa.operators.anomalies.checks import Place, Told, broken
from nissa.operators.anomalies.thresholds import Rules

__all__ = ["activations_measured", "measured"]


def measured(_: Rules, place: Place, scope: Scope, payload: Payload) -> Told:
    """Take gradients, weights or sharpness in: what of them is not finite."""
    return broken(place, scope, payload, calm=1)


def activations_measured(rules: Rules, place: Place, scope: Scope, activations: ActivationsMeasured) -> Told:
    """Take activations in. A unit is dormant whose mean magnitude is next to nothing (Sokar et al. 2023); the probe
    says what that is, and tells the share of activation functions only."""
    yield from broken(place, scope, activations, calm=1)
    told = {layer: float(row.dormant) for layer, row in activations.layers.items() if row.dormant is not None}
    shares = {layer: share for layer, share in told.items() if isfinite(share)}
    place.dormant = {layer: place.dormant.get(layer, 0) + 1 for layer, share in shares.items() if share > rules.dormant}
    # A seed that is gone has no dormant units any more.
    gone = [subject for alert, subject, _ in place.alerts if alert == "dormant_units" and subject not in shares]
    for layer, share in (shares | dict.fromkeys(map(str, gone), 0.0)).items():
        key, row = ("dormant_units", layer, "warning"), place.dormant.get(layer, 0)
        stands = row >= rules.dormant_measurements or (row > 0 and key in place.alerts)
        found = dormant_units(layer, share, rules.dormant, row) if stands else None
        yield from follow(place.alerts, scope, key, found, rules.calm_epochs)
