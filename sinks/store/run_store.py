"""What is known of a run, in tiers: contexts of its episodes, snapshots of epochs, counterfactuals, and dense traces.

It is a sink: `replay(path, [store])` fills it, or a live run. What it holds is bounded, and what it left out counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nissa.events.codec import encode
from nissa.events.event import Event, Scope
from nissa.events.json_encoding import plain
from nissa.events.kinds import (
    CounterfactualMeasured,
    DenseTraceCaptured,
    EpisodeEnded,
    EpisodeStarted,
    EpochAssessed,
    EpochCompleted,
    HostBaselineMeasured,
    RunStarted,
    SeedsAttributed,
)
from nissa.sinks.store.bounded_rows import BoundedRows

__all__ = ["Counterfactual", "EpisodeContext", "EpochSnapshot", "RunStore", "is_meant"]


@dataclass(slots=True)
class EpisodeContext:
    """Tier 1: what it takes to train an episode again, and what the host does without seeds. None = not told."""

    where: Scope
    run: RunStarted | None = None
    started: EpisodeStarted | None = None
    baseline: HostBaselineMeasured | None = None
    ended: EpisodeEnded | None = None


@dataclass(slots=True)
class EpochSnapshot:
    """Tier 2: an epoch, and what was said of it."""

    where: Scope
    time: float
    completed: EpochCompleted
    assessed: EpochAssessed | None = None


@dataclass(slots=True)
class Counterfactual:
    """What the network of an epoch does with some of its seeds switched off."""

    where: Scope
    measured: CounterfactualMeasured
    attributed: SeedsAttributed | None = None
    """What follows from it."""


_PARTS: dict[type, str] = {EpisodeStarted: "started", EpisodeEnded: "ended"}


class RunStore:
    """The tiers, each with room for so many rows, and for `size` bytes of the log. Counterfactuals have that of epochs.

    Ask by `group`, `env`, `episode` and `epoch`; what is not given may be anything. Raises ValueError on no room.
    """

    inline = True
    kinds = (
        *(RunStarted, HostBaselineMeasured, *_PARTS, EpochCompleted, EpochAssessed),
        *(CounterfactualMeasured, SeedsAttributed, DenseTraceCaptured),
    )

    def __init__(
        self, *, episodes: int = 10_000, epochs: int = 100_000, traces: int = 1_000, size: int = 64 << 20
    ) -> None:
        self._episodes = BoundedRows[EpisodeContext](episodes, size)
        self._epochs = BoundedRows[EpochSnapshot](epochs, size)
        self._counterfactuals = BoundedRows[Counterfactual](epochs, size)
        self._traces = BoundedRows[DenseTraceCaptured](traces, size)
        self._runs = BoundedRows[RunStarted](1_000, size)
        self._baselines = BoundedRows[HostBaselineMeasured](episodes, size)

    def __call__(self, event: Event[Any]) -> None:
        row, scope = event.payload, event.scope
        if isinstance(row, RunStarted):
            self._runs.put(scope.run, row, len(encode(event)))
        elif isinstance(row, HostBaselineMeasured):
            # Most hosts are trained alone once for all episodes of an environment.
            self._baselines.put(scope[: 3 if scope.episode is None else 4], row, len(encode(event)))
        elif isinstance(row, DenseTraceCaptured):
            self._traces.put((scope.run, event.seq, event.ordinal), row, len(encode(event)))
        elif isinstance(row, CounterfactualMeasured):
            self._counterfactuals.put((scope, event.seq), Counterfactual(scope, row), len(encode(event)))
        elif isinstance(row, EpochCompleted):
            self._epochs.put(scope, EpochSnapshot(scope, event.time, row), len(encode(event)))
        elif isinstance(row, EpochAssessed):
            self._assess(event)
        elif isinstance(row, SeedsAttributed):
            self._attribute(event)
        else:
            self._enter(event, _PARTS[type(row)])

    @property
    def left_out(self) -> dict[str, int]:
        """Rows that there was no room for, by tier."""
        tiers: dict[str, BoundedRows[Any]] = {
            "episodes": self._episodes,
            "epochs": self._epochs,
            "counterfactuals": self._counterfactuals,
            "traces": self._traces,
        }
        return {name: shelf.left_out for name, shelf in tiers.items()}

    def episodes(self, **where: Any) -> list[EpisodeContext]:
        """Tier 1, in the order in which something was last told of them."""
        found = [row for row in self._episodes.values() if is_meant(row.where, {**where, "epoch": None})]
        for row in found:
            row.baseline = self._baselines.get(row.where[:4]) or self._baselines.get(row.where[:3])
        return found

    def epochs(self, **where: Any) -> list[EpochSnapshot]:
        """Tier 2, in the order in which they were completed."""
        return [row for row in self._epochs.values() if is_meant(row.where, where)]

    def counterfactuals(self, **where: Any) -> list[Counterfactual]:
        """What was measured with seeds switched off, in the order in which it was."""
        return [row for row in self._counterfactuals.values() if is_meant(row.where, where)]

    def traces(self, **where: Any) -> list[DenseTraceCaptured]:
        """Tier 3, in the order in which they closed; with an `epoch`, those that reach over it."""
        return [row for row in self._traces.values() if is_meant(row, {**where, "epoch": None}) and _spans(row, where)]

    def document(self, **where: Any) -> dict[str, Any]:
        """All of them as plain data."""
        tiers: dict[str, list[Any]] = {
            "episodes": self.episodes(**where),
            "epochs": self.epochs(**where),
            "counterfactuals": self.counterfactuals(**where),
            "traces": self.traces(**where),
        }
        rows = {name: [_plain(row) for row in found] for name, found in tiers.items()}
        return {**rows, "left_out": self.left_out}

    def _enter(self, event: Event[Any], part: str) -> None:
        key, size = event.scope._replace(epoch=None), len(encode(event))
        context = self._episodes.get(key)
        if context is None or part == "started":
            context = EpisodeContext(key, self._runs.get(event.scope.run))
            self._episodes.put(key, context, 0)
        setattr(context, part, event.payload)
        self._episodes.grow(key, size)

    def _assess(self, event: Event[EpochAssessed]) -> None:
        if (snapshot := self._epochs.get(event.scope)) is not None:
            snapshot.assessed = event.payload
            self._epochs.grow(event.scope, len(encode(event)))

    def _attribute(self, event: Event[SeedsAttributed]) -> None:
        key = event.scope, event.seq
        if (counterfactual := self._counterfactuals.get(key)) is not None:
            counterfactual.attributed = event.payload
            self._counterfactuals.grow(key, len(encode(event)))


def is_meant(where: Any, asked: Mapping[str, Any]) -> bool:
    """Whether something at a place was asked for. A number given as text is a number, or a name that looks like one."""
    told = ((getattr(where, name), value) for name, value in asked.items() if value is not None)
    return all(value in (own, str(own)) for own, value in told)


def _spans(trace: DenseTraceCaptured, asked: dict[str, Any]) -> bool:
    epoch, first, last = asked.get("epoch"), trace.first_epoch, trace.last_epoch
    return epoch is None or (first is not None and last is not None and first <= epoch <= last)


def _plain(row: Any) -> dict[str, Any]:
    if isinstance(row, DenseTraceCaptured):
        return dict(plain(row))
    rest = {name: plain(getattr(row, name)) for name in row.__slots__ if name != "where"}
    return {**row.where._asdict(), **rest}
