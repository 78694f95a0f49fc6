"""A seed in isolation learns from the host and leaves no trace in it."""

import math
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from nissa.pipeline.probes.isolation import leakage
from nissa.trainer.data.digits import load_digits
from nissa.trainer.network import slot as slot_module
from nissa.trainer.network.model import Model
from nissa.trainer.network.slot import Isolated, isolated
from nissa.trainer.training.epoch import train_epoch
from nissa.trainer.training.isolation import gradient_leakage

BATCH = (load_digits().train_images[:64], load_digits().train_labels[:64])


def model_with(silent: Any, make_seed: Any, *, stage: str | None, where: str = "mid") -> Model:
    model = Model(0, silent)
    if stage:
        slot = model.slots[where]
        slot.seed = make_seed(channels=slot.channels)
        slot.enter(stage, 50.0)
    return model


def backward(model: Model) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    logits = model(BATCH[0])
    loss = cross_entropy(logits, BATCH[1])
    loss.backward()  # type: ignore[no-untyped-call]
    return logits.detach(), loss.detach(), [p.grad for p in model.host.parameters() if p.grad is not None]


@pytest.mark.parametrize("where", ["early", "mid", "late"])
@pytest.mark.parametrize("stage", ["GERMINATED", "TRAINING"])
def test_output_loss_and_host_gradients_are_bit_equal_with_and_without_an_isolated_seed(
    silent: Any, make_seed: Any, stage: str, where: str
) -> None:
    plain, grown = (model_with(silent, make_seed, stage=s, where=where) for s in (None, stage))
    (logits, loss, grads), (logits_too, loss_too, grads_too) = backward(plain), backward(grown)
    assert torch.equal(logits, logits_too)
    assert torch.equal(loss, loss_too)
    assert all(torch.equal(a, b) for a, b in zip(grads, grads_too, strict=True))


def test_the_isolated_seed_does_get_gradients(silent: Any, make_seed: Any) -> None:
    model = model_with(silent, make_seed, stage="TRAINING")
    backward(model)
    seed = model.slots["mid"].seed
    assert seed is not None
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in seed.parameters())


def test_a_blended_seed_changes_output_and_host_gradients(silent: Any, make_seed: Any) -> None:
    plain, grown = (model_with(silent, make_seed, stage=s) for s in (None, "HOLDING"))
    grown.slots["mid"].alpha = 1.0
    (logits, _, grads), (logits_too, _, grads_too) = backward(plain), backward(grown)
    assert not torch.equal(logits, logits_too)
    assert not torch.equal(grads[0], grads_too[0])


def test_the_seed_gets_the_gradient_of_its_correction() -> None:
    x, weight = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0], requires_grad=True)
    output, _, _ = isolated(x, lambda value: value * weight)
    (output * torch.tensor([10.0, 100.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.tolist() == [10.0, 200.0]  # d loss / d output, times the input


def leak(model: Model) -> float:
    loss = cross_entropy(model(BATCH[0]), BATCH[1])
    terms = [slot.isolated.term for slot in model.isolated() if slot.isolated]
    return float(leakage(loss, terms, list(model.host.parameters())))


def broken(x: torch.Tensor, seed: Any) -> Isolated:
    correction = seed(x)  # the detach is missing
    term = correction - correction.detach()
    return Isolated(x + term, term, torch.tensor(0))


def test_leakage_is_zero_while_isolation_works(silent: Any, make_seed: Any) -> None:
    assert leak(model_with(silent, make_seed, stage="TRAINING")) == 0.0


def test_leakage_is_what_a_broken_isolation_adds_to_the_host_gradient(
    silent: Any, make_seed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = backward(model_with(silent, make_seed, stage=None))[2]
    monkeypatch.setattr(slot_module, "isolated", broken)
    leaking = backward(model_with(silent, make_seed, stage="TRAINING"))[2]
    added = torch.cat([(b - a).flatten() for a, b in zip(plain, leaking, strict=True)]).norm()
    assert added > 1e-3
    assert leak(model_with(silent, make_seed, stage="TRAINING")) == pytest.approx(float(added), rel=1e-4)


def test_a_broken_isolation_shows_in_the_batch_and_in_the_epoch(
    silent: Any, make_seed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_module, "isolated", broken)
    trained = train_epoch(model_with(silent, make_seed, stage="TRAINING"), [BATCH, BATCH], silent.emit)
    first, second = silent.told
    assert first.isolation_leakage == trained.isolation_leakage
    assert first.isolation_leakage > 0
    assert (second.isolation_leakage, second.isolation_forward_leakage) == (None, None)
    assert first.isolation_forward_leakage == trained.isolation_forward_leakage == 0.0


def test_nothing_isolated_means_no_leakage_was_measured(silent: Any, make_seed: Any) -> None:
    model = model_with(silent, make_seed, stage="HOLDING")
    model.slots["mid"].alpha = 1.0
    assert train_epoch(model, [BATCH], silent.emit).isolation_leakage is None


def test_measuring_leakage_changes_neither_gradients_nor_generators(silent: Any, make_seed: Any) -> None:
    measured, untouched = (model_with(silent, make_seed, stage="TRAINING") for _ in range(2))
    before = torch.get_rng_state()
    loss = cross_entropy(measured(BATCH[0]), BATCH[1])
    gradient_leakage(measured, loss)
    assert all(p.grad is None for p in measured.parameters())
    loss.backward()  # type: ignore[no-untyped-call]
    backward(untouched)
    assert torch.equal(before, torch.get_rng_state())
    for a, b in zip(measured.parameters(), untouched.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.equal(a.grad, b.grad)


def test_a_germinated_seed_is_looked_at_and_does_not_learn_yet(silent: Any, make_seed: Any) -> None:
    model = model_with(silent, make_seed, stage="GERMINATED")
    before = {name: value.clone() for name, value in model.slots["mid"].state_dict().items()}
    trained = train_epoch(model, [BATCH], silent.emit)
    assert trained.seed_grad_norms["mid"] > 0
    assert all(torch.equal(value, before[name]) for name, value in model.slots["mid"].state_dict().items())


def test_the_host_trains_bit_identically_beside_an_isolated_seed(silent: Any, make_seed: Any) -> None:
    plain, grown = (model_with(silent, make_seed, stage=s) for s in (None, "TRAINING"))
    for model in (plain, grown):
        train_epoch(model, [BATCH] * 5, silent.emit)
    for a, b in zip(plain.host.parameters(), grown.host.parameters(), strict=True):
        assert torch.equal(a, b)


class Overflown(torch.nn.Module):
    """A seed whose correction is broken in three places of each image, and 2 x elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        broken = torch.zeros_like(x)
        broken[:, 0, 0, 0], broken[:, 1, 2, 3], broken[:, 2, 1, 0] = torch.inf, -torch.inf, torch.nan
        return self.factor * x + broken


def overflown(silent: Any, make_seed: Any) -> Model:
    model = model_with(silent, make_seed, stage="TRAINING")
    seed = model.slots["mid"].seed
    assert seed is not None
    seed.body = Overflown()
    return model


def test_a_broken_seed_stays_its_own_and_is_told(silent: Any, make_seed: Any) -> None:
    plain, grown = model_with(silent, make_seed, stage=None), overflown(silent, make_seed)
    for model in (plain, grown):
        trained = train_epoch(model, [BATCH] * 5, silent.emit)
    for a, b in zip(plain.host.parameters(), grown.host.parameters(), strict=True):
        assert torch.equal(a, b)
    assert [batch.seed_non_finite for batch in silent.told] == [{}] * 5 + [{"mid": 3 * 64}] * 5
    assert [batch.loss for batch in silent.told[:5]] == [batch.loss for batch in silent.told[5:]]
    assert trained.seed_non_finite == {"mid": 5 * 3 * 64}
    assert trained.isolation_leakage == trained.isolation_forward_leakage == 0.0
    assert not trained.is_finite("mid")


def test_what_is_finite_of_a_broken_seed_still_learns() -> None:
    x = torch.tensor([1.0, 2.0])
    weight = torch.tensor([3.0, torch.inf], requires_grad=True)
    output, term, non_finite = isolated(x, lambda value: value * weight)
    assert (output.tolist(), term.tolist(), non_finite.item()) == ([1.0, 2.0], [0.0, 0.0], 1)
    (output * torch.tensor([10.0, 100.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.tolist() == [10.0, 0.0]


def test_without_the_mask_the_host_would_be_broken_too(silent: Any, make_seed: Any, monkeypatch: Any) -> None:
    """What the mask is there for: an infinity minus itself is NaN."""

    def unmasked(x: torch.Tensor, seed: Any) -> Isolated:
        correction = seed(x.detach())
        term = correction - correction.detach()
        return Isolated(x + term, term, torch.tensor(0))

    monkeypatch.setattr(slot_module, "isolated", unmasked)
    trained = train_epoch(overflown(silent, make_seed), [BATCH], silent.emit)
    assert math.isnan(trained.loss)
    assert math.isnan(trained.isolation_forward_leakage or 0.0)
