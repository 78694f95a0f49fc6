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
    ScalarsLogged,
    SharpnessMeasured,
    StageChanged,
    WeightsMeasured,
)
from nissa.operators.alerts import AlertEvents, end_run, evict_oldest, resolve
from nissa.operators.anomalies.checks import (
    EpisodeBaselines,
    activations_measured,
    batch_completed,
    epoch_completed,
    find_broken,
    gradients_measured,
    probe_measured,
    scalars_logged,
)
from nissa.operators.anomalies.lifecycle_marks import gate_failure, stage_transition
from nissa.operators.anomalies.non_finite import BROKEN
from nissa.operators.anomalies.thresholds import MODES, Rules, configured
from nissa.operators.fold import EnvKey, Fold, Keyed, merge_disjoint

__all__ = ["detect_anomalies"]

_Envs = Keyed[EpisodeBaselines]


def detect_anomalies(mode: str = "robust") -> Fold[Keyed[EpisodeBaselines]]:
    """Alerts on losses, accuracies, gradients, dormant units and broken numbers; marks for failed gates and new stages.

    `mode` "ratio" is the rule set of the research document; "robust" tells a spike from noise. Both raise an alert on
    what is not finite. It holds until `probes_configured` says otherwise, of its own environment or of all of them.
    Raises ValueError on another mode.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    kinds = (*_CHECKS, EpisodeStarted, EpisodeEnded, ProbesConfigured, RunEnded)
    rules = MODES[mode]
    init = partial(Keyed, partial(EpisodeBaselines, rules))
    return Fold("anomalies", kinds, init, partial(_step, rules), merge_disjoint)


def _step(rules: Rules, envs: _Envs, event: Event[Any]) -> AlertEvents:
    scope, payload = event.scope, event.payload
    if isinstance(payload, RunEnded):
        return end_run(envs, scope.run)
    state, check = envs.items.get(key := scope[:3]), _CHECKS.get(type(payload))
    if state is None or check is None or state.episode != scope.episode:
        return _turn(rules, envs, event)
    envs.items.move_to_end(key)
    return check(state, scope, payload)


def _turn(rules: Rules, envs: _Envs, event: Event[Any]) -> AlertEvents:
    """Everything but the next payload to check of the episode that its environment is in."""
    key, payload = event.scope[:3], event.payload
    yield from evict_oldest(envs, key)
    if key not in envs.items:
        envs[key] = EpisodeBaselines(_inherited(rules, envs, key), event.scope.episode)
    state = envs[key]
    if isinstance(payload, ProbesConfigured):
        _configure(state, configured(rules, payload.config.get("alerts")))
    elif _late(state, event):
        if type(payload) in BROKEN:
            yield from find_broken(state, event.scope, payload, calm=1, late=True)
    else:
        yield from _begin(envs, state, event)


def _begin(envs: _Envs, state: EpisodeBaselines, event: Event[Any]) -> AlertEvents:
    """The first event of an episode, or the last: nothing of one episode is left in the next."""
    scope, payload = event.scope, event.payload
    if state.episode != scope.episode or isinstance(payload, EpisodeStarted | EpisodeEnded):
        ended = isinstance(payload, EpisodeEnded) and state.episode == scope.episode
        yield from resolve(state.alerts, "episode_ended" if ended else "episode_lost")
        state = envs[scope[:3]] = EpisodeBaselines(state.rules, scope.episode, size=state.size)
    if check := _CHECKS.get(type(payload)):
        yield from check(state, scope, payload)


def _late(state: EpisodeBaselines, event: Event[Any]) -> bool:
    if isinstance(event.payload, EpisodeStarted) or state.episode is None:
        return False
    return event.scope.episode is None or event.scope.episode < state.episode


def _inherited(rules: Rules, envs: _Envs, key: EnvKey) -> Rules:
    """A network that all environments share is configured once, for its group or for the run."""
    wider = (envs.items.get((key[0], group, None)) for group in (key[1], None))
    return next((state.rules for state in wider if state), rules)


def _configure(state: EpisodeBaselines, rules: Rules) -> None:
    if rules != state.rules:
        state.rules = rules
        # The detectors of another mode.
        state.curves.clear()


def _gate(state: EpisodeBaselines, scope: Scope, gate: GateEvaluated) -> AlertEvents:
    return gate_failure(state.alerts, scope, gate)


def _stage(state: EpisodeBaselines, scope: Scope, move: StageChanged) -> AlertEvents:
    yield from stage_transition(state.alerts, scope, move)
    # Another seed, or the same one at another task: its gradients are of another size.
    state.norms.pop(move.slot, None)


_CHECKS: Mapping[type, Callable[[EpisodeBaselines, Scope, Any], AlertEvents]] = {
    BatchCompleted: batch_completed,
    EpochCompleted: epoch_completed,
    GradientsMeasured: gradients_measured,
    ActivationsMeasured: activations_measured,
    WeightsMeasured: probe_measured,
    ScalarsLogged: scalars_logged,
    SharpnessMeasured: probe_measured,
    GateEvaluated: _gate,
    StageChanged: _stage,
}
