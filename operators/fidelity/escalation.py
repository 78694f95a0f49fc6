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

from nissa.events.event import Event, Scope
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
from nissa.events.vocabulary import MARK, UNSEEN, Alert, Fidelity
from nissa.operators.alerts import AlertKey
from nissa.operators.fidelity.budget import Budget
from nissa.operators.fidelity.cooldowns import OpenAlerts
from nissa.operators.fold import Fold, Keyed
from nissa.operators.statistics import place

__all__ = ["MODES", "RunFidelity", "escalate"]

MODES = ("standard", "adaptive", "research")


class _Settings(NamedTuple):
    mode: str
    budget: float
    cool_down: int
    patience: float


@dataclass(slots=True)
class RunFidelity:
    """One run."""

    mode: str
    budget: Budget
    marks: bool = False
    level: Fidelity = "normal"
    alerts: OpenAlerts = field(default_factory=OpenAlerts)
    told: Keyed[tuple[int | None, int | None]] = field(default_factory=lambda: Keyed(lambda: (None, None)))
    """Episode and epoch that each environment told last."""

    def trained(self, scope: Scope) -> int:
        """Epochs since the last one told; 1 where no numbers say more, as for the first of an episode."""
        where = scope.group, scope.env
        episode, last = self.told[where]
        last = last if episode == scope.episode else None
        now = place(last, scope.epoch)
        self.told[where] = scope.episode, now
        return 1 if last is None else now - last


def escalate(
    mode: str = "standard", budget: float = 0.2, cool_down: int = 3, patience: float = 3600.0
) -> Fold[Keyed[RunFidelity]]:
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
    return Fold("fidelity", kinds, lambda: Keyed(lambda: RunFidelity(mode, Budget(budget))), partial(_step, settings))


def _step(settings: _Settings, runs: Keyed[RunFidelity], event: Event[Any]) -> Iterable[FidelityChanged]:
    kind, scope = type(event.payload), event.scope
    if kind in _OF_KNOWN and ((known := runs.items.get(scope.run)) is None or not known.alerts.cool_downs):
        return ()
    if kind is RunEnded:
        return _end(runs.items.pop(scope.run, None))
    return _TURNS[kind](settings, runs[scope.run], event)


def _started(_: _Settings, run: RunFidelity, event: Event[RunStarted]) -> Iterable[FidelityChanged]:
    plan = event.payload
    run.budget.planned += max(0, (plan.n_envs or 0) * (plan.n_episodes or 0) * (plan.max_epochs or 0))
    return ()


def _configured(settings: _Settings, run: RunFidelity, event: Event[ProbesConfigured]) -> Iterable[FidelityChanged]:
    """What a log of another's says may be no mode and no share."""
    mode, share, alerts, traces = (
        event.payload.config.get(name) for name in ("mode", "dense_budget", "alerts", "traces")
    )
    forced = isinstance(traces, Mapping) and traces.get("force_dense") is True
    run.mode = "research" if forced else mode if mode in MODES else settings.mode
    run.budget.share = share if isinstance(share, float | int) and 0 <= share <= 1 else settings.budget
    run.marks = isinstance(alerts, Mapping) and alerts.get("marks_raise_fidelity") is True
    return _settle(run, "research" if run.mode == "research" else "configured", "configured")


def _raised(_: _Settings, run: RunFidelity, event: Event[AlertRaised]) -> Iterable[FidelityChanged]:
    alert, scope = event.payload, event.scope
    if alert.alert in UNSEEN or (alert.severity == MARK and not run.marks):
        return ()
    run.alerts.add(_key(alert), (scope.group, scope.env), event.time)
    return _settle(run, "alert", "alert")


def _resolved(_: _Settings, run: RunFidelity, event: Event[AlertResolved]) -> Iterable[FidelityChanged]:
    alert = event.payload
    run.alerts.resolve(_key(alert), (alert.group, alert.env))
    return _settle(run, "resumed", "resolved")


def _ended(_: _Settings, run: RunFidelity, event: Event[EpisodeEnded]) -> Iterable[FidelityChanged]:
    run.alerts.end((event.scope.group, event.scope.env))
    return _settle(run, "resumed", "resolved")


def _heard(_: _Settings, run: RunFidelity, event: Event[BatchCompleted | EpisodeStarted]) -> Iterable[FidelityChanged]:
    if run.alerts.hear((event.scope.group, event.scope.env), event.time):
        return _settle(run, "resumed", "resolved")
    return ()


def _epoch(settings: _Settings, run: RunFidelity, event: Event[EpochCompleted]) -> Iterable[FidelityChanged]:
    where = event.scope.group, event.scope.env
    epochs = run.trained(event.scope)
    run.budget.count(run.level == "dense", epochs)
    run.alerts.hear(where, event.time)
    run.alerts.train(where, settings.cool_down, epochs)
    return _settle(run, "resumed", "resolved")


def _beat(settings: _Settings, run: RunFidelity, event: Event[Heartbeat]) -> Iterable[FidelityChanged]:
    run.alerts.lapse(event.time, settings.patience)
    return _settle(run, "resumed", "timeout")


def _key(alert: AlertRaised | AlertResolved) -> AlertKey:
    return Alert(alert.alert, alert.severity), alert.subject


def _settle(run: RunFidelity, rising: str, falling: str) -> Iterable[FidelityChanged]:
    """Raise or lower the level as alerts and budget ask for."""
    adaptive, before = run.mode == "adaptive", run.level
    if not (run.mode == "research" or (adaptive and run.alerts.names())):
        run.level, clause = "normal", falling
    elif adaptive and (run.budget.spent() if before == "dense" else not run.budget.allows()):
        run.level, clause = "normal", "budget"
    else:
        run.level, clause = "dense", rising
    # An alert that finds no budget left is news, too.
    news = run.level != before or (clause == "budget" and rising == "alert")
    return (_change(run, before, clause),) if news else ()


def _end(run: RunFidelity | None) -> Iterable[FidelityChanged]:
    if run is None or run.level == "normal":
        return ()
    run.level = "normal"
    return (_change(run, "dense", "run_ended"),)


def _change(run: RunFidelity, before: str, clause: str) -> FidelityChanged:
    return FidelityChanged(
        level=run.level,
        before=before,
        reasons=run.alerts.names(),
        clause=clause,
        dense_epochs=run.budget.dense,
        epochs=run.budget.epochs,
    )


_TURNS: Mapping[type[Any], Callable[[_Settings, RunFidelity, Event[Any]], Iterable[FidelityChanged]]] = {
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
