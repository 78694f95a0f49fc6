"""Each switch of a run does what it says, and nothing while it is off."""

from math import log, log10
from typing import Any

import pytest
import torch

from nissa.events.kinds import Action, StageChanged
from nissa.trainer.growth.growth import Growth
from nissa.trainer.network import BLUEPRINTS, Model, host_flops
from nissa.trainer.policy.actor_critic import ActorCritic
from nissa.trainer.policy.ppo import PPO
from nissa.trainer.policy.rewards import COMPUTE, reward_components
from nissa.trainer.policy.rich_observation import DIAGNOSTICS_SIZE, diagnostics
from nissa.trainer.policy.situation import OBSERVATION_SIZE
from nissa.trainer.settings import Settings
from nissa.trainer.training.epoch import TrainedEpoch

GERMINATE = Action(op="GERMINATE", slot="late", blueprint="attention", blend="linear")


def test_a_group_is_named_for_its_policy_and_the_switches_that_are_on() -> None:
    assert Settings(policy="ppo").group == "ppo"
    assert Settings(policy="heuristic", unisolated=True).group == "heuristic+unisolated"
    assert Settings(diagnostics=True, blueprint_prior=True).group == "ppo+blueprint_prior+diagnostics"


@pytest.mark.parametrize(("isolated", "stages"), [(True, ["GERMINATED"]), (False, ["GERMINATED", "HOLDING"])])
def test_without_isolation_a_seed_takes_part_in_full_at_once(silent: Any, isolated: bool, stages: list[str]) -> None:
    model = Model(0, silent)
    growth = Growth(model, "n", 3, "policy", isolated)
    assert growth.act(GERMINATE, 50.0, epochs_left=20) is None
    assert [told.to_stage for told in silent.told if isinstance(told, StageChanged)] == stages
    assert model.slots["late"].alpha == (0.0 if isolated else 1.0)
    assert growth.fates() == [("attention", False)]
    model.slots["late"].enter("FOSSILIZED", 50.0)
    assert growth.fates() == [("attention", True)]


def test_compute_is_priced_by_the_operations_of_the_seeds_present(silent: Any) -> None:
    model = Model(0, silent)
    assert model.flops_ratio() == 1.0
    Growth(model, "n", 3, "policy").act(GERMINATE, 50.0, epochs_left=20)
    seed = model.slots["late"].seed
    assert seed is not None
    assert model.flops_ratio() == (host_flops() + seed.flops) / host_flops()
    how: dict[str, float] = {"accuracy_delta": 1.0, "twin_delta": 0.5, "kept_delta": 0.0, "growth_ratio": 1.2}
    plain, priced = reward_components(**how), reward_components(**how, flops_ratio=3.0)
    assert priced == plain | {"compute": -2 * COMPUTE}
    assert "compute" not in plain


def test_a_prior_makes_blueprints_likelier_by_their_success() -> None:
    policy = PPO(0)
    before, _ = policy.network(torch.zeros(1, OBSERVATION_SIZE))
    policy.prefer([("norm", True), ("norm", True), ("attention", False)])
    policy.prefer([("norm", False)])
    after, _ = policy.network(torch.zeros(1, OBSERVATION_SIZE))
    rates = {"norm": 3 / 5, "depthwise": 1 / 2, "conv_enhance": 1 / 2, "attention": 1 / 3}
    added = (after["blueprint"] - before["blueprint"])[0].tolist()
    assert added == pytest.approx([log(rates[name]) for name in BLUEPRINTS], abs=1e-6)
    assert torch.equal(after["op"], before["op"])


def test_diagnostics_are_losses_and_gradients_on_a_scale_of_about_one() -> None:
    trained = TrainedEpoch(1.0, 50.0, 0.5, {"mid": 2.0, "late": float("nan")}, None, None, {}, 0.0)
    found = diagnostics(trained, val_loss=1.5)
    expected = (1 / 2.303, 0.5 / 2.303, log10(0.5) / 4, 0.0, 0.0, log10(2) / 4, log10(4) / 4, 1.0, 1.0)
    assert found == pytest.approx(expected)
    assert diagnostics(None, 1.0) == (0.0,) * DIAGNOSTICS_SIZE == (0.0,) * len(found)
    broken = diagnostics(trained._replace(loss=float("nan"), host_grad_norm=float("inf")), 1.0)
    assert broken[:3] == (1.0, 1.0, 1.0)


def test_a_policy_with_diagnostics_sees_them() -> None:
    network = PPO(0, diagnostics=True).network
    assert network.body[0].in_features == OBSERVATION_SIZE + DIAGNOSTICS_SIZE
    assert ActorCritic(0).body[0].in_features == OBSERVATION_SIZE
