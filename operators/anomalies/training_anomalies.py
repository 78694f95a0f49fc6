"""What goes wrong in an environment's training, batch by batch and epoch by epoch? Alerts, raised and resolved.

Each environment is watched by itself, and each episode anew. What is measured is compared with what came before it, and
folded in after. Episodes are numbered upwards: what belongs to an earlier one, or to none, comes late. It begins and
ends nothing, but if it is broken it is an alert all the same.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    ActivationsMeasured,
    BatchCompleted,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    GateEvaluated,
    GradientsMeasured,
    ProbesConfigured,
    RunEnded,
    SharpnessMeasured,
    StageChanged,
    WeightsMeasured,
)
from nissa.operators.alerts.active_alerts import end_run, make_room, resolve
from nissa.operators.anomalies.checks import Place, Told, batch_completed, broken, epoch_completed
from nissa.operators.anomalies.lifecycle_marks import gate_failure, stage_transition
from nissa.operators.anomalies.measured_checks import activations_measured, measured
from nissa.operators.anomalies.non_finite import BROKEN
from nissa.operators.anomalies.thresholds import MODES, Rules, configured
from nissa.operators.fold import Fold, Keyed, united

__all__ = ["anomalies"]


def anomalies(mode: str = "robust") -> Fold[Keyed[Place]]:
    """Alerts on losses, accuracies, gradients, dormant units and broken numbers; marks for failed gates and new stages.

    `mode` "ratio" is the rule set of the research document; "robust" tells a spike from noise. Both raise an alert on
    what is not finite. It holds until `probes_configured` says otherwise, of its own environment or of all of them.
    Raises ValueError on another mode.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    kinds = (*_SIGNALS, EpisodeStarted, EpisodeEnded, ProbesConfigured, RunEnded)
    rules = MODES[mode]
    return Fold("anomalies", kinds, lambda: Keyed(partial(Place, rules)), partial(_step, rules), united)


def _step(rules: Rules, places: Keyed[Place], event: Event[Any]) -> Told:
    scope, payload = event.scope, event.payload
    if isinstance(payload, RunEnded):
        return end_run(places, scope.run)
    place, take = places.items.get(key := scope[:3]), _SIGNALS.get(type(payload))
    if place is None or take is None or place.episode != scope.episode:
        return _turn(rules, places, event)
    places.items.move_to_end(key)
    return take(place.rules, place, scope, payload)


def _turn(rules: Rules, places: Keyed[Place], event: Event[Any]) -> Told:
    """Everything but the next signal of the episode that its environment is in."""
    key, payload = event.scope[:3], event.payload
    yield from make_room(places, key)
    if key not in places.items:
        places[key] = Place(_inherited(rules, places, key), event.scope.episode)
    place = places[key]
    if isinstance(payload, ProbesConfigured):
        _configure(place, configured(rules, payload.config.get("alerts")))
    elif _late(place, event):
        if type(payload) in BROKEN:
            yield from broken(place, event.scope, payload, calm=1, late=True)
    else:
        yield from _begin(places, place, event)


def _begin(places: Keyed[Place], place: Place, event: Event[Any]) -> Told:
    """The first event of an episode, or the last: nothing of one episode is left in the next."""
    scope, payload = event.scope, event.payload
    if place.episode != scope.episode or isinstance(payload, EpisodeStarted | EpisodeEnded):
        ended = isinstance(payload, EpisodeEnded) and place.episode == scope.episode
        yield from resolve(place.alerts, "episode_ended" if ended else "episode_lost")
        place = places[scope[:3]] = Place(place.rules, scope.episode)
    if take := _SIGNALS.get(type(payload)):
        yield from take(place.rules, place, scope, payload)


def _late(place: Place, event: Event[Any]) -> bool:
    if isinstance(event.payload, EpisodeStarted) or place.episode is None:
        return False
    return event.scope.episode is None or event.scope.episode < place.episode


def _inherited(rules: Rules, places: Keyed[Place], key: tuple[Any, ...]) -> Rules:
    """A network that all environments share is configured once, for its group or for the run."""
    wider = (places.items.get((key[0], group, None)) for group in (key[1], None))
    return next((place.rules for place in wider if place), rules)


def _configure(place: Place, rules: Rules) -> None:
    if rules != place.rules:
        place.rules = rules
        # The detectors of another mode.
        place.curves.clear()


def _gate(_: Rules, place: Place, scope: Scope, gate: GateEvaluated) -> Told:
    yield from gate_failure(place.alerts, scope, gate)


def _stage(_: Rules, place: Place, scope: Scope, move: StageChanged) -> Told:
    yield from stage_transition(place.alerts, scope, move)
    # Another seed, or the same one at another task: its gradients are of another size.
    place.norms.pop(move.slot, None)


_SIGNALS: Mapping[type, Callable[[Rules, Place, Scope, Any], Told]] = {
    BatchCompleted: batch_completed,
    EpochCompleted: epoch_completed,
    GradientsMeasured: measured,
    ActivationsMeasured: activations_measured,
    WeightsMeasured: measured,
    SharpnessMeasured: measured,
    GateEvaluated: _gate,
    StageChanged: _stage,
}
