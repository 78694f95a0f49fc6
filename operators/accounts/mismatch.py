"""Do the figures of an episode's end fit its events? If they do not, somebody is told, once a run; nothing is altered.

Judged is an episode that is whole: its start was seen, and no event of its run is missing since. Their numbers go up by
one, and what was shed, damaged or is not known here leaves a gap. That is why this fold listens to everything. Behind a
process that was killed there is no gap, though its last events are gone: so a run that goes on has one, too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import KINDS, EpisodeEnded, EpisodeStarted, RunEnded, RunResumed
from nissa.events.vocabulary import ACCOUNT_MISMATCH
from nissa.operators.accounts.episode_account import COUNTED, SEEDS, EpisodeAccount
from nissa.operators.alerts import ActiveAlerts, AlertEvents, Finding, resolve, update_alert
from nissa.operators.fold import Fold, Keyed

__all__ = ["Accounts", "EnvAccount", "RunAccount", "account_mismatch"]

_KEY = ACCOUNT_MISMATCH, None


@dataclass(slots=True)
class RunAccount:
    """What is known of a run."""

    last: int = -1
    """Number of its last event."""
    gaps: int = 0
    """How often something was missing."""
    alerts: ActiveAlerts = field(default_factory=dict)


@dataclass(slots=True)
class EnvAccount:
    """The episode that an environment is in, or was in last; it is known once its start was told."""

    episode: int | None = None
    gaps: int = 0
    """Those of its run when it started."""
    ended: bool = False
    account: EpisodeAccount = field(default_factory=EpisodeAccount)


@dataclass(slots=True)
class Accounts:
    """All runs, and all environments."""

    runs: Keyed[RunAccount] = field(default_factory=lambda: Keyed(RunAccount))
    envs: Keyed[EnvAccount] = field(default_factory=lambda: Keyed(EnvAccount))


def account_mismatch() -> Fold[Accounts]:
    """Alert "account_mismatch", at the first end that contradicts its episode's events, or comes twice."""
    kinds = tuple(kind for kind in KINDS.values() if not kind.derived)
    return Fold("account_mismatch", kinds, Accounts, _step)


def _step(state: Accounts, event: Event[Any]) -> AlertEvents:
    """Nearly every event says no more than that it is there."""
    kind, run = type(event.payload), state.runs[event.scope[0]]
    if event.seq != run.last + 1 or kind is RunResumed:
        run.gaps += 1
    run.last = event.seq
    return _TURNS[kind](state, run, event) if kind in _TURNS else ()


def _started(state: Accounts, run: RunAccount, event: Event[EpisodeStarted]) -> AlertEvents:
    # Taken out first, so that it counts as the newest.
    state.envs.items.pop(key := event.scope[:3], None)
    begun = state.envs[key] = EnvAccount(event.scope.episode, run.gaps)
    begun.account.take(event.scope.epoch, event.payload)
    return ()


def _counted(state: Accounts, _: RunAccount, event: Event[Any]) -> AlertEvents:
    env = state.envs.items.get(event.scope[:3])
    if env and env.episode == event.scope.episode:
        env.account.take(event.scope.epoch, event.payload)
    elif env and event.scope.episode is None and isinstance(event.payload, SEEDS):
        env.account.seeds_elsewhere = True
    return ()


def _ended(state: Accounts, run: RunAccount, event: Event[EpisodeEnded]) -> AlertEvents:
    scope, env = event.scope, state.envs.items.get(event.scope[:3])
    if env is None or env.episode != scope.episode or run.gaps != env.gaps:
        return ()
    figures = ["its end is told twice"] if env.ended else env.account.differences(event.payload)
    env.ended = True
    if not figures:
        return ()
    count = "1 figure contradicts" if len(figures) == 1 else f"{len(figures)} figures contradict"
    what = f"{count} the events of the episode that ended: {'; '.join(figures)}"
    return update_alert(run.alerts, scope, _KEY, Finding(what, float(len(figures)), "contradiction"), calm=1)


def _over(state: Accounts, run: RunAccount, event: Event[RunEnded]) -> AlertEvents:
    name = event.scope.run
    del state.runs.items[name]
    for key in [key for key in state.envs.items if key[0] == name]:
        del state.envs.items[key]
    return resolve(run.alerts, "run_ended")


_TURNS: Mapping[type, Callable[[Accounts, RunAccount, Event[Any]], AlertEvents]] = {
    EpisodeStarted: _started,
    EpisodeEnded: _ended,
    RunEnded: _over,
    **dict.fromkeys(COUNTED, _counted),
}
