"""Switching seeds off measures them and leaves the model as it was."""

import math
from typing import Any

import pytest
import torch

from nissa.trainer.data.digits import load_digits
from nissa.trainer.network.model import Model
from nissa.trainer.training.counterfactual import contributions, factorial, switched
from nissa.trainer.training.history import weights_digest
from nissa.trainer.training.validation import validate


@pytest.fixture
def grown(silent: Any, make_seed: Any) -> Model:
    model = Model(0, silent)
    for name, stage, alpha in (("early", "FOSSILIZED", 1.0), ("mid", "TRAINING", 0.0), ("late", "BLENDING", 0.25)):
        slot = model.slots[name]
        slot.seed = make_seed(channels=slot.channels)
        slot.enter(stage, 50.0)
        slot.alpha = alpha
    return model


def test_all_ways_of_switching_the_seeds_that_take_part_are_measured(grown: Model) -> None:
    measured = factorial(grown, load_digits())
    assert measured is not None
    assert measured.slots == ["early", "late"]
    assert measured.n_val == 360
    assert [result.config for result in measured.results] == [[False, False], [False, True], [True, False], [True] * 2]
    assert [result.alpha_settings["late"] for result in measured.results] == [0.0, 0.25, 0.0, 0.25]
    assert measured.results[0].per_class_accuracy is None


def test_all_on_is_the_model_and_all_off_is_its_host_alone(grown: Model) -> None:
    measured = factorial(grown, load_digits())
    assert measured is not None
    whole, host = validate(grown, load_digits()), validate(grown.host, load_digits())
    assert (measured.results[-1].val_loss, measured.results[-1].val_accuracy) == (whole.loss, whole.accuracy)
    assert (measured.results[0].val_loss, measured.results[0].val_accuracy) == (host.loss, host.accuracy)
    assert whole.loss != host.loss


def test_contributions_are_what_switching_one_seed_off_costs(grown: Model) -> None:
    measured = factorial(grown, load_digits())
    assert measured is not None
    _, only_late, only_early, whole = (result.val_accuracy or math.nan for result in measured.results)
    assert contributions(measured) == {"early": whole - only_late, "late": whole - only_early}
    assert contributions(None) == {}


def test_measuring_leaves_shares_weights_gradients_and_generators_bit_for_bit(grown: Model) -> None:
    alphas = [slot.alpha for slot in grown.slots.values()]
    before, state = weights_digest([grown]), torch.get_rng_state()
    factorial(grown, load_digits(), per_class=True)
    assert [slot.alpha for slot in grown.slots.values()] == alphas
    assert weights_digest([grown]) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in grown.parameters())


def test_shares_come_back_when_measuring_fails(grown: Model) -> None:
    slots = grown.mixed()
    with pytest.raises(RuntimeError, match="broken"), switched(slots, [False, False]) as alphas:
        assert alphas == {"early": 0.0, "late": 0.0}
        raise RuntimeError("broken")
    assert [slot.alpha for slot in slots] == [1.0, 0.25]


def test_without_a_seed_that_takes_part_there_is_nothing_to_measure(silent: Any) -> None:
    assert factorial(Model(0, silent), load_digits()) is None


def test_accuracy_by_class_adds_up_to_the_accuracy(grown: Model) -> None:
    measured = factorial(grown, load_digits(), per_class=True)
    assert measured is not None
    sizes = torch.bincount(load_digits().val_labels).tolist()
    for result in measured.results:
        assert result.per_class_accuracy is not None
        hits = [result.per_class_accuracy[str(label)] / 100 * size for label, size in enumerate(sizes)]
        assert sum(hits) / sum(sizes) * 100 == pytest.approx(result.val_accuracy, abs=1e-4)
