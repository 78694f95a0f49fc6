"""What a sound run never shows is noticed where a training is broken: rules that no shipped workload reaches."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from nissa.events.event import Event
from nissa.events.kinds import (
    Action,
    EpochAssessed,
    EpochCompleted,
    GateEvaluated,
    SeedCulled,
    TrendChanged,
)
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.environment import Environment
from nissa.trainer.network import slot as slot_module
from nissa.trainer.network.host import Host
from nissa.trainer.network.slot import Isolated
from nissa.trainer.policy.decision import Decision, Policy, never
from nissa.trainer.policy.situation import Situation
from nissa.trainer.settings import Settings
from tests.waiting import LIMIT

Events = list[Event[Any]]


def do_nothing(env: Environment, epoch: int) -> None:
    """Before an epoch."""


def trained(policy: Policy, epochs: int, before: Callable[[Environment, int], None] = do_nothing) -> Events:
    """The events of an episode, with what is done to its network before each epoch."""
    events: Events = []
    with Telemetry("broken", sinks={"seen": events.append}) as telemetry:
        env = Environment(0, Settings(policy="never", envs=1, episodes=1, epochs=epochs, seed=0), policy, telemetry)
        episode = env.start(0)
        for epoch in range(1, epochs + 1):
            before(env, epoch)
            episode.run_epoch(epoch)
        episode.end()
        assert telemetry.flush(LIMIT)
    return events


def of(events: Events, kind: type[Any]) -> list[tuple[int, Any]]:
    return [(event.scope.epoch or 0, event.payload) for event in events if isinstance(event.payload, kind)]


def germinates_once(situation: Situation, slot: str = "mid") -> Decision:
    first = situation.epochs_left == situation.max_epochs
    act = Action(op="GERMINATE", slot=slot, blueprint="conv_enhance", blend="linear") if first else Action(op="WAIT")
    return Decision(observation=[0.0], action=act, heuristic=act)


def straight_through(x: torch.Tensor, correction: torch.Tensor) -> Isolated:
    term = correction - correction.detach()
    return Isolated(x + term, term, torch.tensor(0))


def leaking(_: Host | None, x: torch.Tensor, seed: Any) -> Isolated:
    return straight_through(x, seed(x))  # the detach is missing


def reaching(_: Host, x: torch.Tensor, seed: Any) -> Isolated:
    correction = seed(x.detach())  # it is added as it is
    return Isolated(x + correction, correction, torch.tensor(0))


def writing(_: Host, x: torch.Tensor, seed: Any) -> Isolated:
    return straight_through(x, seed(x.detach().mul_(1.01)))  # the host's own values


def sharing(host: Host, x: torch.Tensor, seed: Any) -> Isolated:
    return straight_through(x, seed(x.detach()) * host.fc.weight.mean())  # the host learns it, too


BREACHES = {
    "isolation_leakage": (leaking, sharing),
    "isolation_forward_leakage": (reaching, writing),
}


@pytest.mark.parametrize(("fact", "breach"), [(fact, breach) for fact, two in BREACHES.items() for breach in two])
def test_each_way_out_of_isolation_is_found_by_its_own_fact_and_shuts_the_gate(
    monkeypatch: pytest.MonkeyPatch, fact: str, breach: Any
) -> None:
    def break_isolation(env: Environment, epoch: int) -> None:
        monkeypatch.setattr(slot_module, "isolated", partial(breach, env.model.host))

    # After the pooling, because autograd itself refuses what is written over the outputs of a ReLU.
    events = trained(partial(germinates_once, slot="early"), 12, break_isolation)
    gates = [told for _, told in of(events, GateEvaluated) if told.gate == "G2"]
    assert gates
    assert {check.name for told in gates for check in told.checks if not check.passed} == {fact}
    assert any("isolation_leak" in told.red_flags for _, told in of(events, EpochAssessed))
    ((_, culled),) = of(events, SeedCulled)
    assert culled.reason == "G2 stayed shut"


def test_a_seed_that_leaks_into_the_host_is_flagged_in_each_epoch_and_never_gets_past_its_gate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slot_module, "isolated", partial(leaking, None))
    events = trained(germinates_once, epochs=12)
    leaks = {epoch: told.isolation_leakage for epoch, told in of(events, EpochCompleted)}
    gates = [(epoch, told) for epoch, told in of(events, GateEvaluated) if told.gate == "G2"]
    ((culled_at, culled),) = of(events, SeedCulled)
    assert (culled.initiator, culled.reason) == ("gate", "G2 stayed shut")
    assert [told.passed for _, told in gates] == [False] * 5
    assert all("isolation_leakage" in told.reason for _, told in gates)
    flagged = [epoch for epoch, told in of(events, EpochAssessed) if "isolation_leak" in told.red_flags]
    # Its last layer starts at zero: what it gives is 0, and so is what leaks, until it has learned.
    assert leaks[1] == leaks[2] == 0.0
    assert flagged == [epoch for epoch, leak in leaks.items() if leak] == list(range(3, culled_at + 1))
    assert leaks[culled_at + 1] is None


def test_an_accuracy_that_falls_is_a_degradation() -> None:
    def shaken(env: Environment, epoch: int) -> None:
        if epoch == 25:
            for group in env.model.optimizer.param_groups:
                group["lr"] *= 30

    events = trained(never, 30, shaken)
    accuracies = [told.val_accuracy for _, told in of(events, EpochCompleted)]
    falls = [(epoch, told) for epoch, told in of(events, TrendChanged) if told.trend == "degradation"]
    ((epoch, fall),) = falls
    assert epoch in range(25, 30)
    assert fall.mean == pytest.approx(sum(accuracies[epoch - 5 : epoch]) / 5)
    assert fall.change < -2.0
    assert fall.before == "improvement"
