"""Of each decision: what spoke for it when it was made, and, once that is known, what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    DecisionExplained,
    DecisionJudged,
    DecisionMade,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    HostBaselineEpoch,
    HostBaselineMeasured,
    SeedCulled,
    SeedsAttributed,
)
from nissa.operators.decisions.evidence import SEEN, Evidence
from nissa.operators.decisions.hindsight import Point, Waiting, judged
from nissa.operators.decisions.reasons import why_not_alternatives, why_this_action
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.host_twin import HostTwin, HostTwins

__all__ = ["Decided", "Decisions", "explain_decisions"]


@dataclass(slots=True)
class Decided:
    """The decisions of an environment's episode."""

    episode: int | None = None
    epoch: int | None = None
    """That of the last event."""
    before: Evidence = field(default_factory=Evidence)
    """What was known when it began: what a decision before it could rest on."""
    now: Evidence = field(default_factory=Evidence)
    point: Point | None = None
    """After the last epoch that was validated."""
    start: Point | None = None
    """After the epoch before this one."""
    culled: dict[str | None, SeedCulled] = field(default_factory=dict)
    """By slot, the seed that was removed first in this epoch."""
    waiting: list[Waiting] = field(default_factory=list)

    def move(self, epoch: int | None) -> None:
        """Note that another epoch has begun."""
        if epoch != self.epoch:
            self.epoch, self.before, self.start, self.culled = epoch, self.now.copy(), self.point, {}


@dataclass(slots=True)
class Decisions:
    """The environments, and the hosts trained alone."""

    envs: Keyed[Decided] = field(default_factory=lambda: Keyed(Decided))
    twins: HostTwins = field(default_factory=HostTwins)

    def merge(self, other: "Decisions") -> "Decisions":
        """Those of two parts of a stream, each environment whole in one of them."""
        return Decisions(merge_disjoint(self.envs, other.envs), self.twins.merge(other.twins))


def explain_decisions() -> Fold[Decisions]:
    """A `DecisionExplained` with each decision, and a `DecisionJudged` ten epochs later, or when its episode ends.

    A decision is told in the epoch that it was made before, after that was trained; what it rests on is what was known
    when that epoch began. A twin that is told later than the decision is judged gives no net gain.
    """
    kinds = (EpisodeStarted, *SEEN, SeedCulled, HostBaselineEpoch, HostBaselineMeasured, DecisionMade, EpisodeEnded)
    return Fold("decisions", kinds, Decisions, _step, Decisions.merge)


def _step(state: Decisions, event: Event[Any]) -> Iterator[DecisionExplained | DecisionJudged]:
    scope, payload = event.scope, event.payload
    if isinstance(payload, HostBaselineEpoch | HostBaselineMeasured):
        state.twins.note(scope, payload)
        return
    decided = state.envs[scope[:3]]
    if isinstance(payload, EpisodeStarted) or scope.episode != decided.episode:
        decided = state.envs[scope[:3]] = Decided(scope.episode)
    decided.move(scope.epoch)
    _take(decided, payload, scope.epoch)
    if isinstance(payload, DecisionMade):
        yield _explained(payload, decided.before)
    if isinstance(payload, DecisionMade) and scope.epoch is not None:
        decided.waiting.append(_waiting(payload, decided, scope.epoch))
    yield from _judged(decided, payload, state.twins.of(scope))


def _take(decided: Decided, payload: Any, epoch: int | None) -> None:
    decided.now.take(payload)
    if isinstance(payload, SeedCulled):
        decided.culled.setdefault(payload.slot, payload)
    elif isinstance(payload, EpochCompleted) and epoch is not None:
        decided.point = Point(payload.val_accuracy, payload.val_loss, payload.n_val)
        for waiting in decided.waiting:
            waiting.validated(epoch, decided.point)
    elif isinstance(payload, SeedsAttributed) and epoch is not None:
        for waiting in decided.waiting:
            for seed in payload.seeds:
                waiting.ablated(epoch, seed, decided.point)


def _explained(made: DecisionMade, known: Evidence) -> DecisionExplained:
    return DecisionExplained(
        narrative=known.assessed.narrative if known.assessed else None,
        red_flags=known.assessed.red_flags if known.assessed else [],
        opportunities=known.assessed.opportunities if known.assessed else [],
        why_this_action=why_this_action(made, known),
        why_not_alternatives=why_not_alternatives(made, known),
    )


def _waiting(made: DecisionMade, decided: Decided, epoch: int) -> Waiting:
    """What is to be judged. It is told after its own epoch, so that this is taken in at once."""
    slot, executed, point = made.action.slot or "", made.executed is not False, decided.point
    waiting = Waiting(epoch, made.action.op, decided.start, executed)
    if point is not None:
        waiting.validated(epoch, point)
    if executed and made.action.op == "FOSSILIZE" and slot in decided.now.slots:
        waiting.fossil = decided.now.slots[slot].seed
        for seed in decided.now.worth.values():
            waiting.ablated(epoch, seed, point)
    elif executed and made.action.op == "CULL" and slot in decided.culled:
        waiting.culled(decided.culled[slot], point)
    return waiting


def _judged(decided: Decided, payload: Any, twin: HostTwin) -> Iterator[DecisionJudged]:
    """What can be judged now: an epoch ends with its decision, and an episode with all of them."""
    ended, epoch = isinstance(payload, EpisodeEnded), decided.epoch
    if ended or (isinstance(payload, DecisionMade) and epoch is not None):
        due = [waiting for waiting in decided.waiting if ended or waiting.due(epoch or 0)]
        decided.waiting = [waiting for waiting in decided.waiting if waiting not in due]
        for waiting in due:
            yield judged(waiting, twin)
