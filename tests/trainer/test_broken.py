"""What a sound run never shows is noticed where a training is broken: rules that no shipped workload reaches."""

from collections.abc import Callable
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
from nissa.trainer.policy.decision import Decision, Policy, never
from nissa.trainer.policy.situation import Situation
from nissa.trainer.settings import Settings
from tests.waiting import LIMIT

Events = list[Event[Any]]


def trained(
    policy: Policy, epochs: int, before: Callable[[Environment, int], None] = lambda env, epoch: None
) -> Events:
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


def germinates_once(situation: Situation) -> Decision:
    first = situation.epochs_left == situation.max_epochs
    act = Action(op="GERMINATE", slot="mid", blueprint="conv_enhance", blend="linear") if first else Action(op="WAIT")
    return Decision(observation=[0.0], action=act, heuristic=act)


def leaking(x: torch.Tensor, seed: Any) -> tuple[torch.Tensor, torch.Tensor]:
    correction = seed(x)  # the detach is missing
    term = correction - correction.detach()
    return x + term, term


def test_a_seed_that_leaks_into_the_host_is_flagged_in_each_epoch_and_never_gets_past_its_gate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slot_module, "isolated", leaking)
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
