"""The account of one episode, kept from its events, and the figures of its end that differ from it.

>>> account = EpisodeAccount()
>>> for payload in (SeedGerminated(slot="early", seed="s", blueprint="norm", params=9),) * 2:
...     account.take(None, payload)
>>> told = dict(outcome="completed", final_accuracy=50.0, total_reward=0.0, epochs=0, fossilized=0, culled=0)
>>> account.differences(EpisodeEnded(germinated=2, **told)), account.differences(EpisodeEnded(germinated=0, **told))
([], ['germinated 0 told, 2 seen'])
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isclose, isfinite
from typing import Any

from nissa.events.kinds import (
    DecisionMade,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)

__all__ = ["COUNTED", "SEEDS", "EpisodeAccount"]

SEEDS = (SeedGerminated, SeedFossilized, SeedCulled)
COUNTED = (*SEEDS, DecisionMade, EpochCompleted)
"""What adds up, from the start of the episode on."""

_ROUNDED = 1e-3
"""Share by which a figure may differ: trainers round, and sum in another order."""
_SINGLE = 1e-7
"""What a growth ratio may differ by where it is a float32."""
_POINTS = 0.01
"""What an accuracy in percent may differ by."""


@dataclass(slots=True)
class EpisodeAccount:
    """What the events of an episode add up to."""

    host_params: int | None = None
    seeds_told: bool = False
    """Whether anything was told of a seed or a slot: what is never told adds up to nothing."""
    seeds_elsewhere: bool = False
    """Whether an event of a seed belongs to no episode."""
    germinated: int = 0
    fossilized: int = 0
    culled: int = 0
    fossilized_params: int | None = 0
    """None once the size of one was not told."""
    decisions: int = 0
    """Those with a reward."""
    reward: float = 0.0
    size: float = 0.0
    """Sum of the rewards' magnitudes."""
    epochs: int = 0
    last: int | None = None
    """Number of the last epoch."""
    gapless: bool = True
    """Whether each epoch was told, from 1 on."""
    accuracy: float | None = None
    """After the last epoch."""
    grown: float | None = None
    """Growth of the network after the last epoch; None once its seeds have changed."""
    odd: list[str] = field(default_factory=list)
    """Sizes of an epoch that do not add up, the first of the episode."""

    def take(self, epoch: int | None, payload: Any) -> None:
        """Take an event of the episode in."""
        self.seeds_told = self.seeds_told or isinstance(payload, SEEDS)
        if isinstance(payload, EpisodeStarted):
            self.host_params = payload.host_params
        elif isinstance(payload, SeedGerminated):
            self.germinated, self.grown = self.germinated + 1, None
        elif isinstance(payload, SeedFossilized):
            self.fossilized += 1
            known, added = self.fossilized_params, payload.params_added
            self.fossilized_params = None if known is None or added is None else known + added
        elif isinstance(payload, SeedCulled):
            self.culled += 1
            # The network as it was trained is that before the end has culled what it does not keep.
            self.grown = self.grown if payload.initiator == "episode_end" else None
        elif isinstance(payload, DecisionMade) and payload.reward is not None:
            self.decisions += 1
            self.reward, self.size = self.reward + payload.reward, self.size + abs(payload.reward)
        elif isinstance(payload, EpochCompleted):
            self._epoch(epoch, payload)

    def differences(self, told: EpisodeEnded) -> list[str]:
        """The figures of its end that contradict the events, each in a few words; what was not told does not."""
        return [*self._counts(told), *self._measures(told), *self.odd]

    def _epoch(self, epoch: int | None, row: EpochCompleted) -> None:
        self.gapless = self.gapless and epoch is not None and epoch == (1 if self.last is None else self.last + 1)
        self.epochs, self.last, self.accuracy = self.epochs + 1, epoch, row.val_accuracy
        self.seeds_told = self.seeds_told or bool(row.slots)
        host, seeds, total = row.host_params, row.total_seed_params, row.total_params
        self.grown = total / host if total is not None and host else None
        if host is None or seeds is None or total is None or self.odd:
            return
        if total != host + seeds:
            self.odd.append(f"total_params {total} told in epoch {epoch}, where host and seeds have {host + seeds}")

    @property
    def _seeds_known(self) -> bool:
        return self.seeds_told and not self.seeds_elsewhere

    def _counts(self, told: EpisodeEnded) -> Iterator[str]:
        for name in ("germinated", "fossilized", "culled") if self._seeds_known else ():
            if getattr(told, name) not in (None, getattr(self, name)):
                yield f"{name} {getattr(told, name)} told, {getattr(self, name)} seen"
        if self.epochs and self.gapless and told.epochs not in (None, self.epochs):
            yield f"epochs {told.epochs} told, {self.epochs} seen"

    def _measures(self, told: EpisodeEnded) -> Iterator[str]:
        host, added = self.host_params, self.fossilized_params
        kept = 1 + added / host if host and added is not None and self._seeds_known else None
        if kept is not None and _grew_otherwise(told.growth_ratio, kept):
            yield f"growth {_times(told.growth_ratio)} told, {_times(kept)} by what fossilized"
        if self.grown is not None and not self.seeds_elsewhere and _grew_otherwise(told.final_growth_ratio, self.grown):
            yield f"growth as trained {_times(told.final_growth_ratio)} told, {_times(self.grown)} in its last epoch"
        whole = self.gapless and self.epochs > 0
        if whole and self.accuracy is not None and _differ(told.final_accuracy, self.accuracy, _POINTS, 0.0):
            yield f"accuracy {told.final_accuracy:.2f}% told, {self.accuracy:.2f}% in its last epoch"
        rewarded = whole and self.decisions == self.epochs
        if rewarded and _differ(told.total_reward, self.reward, max(_POINTS, _ROUNDED * self.size)):
            yield f"reward {told.total_reward:+.2f} told, {self.reward:+.2f} in its decisions"


def _differ(told: float | None, seen: float, least: float = 0.0, share: float = _ROUNDED) -> bool:
    """What is broken, on either side, is another alert's matter."""
    if told is None or not isfinite(told - seen):
        return False
    return not isclose(told, seen, rel_tol=share, abs_tol=least)


def _grew_otherwise(told: float | None, seen: float) -> bool:
    """Compared is what was added to a host, which may be large; the ratio may be told with two or three decimals."""
    if told is None or any(isclose(told, round(seen, digits), rel_tol=_SINGLE) for digits in (2, 3)):
        return False
    return _differ(told - 1, seen - 1, least=_SINGLE)


def _times(ratio: float | None) -> str:
    """With as many digits as what a large host grew by needs.

    >>> _times(1.1), _times(1.0), _times(1.00012)
    ('1.10x', '1.00x', '1.00012x')
    """
    return "" if ratio is None else max(f"{ratio:.2f}x", f"{ratio:.7g}x", key=len)
