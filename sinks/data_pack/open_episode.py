"""An episode while it is told: events come in, and in the end it is a row of the pack."""

from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    DecisionExplained,
    DecisionJudged,
    DecisionMade,
    DecisionsScored,
    EpisodeCompared,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    FeaturesComputed,
)
from nissa.sinks.data_pack.key_moments import TURNS, key_moment, trajectory
from nissa.sinks.data_pack.open_decision import OpenDecision
from nissa.sinks.data_pack.outcome import Variance, in_a_line, outcome
from nissa.sinks.data_pack.structure import Episode, EpochRow, KeyMoment, Summary

__all__ = ["TOLD", "OpenEpisode"]

TOLD = (
    *(EpisodeStarted, EpochCompleted, FeaturesComputed, DecisionMade, DecisionExplained, DecisionJudged),
    *(DecisionsScored, EpisodeEnded, EpisodeCompared, *TURNS),
)
"""Kinds that an episode is made of."""


_FIGURES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


@dataclass(slots=True)
class OpenEpisode:
    """An episode of an environment. It is held until the next one begins, because it is scored after its end."""

    scope: Scope
    started: EpisodeStarted | None = None
    epochs: list[tuple[int | None, dict[str, float | None]]] = field(default_factory=list)
    moments: list[KeyMoment] = field(default_factory=list)
    decisions: list[OpenDecision] = field(default_factory=list)
    features: dict[int | None, list[float | None]] = field(default_factory=dict)
    """Of the last two epochs."""
    causes: dict[int, OpenDecision] = field(default_factory=dict)
    """By number of its event, the last decision: what explains it has the same number."""
    ended: EpisodeEnded | None = None
    compared: EpisodeCompared | None = None
    n_val: int | None = None

    def take(self, event: Event[Any]) -> None:
        """Take in an event of it."""
        told, epoch = event.payload, event.scope.epoch
        if isinstance(told, DecisionMade):
            self._decide(event.seq, epoch, told)
        elif isinstance(told, DecisionExplained) and event.seq in self.causes:
            self.causes[event.seq].context = told
        elif isinstance(told, DecisionJudged):
            self._judge(told)
        elif isinstance(told, DecisionsScored):
            self._score(told)
        elif isinstance(told, FeaturesComputed):
            self.features[epoch] = told.values
            if len(self.features) > 2:
                del self.features[next(iter(self.features))]
        elif isinstance(told, EpochCompleted):
            self.n_val = told.n_val if told.n_val is not None else self.n_val
            self.epochs.append((epoch, {name: getattr(told, name) for name in _FIGURES}))
        elif isinstance(told, TURNS) and (moment := key_moment(epoch, told)):
            self.moments.append(moment)
        else:
            self._frame(told)

    def closed(self, number: int, twin: dict[int, float | None], features: int, variance: Variance) -> Episode:
        """The episode as it is written: the `number`-th of its pack, its vectors `features` long."""
        found, started = outcome(self.ended, self.compared, self.n_val, variance), self.started
        return Episode(
            episode_id=f"episode_{number:04}",
            run=self.scope.run,
            group=self.scope.group,
            env=self.scope.env,
            episode=self.scope.episode,
            policy=started.policy if started else None,
            torch_seed=_text(started.torch_seed) if started else None,
            data_seed=_text(started.data_seed) if started else None,
            summary=Summary(trajectory=trajectory(self.moments), key_moments=self.moments, outcome=in_a_line(found)),
            trajectory=[_row(epoch, figures, twin) for epoch, figures in self.epochs],
            outcome=found,
            decisions=[decision.closed(features) for decision in self.decisions],
        )

    def _decide(self, seq: int, epoch: int | None, made: DecisionMade) -> None:
        """It rests on what was computed after the epoch before; of an earlier epoch, nothing is taken for it."""
        known = self.features.get(epoch - 1, []) if epoch is not None else []
        decision = OpenDecision(epoch, made, known)
        self.decisions.append(decision)
        self.causes = {seq: decision}

    def _judge(self, told: DecisionJudged) -> None:
        """A decision of that epoch and operation that was not judged yet."""
        for decision in self.decisions:
            meant = decision.epoch == told.decision_epoch and decision.made.action.op == told.op
            if meant and decision.hindsight is None:
                decision.hindsight = told
                return

    def _score(self, told: DecisionsScored) -> None:
        scores = zip(told.epochs, told.advantages, told.returns, strict=False)
        by_epoch = {epoch: (advantage, target) for epoch, advantage, target in scores}
        for decision in self.decisions:
            if decision.epoch in by_epoch:
                decision.advantage, decision.returns = by_epoch[decision.epoch]

    def _frame(self, told: Any) -> None:
        if isinstance(told, EpisodeStarted):
            self.started = told
        elif isinstance(told, EpisodeEnded):
            self.ended = told
        elif isinstance(told, EpisodeCompared):
            self.compared = told


def _row(epoch: int | None, figures: dict[str, float | None], twin: dict[int, float | None]) -> EpochRow:
    return EpochRow(epoch=epoch, **figures, twin_val_accuracy=None if epoch is None else twin.get(epoch))


def _text(seed: int | None) -> str | None:
    return None if seed is None else str(seed)
