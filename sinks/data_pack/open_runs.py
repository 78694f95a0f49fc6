"""Which episodes are open, which host-only twins are known, and what is measured? Of the run that is being told."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    DecisionMade,
    EpisodeCompared,
    EpisodeStarted,
    EpochCompleted,
    FeaturesComputed,
    HostBaselineEpoch,
    ProbesConfigured,
)
from nissa.sinks.data_pack.files import PackError
from nissa.sinks.data_pack.open_episode import OpenEpisode

__all__ = ["Measured", "OpenRuns", "Schema", "Twin"]

Twin = dict[int, float | None]
"""Validation accuracy of a host-only twin by epoch."""
Schema = tuple[dict[str, Any], dict[str, dict[str, str]]]
"""Names of the features by group with "_index", and unit, source and meaning of each."""
_OPENING = (EpisodeStarted, EpochCompleted, DecisionMade)
"""Kinds that are of an episode even where its number is not told."""


class Measured:
    """What the features of a pack are: those that its first run tells, and all others must."""

    def __init__(self, describe: Callable[[ProbesConfigured | None], Schema]) -> None:
        self._describe = describe
        self._run: str | None = None
        self.config: dict[str, Any] | None = None
        self.names: dict[str, Any] = {"_index": {}}
        self.features: dict[str, dict[str, str]] = {}

    def settle(self, run: str) -> None:
        """A decision is written: from now on its features are known, if only to be those that there are by default."""
        if self._run is None:
            self.admit(run, None)

    def admit(self, run: str, told: ProbesConfigured | None) -> None:
        """Take in what a run measures. Raises PackError where another one measures otherwise."""
        names, features = self._describe(told)
        config = told.config if told else None
        if self._run is None:
            self._run, self.config, self.names, self.features = run, config, names, features
            return
        ours, theirs = ({"config": self.config, "features": self.names}, {"config": config, "features": names})
        if differs := _difference(ours, theirs):
            than = "in its beginning" if run == self._run else f"in run {self._run}"
            raise PackError(f"run {run} does not measure what is measured {than}: {differs}; pack them apart")


class OpenRuns:
    """One event after another; `take` yields the episodes that are over, each with its twin."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._episodes: dict[tuple[Any, ...], OpenEpisode] = {}
        self._twins: dict[tuple[Any, ...], Twin] = {}
        self._told: set[tuple[Any, ...]] = set()
        """Environments whose features were announced, or found to be the default ones."""

    def take(self, event: Event[Any]) -> Iterator[tuple[OpenEpisode, Twin]]:
        """Take in an event. Raises PackError where a run measures otherwise than those before."""
        told, scope = event.payload, event.scope
        if isinstance(told, HostBaselineEpoch):
            self._note(scope, told)
            return
        if isinstance(told, ProbesConfigured | FeaturesComputed):
            self._measure(scope, told)
        if isinstance(told, EpisodeCompared):
            # A twin that is told late has its episodes compared anew.
            scope = Scope(scope.run, told.group, told.env, told.episode)
        if scope.episode is None and not isinstance(told, _OPENING):
            return
        yield from self._turn(scope, begins=isinstance(told, EpisodeStarted))
        if (episode := self._episodes.get(_env(scope))) and episode.scope.episode == scope.episode:
            episode.take(event)

    def end(self) -> Iterator[tuple[OpenEpisode, Twin]]:
        """Those that are open at the end of a run."""
        yield from ((episode, self._twin(episode.scope)) for episode in self._episodes.values())
        self._episodes, self._twins, self._told = {}, {}, set()

    def _turn(self, scope: Scope, *, begins: bool) -> Iterator[tuple[OpenEpisode, Twin]]:
        """Where an event is of a later episode than the one that is open, that one is over."""
        env, known = _env(scope), self._episodes.get(_env(scope))
        if known and ((begins and known.started) or _number(scope) > _number(known.scope)):
            yield known, self._twin(known.scope)
            known = None
        if known is None:
            self._episodes[env] = OpenEpisode(scope._replace(epoch=None))

    def _measure(self, scope: Scope, told: ProbesConfigured | FeaturesComputed) -> None:
        if isinstance(told, ProbesConfigured) or _env(scope) not in self._told:
            self._told.add(_env(scope))
            self._measured.admit(scope.run, told if isinstance(told, ProbesConfigured) else None)

    def _note(self, scope: Scope, told: HostBaselineEpoch) -> None:
        """A twin of an environment, or of one episode alone; one that begins anew is another one."""
        twin = self._twins.setdefault(scope[:3] if scope.episode is None else scope[:4], {})
        epoch = scope.epoch or 0
        if twin and epoch <= max(twin):
            twin.clear()
        twin[epoch] = told.val_accuracy

    def _twin(self, scope: Scope) -> Twin:
        own = self._twins.pop(scope[:4], None)
        return own or self._twins.get(scope[:3], {})


def _env(scope: Scope) -> tuple[Any, ...]:
    return scope[:3]


def _number(scope: Scope) -> int:
    return -1 if scope.episode is None else scope.episode


def _difference(ours: Any, theirs: Any, place: str = "") -> str | None:
    """Where two documents first differ, and how."""
    if ours == theirs:
        return None
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in {**ours, **theirs}:
            if found := _difference(ours.get(key), theirs.get(key), f"{place}.{key}".lstrip(".")):
                return found
    if isinstance(ours, list) and isinstance(theirs, list):
        ours, theirs = ([item for item in own if item not in other] for own, other in ((ours, theirs), (theirs, ours)))
        return f"{place} has {_short(theirs)} only here, {_short(ours)} only there"
    return f"{place} is {_short(theirs)}, and there {_short(ours)}"


def _short(value: Any) -> str:
    text = "not told" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
