"""What the tests of alerts share: events with one thing in them, and what came of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reactivex.testing import ReactiveTest, TestScheduler

from nissa.events.event import Event
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpochCompleted,
    GateEvaluated,
    HeadEntropy,
    Payload,
    PolicyUpdated,
    StageChanged,
)
from nissa.operators.fold import Operator
from tests.samples import epoch_completed, event, policy_updated

__all__ = ["batch", "batches", "changed", "epoch", "gate", "head", "marbles", "names", "raised", "resolved", "updated"]


def batch(loss: float = 1.0, host: float = 1.0, **seeds: float) -> BatchCompleted:
    """A batch with a loss, the norm of the host's gradient and those of seeds."""
    return BatchCompleted(batch=0, loss=loss, accuracy=50.0, host_grad_norm=host, seed_grad_norms=seeds)


def batches(losses: Iterable[float], env: int = 0, episode: int = 0) -> list[Event[Any]]:
    """One batch for each loss."""
    return [event(batch(loss), seq=n, env=env, episode=episode, epoch=1) for n, loss in enumerate(losses)]


def epoch(accuracy: float, n_val: int = 360, val_loss: float = 1.0) -> EpochCompleted:
    """An epoch with a validation accuracy."""
    return replace(epoch_completed(accuracy), n_val=n_val, val_loss=val_loss)


def gate(passed: bool, slot: str = "early", name: str = "G2") -> GateEvaluated:
    """An evaluation of a gate."""
    reason = "all passed" if passed else "improvement 0.1 < 0.5"
    where = {"slot": slot, "seed": "s1", "blueprint": "norm", "target_stage": "BLENDING"}
    return GateEvaluated(**where, gate=name, passed=passed, checks=[], reason=reason)


def changed(before: str, after: str, slot: str = "early") -> StageChanged:
    """A seed's next stage."""
    return StageChanged(slot=slot, from_stage=before, to_stage=after, epochs_in_stage=3, alpha=0.0)


def head(left: float, informed: float = 0.0, decisions: int = 80) -> HeadEntropy:
    """A head with two choices each time, and a share of the entropy and information that it may have."""
    most = 0.6931471805599453
    entropy, mean = decisions * most * left, most * (left + informed)
    return HeadEntropy(entropy=entropy, log_valid=decisions * most, decisions=decisions, mean_policy_entropy=mean)


def updated(heads: dict[str, HeadEntropy] | None = None, **figures: Any) -> PolicyUpdated:
    """An update of a healthy policy, but for what is said."""
    return replace(policy_updated(), heads={"op": head(0.8)} if heads is None else heads, **figures)


def raised(out: Iterable[Payload], alert: str | None = None) -> list[AlertRaised]:
    """The alerts that were raised."""
    return [row for row in out if isinstance(row, AlertRaised) and alert in {None, row.alert}]


def resolved(out: Iterable[Payload], alert: str | None = None) -> list[AlertResolved]:
    """The alerts that were resolved."""
    return [row for row in out if isinstance(row, AlertResolved) and alert in {None, row.alert}]


def names(out: Iterable[Payload]) -> list[tuple[str, str | None]]:
    """Names and subjects of the alerts that were raised."""
    return [(row.alert, row.subject) for row in raised(out)]


def marbles(operator: Operator, story: Mapping[int, Event[Any]]) -> list[tuple[int, Any]]:
    """What is derived in virtual time from events at their ticks, from 201 on: with the tick of each."""
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(*(ReactiveTest.on_next(tick, one) for tick, one in story.items()))
    found: Any = scheduler.start(lambda: source.pipe(operator))
    return [(message.time, message.value.value) for message in found.messages]
