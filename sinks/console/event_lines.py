"""One line for each event that a person who watches a run wants to see; nothing for the others."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from rich.text import Text

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    DenseTraceCaptured,
    EpisodeEnded,
    EpochAssessed,
    EpochCompleted,
    EventsDropped,
    FidelityChanged,
    HostBaselineMeasured,
    OverheadGoverned,
    PolicyUpdated,
    RunEnded,
    RunResumed,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
)
from nissa.events.vocabulary import MARK
from nissa.sinks.console.cost_text import cost_text
from nissa.sinks.console.injected_faults import injected_text
from nissa.sinks.printable import printable
from nissa.sinks.text import counted, joined, number, place

__all__ = ["LINED", "epoch_line", "flag_line", "line"]

_TOLD_OTHERWISE = {"GERMINATED", "FOSSILIZED", "CULLED", "DORMANT"}
"""Stages whose beginning shows in an event of its own, or in the one before."""
_WHY = {
    "alert": "for {reasons}",
    "resolved": "all is well again",
    "timeout": "nothing more was heard of it",
    "budget": "{reasons} would have it dense, but the budget is spent",
    "resumed": "the budget has room again for {reasons}",
    "research": "in the mode research",
    "configured": "as configured",
    "run_ended": "with the end of the run",
}
"""Why fidelity changed, by clause."""


def line(event: Event[Any], elapsed: float) -> Text | None:
    """The event in one line, `elapsed` seconds into the run; None if it is not worth one."""
    if (write := _WRITERS.get(type(event.payload))) is None or (told := write(event.payload)) is None:
        return None
    return _line(event.scope, elapsed, *told)


def flag_line(event: Event[EpochAssessed], risen: Collection[str], elapsed: float) -> Text:
    """One line for red flags that were not up in this episode yet."""
    return _line(event.scope, elapsed, "red flag", "bold red", f"{', '.join(risen)}: {event.payload.narrative}")


def epoch_line(event: Event[EpochCompleted], elapsed: float) -> Text:
    """One line for an epoch, where no progress is shown otherwise."""
    epoch = event.payload
    size = number(epoch.total_params, "{:,} params", "")
    rest = joined(", ", number(epoch.val_accuracy, "accuracy {:.2f}%", ""), _losses(epoch), size)
    return _line(event.scope, elapsed, "epoch", "dim", rest or "completed")


def _losses(epoch: EpochCompleted) -> str:
    return joined(", ", number(epoch.val_loss, "loss {:.4g}", ""), number(epoch.train_loss, "training loss {:.4g}", ""))


def _line(scope: Scope, elapsed: float, word: str, style: str, rest: str) -> Text:
    where = printable(place(scope.group, scope.env, scope.episode, scope.epoch, short=True))
    parts = ((f"{elapsed:7.1f}s ", "dim"), (f"{where:<22} ", "dim"), (f"{printable(word):<12} ", style))
    return Text.assemble(*parts, printable(rest))


EventLine = tuple[str, str, str] | None
"""Word, style and text; None where there is nothing to say."""


def _run_started(run: RunStarted) -> EventLine:
    episodes, epochs = counted(run.n_episodes, "episode", ""), counted(run.max_epochs, "epoch", "")
    each = joined(", of ", f"{episodes} each" if episodes else "", epochs)
    size = joined(", ", counted(run.n_envs, "env", ""), each)
    slots = joined(" ", "slots", ", ".join(map(str, run.slot_config))) if run.slot_config else ""
    host = joined(", ", run.host_architecture, number(run.host_params, "{:,} params", ""), slots)
    return "run started", "bold", joined("; ", size, f"host {host}" if host else "", injected_text(run))


def _run_resumed(run: RunResumed) -> EventLine:
    behind = "" if run.last_seq is None else f" behind event {run.last_seq:,}"
    torn = f"; {run.torn:,} bytes of a torn line were cut off" if run.torn else ""
    return "run resumed", "bold", f"process {run.process} goes on{behind}{torn}"


def _run_ended(run: RunEnded) -> EventLine:
    style = "bold green" if run.outcome == "completed" else "bold red"
    why = f": {run.error}" if run.error else ""
    return "run ended", style, joined("; ", f"{run.outcome} after {run.duration:.1f}s{why}", cost_text(run.cost))


def _baseline(host: HostBaselineMeasured) -> EventLine:
    reached = f"{_reached(host.final_accuracy, host.final_loss)} after {counted(host.epochs, 'epoch')}"
    return "host alone", "blue", joined(", ", reached, number(host.host_params, "{:,} params", ""))


def _germinated(seed: SeedGerminated) -> EventLine:
    params = number(seed.params, "{:,} params", "")
    return "germinated", "green", joined(", ", f"{seed.slot}: {seed.blueprint} ({seed.seed})", params)


def _stage(move: StageChanged) -> EventLine:
    if move.to_stage in _TOLD_OTHERWISE:
        return None
    spent = joined(" in ", counted(move.epochs_in_stage, "epoch", ""), move.from_stage.lower())
    rest = f"{move.slot}: {move.blueprint or '-'} after {spent}, {_accuracy(move.accuracy_delta)}"
    return move.to_stage.lower(), "yellow", rest


def _fossilized(seed: SeedFossilized) -> EventLine:
    rest = f"{seed.slot}: {seed.blueprint or '-'} ({seed.seed or '-'}), {_accuracy(seed.improvement)}"
    params = number(seed.params_added, "+{:,} params", "")
    return "fossilized", "bold cyan", joined(", ", rest, counted(seed.epochs_total, "epoch", ""), params)


def _culled(seed: SeedCulled) -> EventLine:
    rest = f"{seed.slot}: {seed.blueprint or '-'} ({seed.seed or '-'}), {_accuracy(seed.improvement)}"
    cost = f"; the cull itself: {seed.accuracy_before:.2f}% -> {seed.accuracy_after:.2f}%" if _measured(seed) else ""
    by = joined(": ", f"by {seed.initiator}" if seed.initiator else "", seed.reason)
    return "culled", "red", joined(", ", rest, counted(seed.epochs_total, "epoch", ""), by) + cost


def _measured(seed: SeedCulled) -> bool:
    return seed.accuracy_before is not None and seed.accuracy_after is not None


def _episode(episode: EpisodeEnded) -> EventLine:
    kept = _network("kept", episode.kept_accuracy, episode.kept_loss, episode.growth_ratio)
    trained = _network("as trained", episode.final_accuracy, episode.final_loss, episode.final_growth_ratio)
    length = joined(", ", counted(episode.epochs, "epoch", ""), number(episode.total_reward, "reward {:+.2f}", ""))
    ends = ("germinated", "fossilized", "culled")
    seeds = joined(", ", *(number(getattr(episode, end), f"{{}} {end}", "") for end in ends))
    return "episode", "bold", joined("; ", joined(", ", kept, trained), length, seeds) or episode.outcome


def _network(which: str, accuracy: float | None, loss: float | None, growth: float | None) -> str:
    """Nothing of a network of which nothing is known."""
    if accuracy is None and loss is None and growth is None:
        return ""
    return f"{which} {_reached(accuracy, loss)} at {number(growth, '{:.2f}x', 'growth not told')}"


def _reached(accuracy: float | None, loss: float | None) -> str:
    return number(accuracy, "{:.2f}%", number(loss, "loss {:.4g}", "not measured"))


def _policy(update: PolicyUpdated) -> EventLine:
    explained, entropy = (number(value, "{:.2f}") for value in (update.explained_variance, update.entropy))
    kl, clipped = number(update.approx_kl, "{:.4f}"), number(update.clip_fraction, "{:.2f}")
    numbers = f"KL {kl}, clipped {clipped}, EV {explained}, entropy {entropy}"
    return "policy", "magenta", f"update {update.update}: {numbers}"


def _raised(alert: AlertRaised) -> EventLine:
    if alert.severity == MARK:
        return None
    style = "bold red" if alert.severity == "critical" else "bold yellow"
    return alert.severity.upper(), style, _named(alert, alert.what)


def _resolved(alert: AlertResolved) -> EventLine:
    if alert.severity == MARK:
        return None
    at = place(alert.group, alert.env, alert.episode, alert.epoch, short=True)
    update = "" if alert.update is None else f"update {alert.update}"
    raised = " ".join(filter(None, (at, update))) or "the run"
    where = f"after {counted(alert.observations, 'observation')}, raised in {raised}"
    if alert.clause == "run_ended":
        return "open", "yellow", _named(alert, f"still at the end of the run, {where}")
    return "resolved", "green", _named(alert, f"{alert.clause.replace('_', ' ')} {where}")


def _named(alert: AlertRaised | AlertResolved, rest: str) -> str:
    return f"{alert.alert}{f' ({alert.subject})' if alert.subject else ''}: {rest}"


def _dropped(gap: EventsDropped) -> EventLine:
    return "DROPPED", "bold red", f"at {gap.place}: {', '.join(f'{n} {kind}' for kind, n in gap.dropped.items())}"


def _governed(change: OverheadGoverned) -> EventLine:
    looks = "every look" if change.one_in == 1 else f"one look in {change.one_in:,}"
    cpu = number(change.overhead, "{:.1%}", ""), number(change.target, "{:.1%}", "")
    log = number(change.bytes_per_step, "{:,.0f} bytes a step", ""), number(change.bytes_target, "{:,.0f}", "")
    spent = "; ".join(f"{cost}, and {asked} was asked for" for cost, asked in (cpu, log) if cost and asked)
    return "overhead", "yellow", f"telemetry cost {spent}: {looks} is taken"


def _fidelity(change: FidelityChanged) -> EventLine:
    style = "bold yellow" if change.level == "dense" else "yellow"
    why = _WHY[change.clause].format(reasons=", ".join(change.reasons)) if change.clause in _WHY else change.clause
    share = f"{change.dense_epochs} of {change.epochs} epochs dense so far"
    return "fidelity", style, f"{change.level}: {why}; {share}"


def _trace(trace: DenseTraceCaptured) -> EventLine:
    """Nothing where no more than a seed's life is in it: those are many, and `nissa traces` lists them."""
    if all(alert.severity == MARK for alert in trace.alerts):
        return None
    batches = f"{len(trace.batches_before)} batches before and {len(trace.batches_after)} after"
    at = place(trace.group, trace.env, trace.episode, short=True)
    return "trace", "magenta", f"{at}: {', '.join(trace.reasons)}; {batches}"


def _accuracy(change: float | None) -> str:
    """What it changed by while the seed lived: progress, whatever made it."""
    return number(change, "accuracy {:+.2f} points while it lived", "accuracy not measured")


_WRITERS: Mapping[type, Callable[[Any], EventLine]] = {
    RunStarted: _run_started,
    RunResumed: _run_resumed,
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
    FidelityChanged: _fidelity,
    OverheadGoverned: _governed,
    DenseTraceCaptured: _trace,
}

LINED = tuple(_WRITERS)
"""The kinds that may have a line."""
