"""PPO's arithmetic against plain numpy and loops."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.kinds import Action, HeadDecision
from nissa.trainer.policy import ppo
from nissa.trainer.policy.actions import HEADS
from nissa.trainer.policy.actor_critic import entropy, masked_log_probs
from nissa.trainer.policy.decision import Decision
from nissa.trainer.policy.ppo import PPO
from nissa.trainer.policy.ppo_figures import approx_kl, clip_fraction, explained_variance, head_entropy
from nissa.trainer.policy.ppo_loss import CLIP, ENTROPY_WEIGHT, VALUE_WEIGHT, ppo_loss
from nissa.trainer.policy.rollout import DISCOUNT, TRACE, Transition, advantages, collate, score

NUMBERS = st.floats(-10, 10)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_advantages_are_the_discounted_sums_of_temporal_differences(steps: list[tuple[float, float]]) -> None:
    rewards, values = [r for r, _ in steps], [v for _, v in steps] + [0.0]
    expected = [
        sum(
            (DISCOUNT * TRACE) ** (later - now) * (rewards[later] + DISCOUNT * values[later + 1] - values[later])
            for later in range(now, len(steps))
        )
        for now in range(len(steps))
    ]
    assert advantages(rewards, values[:-1]) == pytest.approx(expected, abs=1e-9)


def test_kl_and_clip_fraction_are_those_of_numpy() -> None:
    old, new = np.log([0.5, 0.2, 0.3, 0.9]), np.log([0.5, 0.3, 0.1, 0.8])
    ratio = np.exp(new - old)
    log_ratio = torch.tensor(new - old)
    assert approx_kl(log_ratio).item() == pytest.approx(np.mean((ratio - 1) - np.log(ratio)))
    assert clip_fraction(log_ratio, 0.2).item() == 0.5  # 1.5 and 0.33 are out, 1.0 and 0.89 are in


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 2.0, 3.0], 1.0), ([2.0, 2.0, 2.0], 0.0), ([3.0, 2.0, 1.0], -3.0), ([0.0, 1.0, 2.0], 1.0)],
)
def test_explained_variance_by_hand(values: list[float], expected: float) -> None:
    assert explained_variance(torch.tensor(values), torch.tensor([1.0, 2.0, 3.0])) == pytest.approx(expected)


def test_explained_variance_of_returns_that_do_not_vary_is_nan() -> None:
    assert math.isnan(explained_variance(torch.tensor([1.0, 2.0]), torch.tensor([5.0, 5.0])))


def test_forbidden_choices_have_no_probability_no_entropy_and_no_gradient() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    log_probs = masked_log_probs(logits, torch.tensor([[True, False, True]]))
    p = 1 / (1 + math.exp(2.0))
    assert log_probs.exp()[0].tolist() == pytest.approx([p, 0.0, 1 - p])
    assert entropy(log_probs).item() == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p))
    entropy(log_probs).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 1] == 0


def test_entropy_of_a_head_counts_only_decisions_that_mattered_and_had_a_choice() -> None:
    mask = torch.tensor([[True, True, True, True], [True, True, False, False], [True, False, False, False], [True] * 4])
    relevant = torch.tensor([True, True, True, False])
    found = head_entropy(masked_log_probs(torch.zeros(4, 4), mask), mask, relevant)
    mean_policy = np.array([3, 3, 1, 1]) / 8
    assert found.decisions == 2
    assert found.entropy == pytest.approx(math.log(4) + math.log(2))
    assert found.log_valid == pytest.approx(math.log(4) + math.log(2))
    assert found.mean_policy_entropy == pytest.approx(-(mean_policy * np.log(mean_policy)).sum())


def test_a_head_that_never_mattered_has_sums_of_zero() -> None:
    found = head_entropy(torch.zeros(2, 1), torch.ones(2, 1, dtype=torch.bool), torch.tensor([True, True]))
    assert (found.entropy, found.log_valid, found.decisions, found.mean_policy_entropy) == (0.0, 0.0, 0, 0.0)


def transitions(policy: PPO, n: int = 40) -> list[Transition]:
    """Decisions of the policy's own network on random observations, all of them GERMINATE or WAIT."""
    draws, found = np.random.default_rng(0), []
    for _ in range(n):
        seen = draws.normal(size=30).tolist()
        with torch.no_grad():
            logits, value = policy.network(torch.tensor([seen]))
        op = int(draws.integers(2))
        chosen = {"op": (op, [True, True, False, False])}
        for head in ("slot", "blueprint", "blend"):
            size = len(HEADS[head])
            chosen[head] = (int(draws.integers(size)), [True] * size) if op else (0, [i == 0 for i in range(size)])
        heads = {h: _head(logits[h][0].numpy(), c, m, bool(op) or h == "op") for h, (c, m) in chosen.items()}
        act = Action(op="WAIT")
        found.append(
            Transition(
                Decision(observation=seen, action=act, heuristic=act, heads=heads, value=value.item()),
                float(draws.normal()),
            )
        )
    return found


def _head(logits: Any, choice: int, mask: list[bool], relevant: bool) -> HeadDecision:
    p = np.where(mask, np.exp(logits.astype(np.float64)), 0.0)
    p /= p.sum()
    h = -sum(q * math.log(q) for q in p if q > 0)
    return HeadDecision(
        choice=choice,
        log_prob=math.log(p[choice]),
        entropy=h,
        mask=mask,
        valid=sum(mask),
        forced=sum(mask) == 1,
        relevant=relevant,
    )


def test_the_loss_is_the_clipped_surrogate_of_the_joint_action() -> None:
    policy = PPO(0)
    policy.network.scale_values(3.0, 4.0)
    acted = transitions(policy)
    scores = [score(acted)]
    batch = collate([acted], scores)
    with torch.no_grad():
        for parameter in policy.network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
        logits, values = policy.network(batch.observations)
        loss, figures = ppo_loss(policy.network, batch)
    new, entropies = np.zeros(len(acted)), np.zeros(len(acted))
    for row, step in enumerate(acted):
        for name, head in step.decision.heads.items():
            again = _head(logits[name][row].numpy(), head.choice, head.mask, head.relevant)
            new[row] += again.log_prob
            entropies[row] += again.entropy
    old = np.array([sum(head.log_prob for head in step.decision.heads.values()) for step in acted])
    gained = np.array(scores[0].advantages)
    normal = (gained - gained.mean()) / (gained.std() + 1e-8)
    ratio = np.exp(new - old)
    surrogate = -np.minimum(ratio * normal, np.clip(ratio, 1 - CLIP, 1 + CLIP) * normal).mean()
    mse = np.mean((values.numpy() - np.array(scores[0].returns)) ** 2)
    expected = {
        "policy_loss": surrogate,
        "value_loss": mse,
        "entropy": entropies.mean(),
        "approx_kl": np.mean(ratio - 1 - (new - old)),
        "clip_fraction": np.mean(np.abs(ratio - 1) > CLIP),
        "ratio_max": ratio.max(),
    }
    assert {name: figure.item() for name, figure in figures.items()} == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert loss.item() == pytest.approx(
        surrogate + VALUE_WEIGHT * mse / 16 - ENTROPY_WEIGHT * entropies.mean(), rel=1e-4
    )


def test_the_unit_of_the_rewards_changes_no_gradient_and_is_the_unit_of_what_is_told() -> None:
    found = []
    for unit in (1.0, 100.0):
        policy = PPO(0)
        policy.network.scale_values(2.0 * unit, 3.0 * unit)
        acted = [Transition(step.decision, unit * step.reward) for step in transitions(policy)]
        loss, figures = ppo_loss(policy.network, collate([acted], [score(acted)]))
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = torch.cat([p.grad.flatten() for p in policy.network.parameters() if p.grad is not None])
        found.append((gradients, figures["value_loss"].item(), acted[0].decision.value))
    (small, loss_in_ones, value_in_ones), (large, loss_in_hundreds, value_in_hundreds) = found
    assert torch.allclose(small, large, rtol=1e-3, atol=1e-6)
    assert loss_in_hundreds == pytest.approx(1e4 * loss_in_ones, rel=1e-4)
    assert value_in_hundreds == pytest.approx(100 * (value_in_ones or 0.0), rel=1e-4)


def test_values_follow_returns_of_any_size_from_the_first_update_on() -> None:
    policy = PPO(0)
    for _ in range(2):
        acted = [Transition(s.decision, 1000.0 + s.reward) for s in transitions(policy)]
        updated, (scored,) = policy.learn([acted])
    assert updated.return_mean == pytest.approx(np.mean(scored.returns), rel=1e-5)
    assert updated.value_mean == pytest.approx(updated.return_mean, rel=0.5)
    assert updated.value_loss is not None
    assert updated.value_loss > 1e6  # squared units of the rewards, as the errors are some thousands


def test_actions_minibatches_and_the_first_weights_are_drawn_from_streams_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def seen(made: Callable[..., Any]) -> Callable[..., Any]:
        def make(seed: int, *_: int) -> Any:
            asked.append(seed)
            return made(seed)

        return make

    for name in ("generator", "ActorCritic"):
        monkeypatch.setattr(ppo, name, seen(getattr(ppo, name)))
    for seed in (0, 1):
        PPO(seed)
    of_the_data = {0, 1, 1_000_000, 1_000_001}
    assert len(set(asked) | of_the_data) == 3 * 2 + 4


def test_returns_are_advantages_plus_values_at_the_epochs_of_the_decisions() -> None:
    policy = PPO(0)
    acted = transitions(policy, 5)
    scored = score(acted)
    assert scored.epochs == [1, 2, 3, 4, 5]
    values = [step.decision.value for step in acted]
    assert scored.advantages == advantages([step.reward for step in acted], [v or 0.0 for v in values])
    assert scored.returns == [a + (v or 0.0) for a, v in zip(scored.advantages, values, strict=True)]


def test_an_update_moves_towards_what_paid_and_says_so() -> None:
    policy = PPO(0)
    acted = transitions(policy, 128)
    paid = [Transition(s.decision, 1.0 if s.decision.heads["op"].choice else -1.0) for s in acted]
    chance = [s.decision.heads["op"].log_prob for s in paid if s.decision.heads["op"].choice]
    updates = [policy.learn([paid]) for _ in range(3)]
    with torch.no_grad():
        logits, _ = policy.network(
            torch.tensor([s.decision.observation for s in paid if s.decision.heads["op"].choice])
        )
        after = masked_log_probs(logits["op"], torch.tensor([True, True, False, False]))[:, 1]
    assert after.mean() > np.mean(chance) + 0.05
    assert [updated.update for updated, _ in updates] == [0, 1, 2]
    first = updates[0][0]
    assert first.decisions == 128
    assert first.heads["op"].decisions == 128
    assert first.heads["slot"].decisions == sum(s.decision.heads["slot"].relevant for s in paid)
    assert first.value_mean == pytest.approx(np.mean([s.decision.value for s in paid]), abs=1e-6)
    assert first.return_std == pytest.approx(np.std(updates[0][1][0].returns), rel=1e-5)
    assert first.ratio_max is not None
    assert first.ratio_max >= 1


def test_a_target_of_zero_stops_after_the_first_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.trainer.policy.ppo.TARGET_KL", 0.0)
    policy = PPO(0)
    updated, _ = policy.learn([transitions(policy)])
    assert updated.early_stopped
    monkeypatch.setattr("nissa.trainer.policy.ppo.TARGET_KL", 1e9)
    updated, _ = policy.learn([transitions(policy)])
    assert not updated.early_stopped
