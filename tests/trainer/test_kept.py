"""The network that is kept, culls and refusals: what an episode tells of them is what one finds by hand."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from nissa.events.event import Event
from nissa.events.kinds import (
    Action,
    CounterfactualMeasured,
    DecisionMade,
    EpisodeEnded,
    EpochCompleted,
    GateEvaluated,
    HostBaselineMeasured,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.pipeline.telemetry import Telemetry
from nissa.trainer.data.digits import load_digits
from nissa.trainer.environment import Environment
from nissa.trainer.network.model import Model
from nissa.trainer.policy.decision import Decision, never
from nissa.trainer.policy.rewards import RENT
from nissa.trainer.policy.situation import Situation
from nissa.trainer.settings import Settings
from nissa.trainer.training.history import EpisodeRecord
from tests.waiting import LIMIT

EPOCHS = 24


def germinate(slot: str, blueprint: str) -> Action:
    return Action(op="GERMINATE", slot=slot, blueprint=blueprint, blend="linear")


PLAN = {
    1: germinate("late", "conv_enhance"),
    2: germinate("late", "norm"),  # the slot is full
    3: Action(op="FOSSILIZE", slot="late"),  # it does not hold yet
    4: germinate("early", "norm"),
    5: germinate("mid", "attention"),
    6: Action(op="CULL", slot="early"),  # isolated
    12: Action(op="FOSSILIZE", slot="late"),
    13: germinate("early", "depthwise"),
    14: Action(op="CULL", slot="mid"),  # mixed in
    15: germinate("mid", "conv_enhance"),  # too late
}


class Recorded(NamedTuple):
    events: list[Event[Any]]
    record: EpisodeRecord
    transitions: list[float]
    kept: float
    """Accuracy after the last batch, with exactly the fossilized seeds in."""
    culled: float
    """Accuracy before epoch 14, without the seed in "mid"."""


def by_hand(model: Model, present: set[str]) -> float:
    """Accuracy in percent of the host with the seeds of some slots and no others."""
    data, slots = load_digits(), [slot if name in present else nn.Identity() for name, slot in model.slots.items()]
    with torch.no_grad():
        right: list[bool] = (model.host(data.val_images, slots).argmax(1) == data.val_labels).tolist()
    return 100 * right.count(True) / 360


@pytest.fixture(scope="module")
def seen() -> Recorded:
    """An episode by a plan, at whose end one seed is fossilized and another holds."""
    torch.set_num_threads(1)
    events: list[Event[Any]] = []
    found: dict[str, float] = {}

    def policy(situation: Situation) -> Decision:
        epoch = EPOCHS - situation.epochs_left + 1
        if epoch == 14:
            found["culled"] = by_hand(env.model, {"early", "late"})
        wait = Action(op="WAIT")
        return Decision(observation=[0.0], action=PLAN.get(epoch, wait), heuristic=wait)

    def train(model: Model, *arguments: Any, **options: Any) -> Any:
        trained = plain(model, *arguments, **options)
        found["kept"] = by_hand(model, {name for name, slot in model.slots.items() if slot.stage == "FOSSILIZED"})
        return trained

    with Telemetry("kept", sinks={"seen": events.append}, operators={}) as telemetry:
        env = Environment(0, Settings(policy="never", envs=1, episodes=1, epochs=EPOCHS, seed=0), policy, telemetry)
        episode = env.start(0)
        plain, episode.train = episode.train, train
        for epoch in range(1, EPOCHS + 1):
            episode.run_epoch(epoch)
        record = episode.end()
        assert telemetry.flush(LIMIT)
    return Recorded(events, record, [step.reward for step in episode.transitions], **found)


def of(seen: Recorded, kind: type[Any]) -> dict[int, Any]:
    """By epoch, the last payload of a kind."""
    return {event.scope.epoch or 0: event.payload for event in seen.events if isinstance(event.payload, kind)}


def test_what_is_kept_is_the_network_with_exactly_the_fossilized_seeds_and_its_growth_is_told_beside_it(
    seen: Recorded,
) -> None:
    ended, last = of(seen, EpisodeEnded)[EPOCHS], of(seen, EpochCompleted)[EPOCHS]
    assert ended.kept_accuracy == seen.kept != ended.final_accuracy == last.val_accuracy
    sizes = {slot.slot: slot.seed_params for slot in last.slots}
    assert [slot.stage for slot in last.slots] == ["HOLDING", "DORMANT", "FOSSILIZED"]
    assert ended.growth_ratio == pytest.approx((1256 + sizes["late"]) / 1256)
    assert ended.final_growth_ratio == pytest.approx((1256 + sizes["early"] + sizes["late"]) / 1256)
    assert seen.record.kept == (ended.kept_accuracy, ended.kept_loss, ended.growth_ratio)
    assert seen.record.final == (ended.final_accuracy, ended.final_loss, ended.final_growth_ratio)


def test_the_last_factorial_says_the_same_of_what_is_kept(seen: Recorded) -> None:
    ended, measured = of(seen, EpisodeEnded)[EPOCHS], of(seen, CounterfactualMeasured)[EPOCHS]
    (kept,) = [result for result in measured.results if result.config == [name == "late" for name in measured.slots]]
    assert (ended.kept_accuracy, ended.kept_loss) == (kept.val_accuracy, kept.val_loss)


def test_a_cull_tells_the_accuracy_right_before_and_right_after_it(seen: Recorded) -> None:
    accuracy, culls = of(seen, EpochCompleted), of(seen, SeedCulled)
    decided, ended = culls[14], culls[EPOCHS]
    assert (decided.accuracy_before, decided.accuracy_after) == (accuracy[13].val_accuracy, seen.culled)
    assert (ended.initiator, ended.accuracy_before) == ("episode_end", accuracy[EPOCHS].val_accuracy)
    assert ended.accuracy_after == seen.kept


def test_a_cull_in_isolation_changes_nothing_and_nothing_is_measured(seen: Recorded) -> None:
    culled = of(seen, SeedCulled)[6]
    assert (culled.accuracy_before, culled.accuracy_after, culled.ablation) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "epoch", "slot", "last"),
    [(SeedFossilized, 12, "late", 11), (SeedCulled, 14, "mid", 13), (SeedCulled, EPOCHS, "early", EPOCHS)],
)
def test_the_ablation_of_a_seed_is_that_of_the_last_factorial_before_its_end(
    seen: Recorded, kind: type[Any], epoch: int, slot: str, last: int
) -> None:
    measured = of(seen, CounterfactualMeasured)[last]
    found = {tuple(result.config): result.val_accuracy for result in measured.results}
    whole, without = (True,) * len(measured.slots), tuple(name != slot for name in measured.slots)
    assert of(seen, kind)[epoch].slot == slot
    assert of(seen, kind)[epoch].ablation == found[whole] - found[without]


def test_a_decision_says_whether_it_was_carried_out_and_what_refused_it(seen: Recorded) -> None:
    decisions = of(seen, DecisionMade)
    refused = {epoch: made.refused_by for epoch, made in decisions.items() if not made.executed}
    assert refused == {2: "TRAINING", 3: "TRAINING", 15: "G0"}
    gates = [event for event in seen.events if isinstance(event.payload, GateEvaluated) and event.payload.gate == "G0"]
    assert [event.scope.epoch for event in gates if not event.payload.passed] == [15]
    assert all(made.executed and made.refused_by is None for made in decisions.values() if made.action.op == "WAIT")
    carried_out = [epoch for epoch, made in decisions.items() if made.executed and made.action.op == "GERMINATE"]
    assert carried_out == [e.scope.epoch for e in seen.events if isinstance(e.payload, SeedGerminated)]


def test_rewards_add_up_to_what_growing_gained_for_the_kept_network_less_rent_and_nothing_else(
    seen: Recorded,
) -> None:
    decisions, twin = of(seen, DecisionMade), of(seen, HostBaselineMeasured)[0]
    assert [made.reward for made in decisions.values()] == seen.transitions == seen.record.rewards
    total = {
        name: sum(made.reward_components[name] for made in decisions.values())
        for name in decisions[1].reward_components
    }
    ended = of(seen, EpisodeEnded)[EPOCHS]
    gained = (ended.kept_accuracy - seen.record.val_accuracies[0]) - (twin.final_accuracy - twin.initial_accuracy)
    assert total["accuracy"] + total["twin"] + total["kept"] == pytest.approx(gained)
    assert total["kept"] == pytest.approx(ended.kept_accuracy - ended.final_accuracy) != 0
    rent = -RENT * sum(growth - 1 for growth in seen.record.growth_ratios)
    assert total.keys() == {"accuracy", "twin", "kept", "rent"}
    assert ended.total_reward == pytest.approx(gained + rent)


def test_an_episode_that_is_not_over_has_no_end(deaf: Any) -> None:
    env = Environment(0, Settings(policy="never", envs=1, episodes=1, epochs=2, seed=0), never, deaf)
    episode = env.start(0)
    episode.run_epoch(1)
    with pytest.raises(ValueError, match="episode 0 has not ended after epoch 1"):
        episode.end()
