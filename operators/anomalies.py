"""What goes wrong in an environment's training, batch by batch and epoch by epoch? Alerts, raised and resolved.

Each environment is watched by itself, and each episode anew. What is measured is compared with what came before it, and
folded in after.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nissa.events.kinds import (
    BatchCompleted,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    GateEvaluated,
    GradientsMeasured,
    RunEnded,
    StageChanged,
)
from nissa.events.scope import Event, Scope
from nissa.operators.alarms import end_run, resolve
from nissa.operators.marks import gate_failure, stage_transition
from nissa.operators.rules import MODES, Rules
from nissa.operators.signals import Place, Told, batch_completed, epoch_completed, gradients_measured
from nissa.operators.stream import Fold, Keyed, united

__all__ = ["anomalies"]


def anomalies(mode: str = "robust") -> Fold[Keyed[Place]]:
    """Alerts on losses, accuracies, gradients and broken numbers; marks for failed gates and new stages.

    `mode` "ratio" is the rule set of the research document; "robust" tells a spike from noise. Both raise an alert on
    what is not finite. Raises ValueError on another mode.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    kinds = (*_SIGNALS, EpisodeStarted, EpisodeEnded, RunEnded)
    return Fold("anomalies", kinds, lambda: Keyed(Place), partial(_step, MODES[mode]), united)


def _step(rules: Rules, places: Keyed[Place], event: Event[Any]) -> Told:
    scope, payload = event.scope, event.payload
    if isinstance(payload, RunEnded):
        return end_run(places, scope.run)
    place = places[scope.run, scope.group, scope.env]
    if (take := _SIGNALS.get(type(payload))) is None or place.episode != scope.episode:
        return _turn(rules, places, place, event)
    return take(rules, place, scope, payload)


def _turn(rules: Rules, places: Keyed[Place], place: Place, event: Event[Any]) -> Told:
    """The first event of an episode, or the last: nothing of one episode is left in the next."""
    scope, payload = event.scope, event.payload
    ended = isinstance(payload, EpisodeEnded) and place.episode == scope.episode
    yield from resolve(place.alerts, "episode_ended" if ended else "episode_lost")
    fresh = places[scope.run, scope.group, scope.env] = Place(scope.episode)
    if take := _SIGNALS.get(type(payload)):
        yield from take(rules, fresh, scope, payload)


def _gate(_: Rules, place: Place, scope: Scope, gate: GateEvaluated) -> Told:
    yield from gate_failure(place.alerts, scope, gate)


def _stage(_: Rules, place: Place, scope: Scope, move: StageChanged) -> Told:
    yield from stage_transition(place.alerts, scope, move)
    # Another seed, or the same one at another task: its gradients are of another size.
    place.norms.pop(move.slot, None)


_SIGNALS: Mapping[type, Callable[[Rules, Place, Scope, Any], Told]] = {
    BatchCompleted: batch_completed,
    EpochCompleted: epoch_completed,
    GradientsMeasured: gradients_measured,
    GateEvaluated: _gate,
    StageChanged: _stage,
}
