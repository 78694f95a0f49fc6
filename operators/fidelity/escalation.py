"""How closely should the trainer's probes look now? Closely while something is out of order, and for a while after.

Mode "standard" never asks for more, "research" always does. In the mode "adaptive", fidelity is "dense" from the first
alert on until the last one is resolved and its own environment has trained a few more epochs. Once the episode of that
environment has ended it is "normal" until the next one begins, if there is one: nothing else is worth the budget. Marks
(severity "info") do not count, unless the configuration says so. A budget bounds the share of dense epochs. When it is
spent, fidelity is "normal" although alerts stand, and rises again once there is room for a few epochs more.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    FidelityChanged,
    Heartbeat,
    ProbesConfigured,
    RunEnded,
    RunStarted,
)
from nissa.operators.fidelity.budget import Budget
from nissa.operators.fidelity.cooldowns import Holds
from nissa.operators.fold import Fold, Keyed

__all__ = ["MODES", "Watched", "escalate"]

MODES = ("standard", "adaptive", "research")

Told = Iterable[FidelityChanged]


class _Settings(NamedTuple):
    mode: str
    budget: float
    cool_down: int
    patience: float


@dataclass(slots=True)
class Watched:
    """One run."""

    mode: str
    budget: Budget
    marks: bool = False
    level: str = "normal"
    holds: Holds = field(default_factory=Holds)


def escalate(
    mode: str = "standard", budget: float = 0.2, cool_down: int = 3, patience: float = 3600.0
) -> Fold[Keyed[Watched]]:
    """A `FidelityChanged` whenever probes are to look more or less closely.

    `mode` and `budget` hold until `probes_configured` says otherwise. An alert is let go `cool_down` epochs of its own
    environment after it was resolved, or when that environment has said nothing for `patience` seconds; one without an
    environment, or without a group, goes by any environment of its group, or of the run. Raises ValueError on an
    unknown mode, a budget outside of 0 to 1, a cool-down below 1 or a patience below 0.
    """
    if mode not in MODES or not 0 <= budget <= 1 or cool_down < 1 or not patience >= 0:
        limits = f"mode in {MODES}, 0 <= budget <= 1, cool_down >= 1 and patience >= 0"
        raise ValueError(f"need {limits}, not {mode!r}, {budget}, {cool_down} and {patience}")
    settings = _Settings(mode, budget, cool_down, patience)
    kinds: tuple[type[Any], ...] = (RunEnded, *_TURNS)
    return Fold("fidelity", kinds, lambda: Keyed(lambda: Watched(mode, Budget(budget))), partial(_step, settings))


def _step(settings: _Settings, runs: Keyed[Watched], event: Event[Any]) -> Told:
    kind, scope = type(event.payload), event.scope
    if kind in _OF_KNOWN and ((known := runs.items.get(scope.run)) is None or not known.holds.holds):
        return ()
    if kind is RunEnded:
        return _end(runs.items.pop(scope.run, None))
    return _TURNS[kind](settings, runs[scope.run], event)


def _started(_: _Settings, watched: Watched, event: Event[RunStarted]) -> Told:
    run = event.payload
    watched.budget.planned += max(0, run.n_envs * (run.n_episodes or 0) * run.max_epochs)
    return ()


def _configured(settings: _Settings, watched: Watched, event: Event[ProbesConfigured]) -> Told:
    """What a log of another's says may be no mode and no share."""
    mode, share, alerts = (event.payload.config.get(name) for name in ("mode", "dense_budget", "alerts"))
    watched.mode = mode if mode in MODES else settings.mode
    watched.budget.share = share if isinstance(share, float | int) and 0 <= share <= 1 else settings.budget
    watched.marks = isinstance(alerts, Mapping) and alerts.get("marks_raise_fidelity") is True
    return _settle(watched, "research" if watched.mode == "research" else "configured", "configured")


def _raised(_: _Settings, watched: Watched, event: Event[AlertRaised]) -> Told:
    alert, scope = event.payload, event.scope
    if alert.severity == "info" and not watched.marks:
        return ()
    watched.holds.add((alert.alert, alert.subject, alert.severity), (scope.group, scope.env), event.time)
    return _settle(watched, "alert", "alert")


def _resolved(_: _Settings, watched: Watched, event: Event[AlertResolved]) -> Told:
    alert = event.payload
    watched.holds.resolve((alert.alert, alert.subject, alert.severity), (alert.group, alert.env))
    return _settle(watched, "resumed", "resolved")


def _ended(_: _Settings, watched: Watched, event: Event[EpisodeEnded]) -> Told:
    watched.holds.end((event.scope.group, event.scope.env))
    return _settle(watched, "resumed", "resolved")


def _heard(_: _Settings, watched: Watched, event: Event[BatchCompleted | EpisodeStarted]) -> Told:
    if watched.holds.hear((event.scope.group, event.scope.env), event.time):
        return _settle(watched, "resumed", "resolved")
    return ()


def _epoch(settings: _Settings, watched: Watched, event: Event[EpochCompleted]) -> Told:
    place = event.scope.group, event.scope.env
    watched.budget.count(watched.level == "dense")
    watched.holds.hear(place, event.time)
    watched.holds.train(place, settings.cool_down)
    return _settle(watched, "resumed", "resolved")


def _beat(settings: _Settings, watched: Watched, event: Event[Heartbeat]) -> Told:
    watched.holds.lapse(event.time, settings.patience)
    return _settle(watched, "resumed", "timeout")


def _settle(watched: Watched, rising: str, falling: str) -> Told:
    """Raise or lower the level as alerts and budget ask for."""
    adaptive, before = watched.mode == "adaptive", watched.level
    if not (watched.mode == "research" or (adaptive and watched.holds.names())):
        watched.level, clause = "normal", falling
    elif adaptive and (watched.budget.spent() if before == "dense" else not watched.budget.allows()):
        watched.level, clause = "normal", "budget"
    else:
        watched.level, clause = "dense", rising
    # An alert that finds no budget left is news, too.
    told = watched.level != before or (clause == "budget" and rising == "alert")
    return (_change(watched, before, clause),) if told else ()


def _end(watched: Watched | None) -> Told:
    if watched is None or watched.level == "normal":
        return ()
    watched.level = "normal"
    return (_change(watched, "dense", "run_ended"),)


def _change(watched: Watched, before: str, clause: str) -> FidelityChanged:
    return FidelityChanged(
        level=watched.level,
        before=before,
        reasons=watched.holds.names(),
        clause=clause,
        dense_epochs=watched.budget.dense,
        epochs=watched.budget.epochs,
    )


_TURNS: Mapping[type[Any], Callable[[_Settings, Watched, Event[Any]], Told]] = {
    RunStarted: _started,
    ProbesConfigured: _configured,
    AlertRaised: _raised,
    AlertResolved: _resolved,
    BatchCompleted: _heard,
    EpisodeStarted: _heard,
    EpisodeEnded: _ended,
    EpochCompleted: _epoch,
    Heartbeat: _beat,
}
_OF_KNOWN = (BatchCompleted, EpisodeStarted, EpisodeEnded, AlertResolved, Heartbeat)
"""What says nothing as long as no alert is followed; a run that ended does not begin again with it."""
