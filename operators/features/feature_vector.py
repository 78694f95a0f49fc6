"""What would a policy see? After each epoch the vector of features that was announced, missing marked as missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    ClassesMeasured,
    EpisodeStarted,
    EpochCompleted,
    FeaturesComputed,
    GradientsMeasured,
    Payload,
    ProbesConfigured,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.operators.features.from_epochs import EpisodeHistory, base_features
from nissa.operators.features.from_measurements import broken_features, measured_features
from nissa.operators.features.names import feature_names
from nissa.operators.fold import Fold, Keyed

__all__ = ["Episode", "feature_vectors"]

_MEASURED = (GradientsMeasured, WeightsMeasured, ActivationsMeasured, ClassesMeasured, SharpnessMeasured)


@dataclass(slots=True)
class Episode:
    """What was announced for a network, its history and what this epoch said so far."""

    number: int | None = None
    layers: Sequence[str] = ()
    names: Mapping[str, Sequence[str]] = field(default_factory=lambda: feature_names({}))
    history: EpisodeHistory = field(default_factory=EpisodeHistory)
    latest: dict[str, Payload] = field(default_factory=dict)
    """By kind, the last measurement of this epoch."""
    broken: dict[str, float] = field(default_factory=dict)
    """Features that an earlier one of this epoch found broken, and broken elements that it counted."""

    def take(self, payload: Payload) -> None:
        """Put a measurement in the place of the one before it, of which only what was broken is kept."""
        if before := self.latest.get(payload.kind):
            for name, value in broken_features(before, self.layers).items():
                self.broken[name] = self.broken.get(name, 0.0) + value
        self.latest[payload.kind] = payload

    def known(self) -> dict[str, float | None]:
        """The features that were measured in this epoch. Counts add up, and so does what is broken: it stays so."""
        known: dict[str, float | None] = {}
        for payload in self.latest.values():
            known |= measured_features(payload, self.layers)
        return known | {name: (known.get(name) or 0.0) + value for name, value in self.broken.items()}


def feature_vectors() -> Fold[Keyed[Episode]]:
    """The features at the end of each epoch, by group and environment.

    Their names and order are those of `probes_configured.features`; before any, the group "base". Of several
    measurements in an epoch the last counts, but what was broken in any of them is broken, and the numbers of broken
    elements are added. What was measured in an earlier epoch is missing, not repeated. Histories begin anew with each
    episode.
    """
    kinds = (ProbesConfigured, EpisodeStarted, *_MEASURED, EpochCompleted)
    return Fold("features", kinds, lambda: Keyed(Episode), _step, version=3)


def _step(episodes: Keyed[Episode], event: Event[Any]) -> Iterator[FeaturesComputed]:
    scope, payload = event.scope, event.payload
    episode = episodes[scope.run, scope.group, scope.env]
    if isinstance(payload, EpisodeStarted) or episode.number != scope.episode:
        episode.number, episode.history, episode.latest, episode.broken = scope.episode, EpisodeHistory(), {}, {}
    if isinstance(payload, ProbesConfigured):
        episode.layers, episode.names = payload.layers, payload.features
    if isinstance(payload, _MEASURED):
        episode.take(payload)
    if isinstance(payload, EpochCompleted):
        yield _computed(episode, scope.epoch, payload)
        episode.latest, episode.broken = {}, {}


def _computed(episode: Episode, number: int | None, epoch: EpochCompleted) -> FeaturesComputed:
    episode.history.add(number, epoch)
    known = base_features(episode.history, number, epoch) | episode.known()
    found = [known.get(name) for name in chain.from_iterable(episode.names.values())]
    values = [None if value is None else float(value) for value in found]
    return FeaturesComputed(values=values, missing=values.count(None))
