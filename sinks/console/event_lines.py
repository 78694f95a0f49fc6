"""One line for each event that a person who watches a run wants to see; nothing for the others."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from rich.text import Text

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    EpisodeEnded,
    EpochAssessed,
    EventsDropped,
    HostBaselineMeasured,
    PolicyUpdated,
    RunEnded,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
)
from nissa.sinks.console.trace_lines import WRITERS as TRACE_WRITERS

__all__ = ["LINED", "flag_line", "line"]

_TOLD_OTHERWISE = {"GERMINATED", "FOSSILIZED", "CULLED", "DORMANT"}
"""Stages whose beginning shows in an event of its own, or in the one before."""


def line(event: Event[Any], elapsed: float) -> Text | None:
    """The event in one line, `elapsed` seconds into the run; None if it is not worth one."""
    if (write := _WRITERS.get(type(event.payload))) is None or (told := write(event.payload)) is None:
        return None
    return _line(event.scope, elapsed, *told)


def flag_line(event: Event[EpochAssessed], risen: Collection[str], elapsed: float) -> Text:
    """One line for red flags that were not up in this episode yet."""
    return _line(event.scope, elapsed, "red flag", "bold red", f"{', '.join(risen)}: {event.payload.narrative}")


def _line(scope: Scope, elapsed: float, word: str, style: str, rest: str) -> Text:
    where = _where(scope)
    parts = ((f"{elapsed:7.1f}s ", "dim"), (f"{where:<22} ", "dim"), (f"{word:<12} ", style), rest)
    return Text(" ").join(Text.assemble(*parts).split("\n"))


def _where(scope: Scope) -> str:
    parts = {"env": scope.env, "ep": scope.episode, "e": scope.epoch}
    placed = " ".join(f"{name}{value}" for name, value in parts.items() if value is not None)
    return f"{scope.group or ''} {placed}".strip()


Told = tuple[str, str, str] | None


def _run_started(run: RunStarted) -> Told:
    planned = f"{run.n_episodes} episodes of " if run.n_episodes is not None else ""
    size = f"{run.host_architecture or '-'}, {run.host_params:,} params, slots {', '.join(run.slot_config)}"
    return "run started", "bold", f"{run.n_envs} envs, {planned}{run.max_epochs} epochs; host {size}"


def _run_ended(run: RunEnded) -> Told:
    style = "bold green" if run.outcome == "completed" else "bold red"
    return "run ended", style, f"{run.outcome} after {run.duration:.1f}s{f': {run.error}' if run.error else ''}"


def _baseline(host: HostBaselineMeasured) -> Told:
    return "host alone", "blue", f"{host.final_accuracy:.2f}% after {host.epochs} epochs, {host.host_params:,} params"


def _germinated(seed: SeedGerminated) -> Told:
    return "germinated", "green", f"{seed.slot}: {seed.blueprint} ({seed.seed}), {seed.params:,} params"


def _stage(move: StageChanged) -> Told:
    if move.to_stage in _TOLD_OTHERWISE:
        return None
    rest = f"{move.slot}: {move.blueprint or '-'} after {move.epochs_in_stage} epochs in {move.from_stage.lower()}"
    return move.to_stage.lower(), "yellow", f"{rest}, {_points(move.accuracy_delta)}"


def _fossilized(seed: SeedFossilized) -> Told:
    rest = f"{seed.slot}: {seed.blueprint or '-'} ({seed.seed}), {_points(seed.improvement)}"
    return "fossilized", "bold cyan", f"{rest}, +{seed.params_added:,} params, {seed.epochs_total} epochs"


def _culled(seed: SeedCulled) -> Told:
    rest = f"{seed.slot}: {seed.blueprint or '-'} ({seed.seed or '-'}), {_points(seed.improvement)}"
    return "culled", "red", f"{rest}, {seed.epochs_total} epochs, by {seed.initiator}: {seed.reason}"


def _episode(episode: EpisodeEnded) -> Told:
    grown = f"growth {_number(episode.growth_ratio, 'x')}, reward {episode.total_reward:+.2f}"
    seeds = f"{episode.germinated} germinated, {episode.fossilized} fossilized, {episode.culled} culled"
    return "episode", "bold", f"{episode.final_accuracy:.2f}% after {episode.epochs} epochs, {grown}; {seeds}"


def _policy(update: PolicyUpdated) -> Told:
    numbers = f"KL {update.approx_kl:.4f}, clipped {update.clip_fraction:.2f}, EV {_number(update.explained_variance)}"
    return "policy", "magenta", f"update {update.update}: {numbers}, entropy {_number(update.entropy)}"


def _raised(alert: AlertRaised) -> Told:
    if alert.severity == "info":
        return None
    return (
        alert.severity.upper(),
        "bold red" if alert.severity == "critical" else "bold yellow",
        _named(alert, alert.what),
    )


def _resolved(alert: AlertResolved) -> Told:
    if alert.severity == "info":
        return None
    over = f"{alert.clause.replace('_', ' ')} after {alert.observations} observations"
    return "resolved", "green", _named(alert, f"{over}, raised in {_where(Scope('', *_place(alert))) or 'the run'}")


def _named(alert: AlertRaised | AlertResolved, rest: str) -> str:
    return f"{alert.alert}{f' ({alert.subject})' if alert.subject else ''}: {rest}"


def _place(alert: AlertResolved) -> tuple[str | None, int | None, int | None, int | None]:
    return alert.group, alert.env, alert.episode, alert.epoch


def _dropped(gap: EventsDropped) -> Told:
    return "DROPPED", "bold red", f"at {gap.place}: {', '.join(f'{n} {kind}' for kind, n in gap.dropped.items())}"


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.2f}{unit}"


def _points(value: float | None) -> str:
    return "not measured" if value is None else f"{value:+.2f} points"


_WRITERS: Mapping[type, Callable[[Any], Told]] = {
    RunStarted: _run_started,
    RunEnded: _run_ended,
    HostBaselineMeasured: _baseline,
    SeedGerminated: _germinated,
    StageChanged: _stage,
    SeedFossilized: _fossilized,
    SeedCulled: _culled,
    EpisodeEnded: _episode,
    PolicyUpdated: _policy,
    EventsDropped: _dropped,
    AlertRaised: _raised,
    AlertResolved: _resolved,
    **TRACE_WRITERS,
}

LINED = tuple(_WRITERS)
"""The kinds that may have a line."""
