"""The reference trainer's factorial: all ways to switch its seeds, on the model as it is, which stays as it was."""

import math
from typing import Any

import pytest
import torch

from nissa.events.kinds import CounterfactualMeasured
from nissa.operators.attribution import ablations
from nissa.pipeline.config import load
from nissa.pipeline.probes import Watch
from nissa.trainer.data.digits import load_digits
from nissa.trainer.network.model import Model
from nissa.trainer.training.counterfactual import factorial
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


@pytest.fixture
def watch(deaf: Any, grown: Model) -> Watch:
    return Watch(deaf, grown)


def measured(watch: Watch, grown: Model) -> CounterfactualMeasured:
    told = factorial(watch, grown, load_digits())
    assert told is not None
    return told


def test_all_ways_of_switching_the_seeds_that_take_part_are_measured(watch: Watch, grown: Model) -> None:
    told = measured(watch, grown)
    assert (told.slots, told.n_val, told.strategy) == (["early", "late"], 360, "factorial")
    assert [result.config for result in told.results] == [[False, False], [False, True], [True, False], [True] * 2]
    assert [result.alpha_settings["late"] for result in told.results] == [0.0, 0.25, 0.0, 0.25]
    assert told.results[0].per_class_accuracy is None


def test_all_on_is_the_model_and_all_off_is_its_host_alone(watch: Watch, grown: Model) -> None:
    told = measured(watch, grown)
    whole, host = validate(grown, load_digits()), validate(grown.host, load_digits())
    assert (told.results[-1].val_loss, told.results[-1].val_accuracy) == (whole.loss, whole.accuracy)
    assert (told.results[0].val_loss, told.results[0].val_accuracy) == (host.loss, host.accuracy)
    assert whole.loss != host.loss


def test_its_ablations_are_what_switching_one_seed_off_costs(watch: Watch, grown: Model) -> None:
    told = measured(watch, grown)
    _, only_late, only_early, whole = (result.val_accuracy or math.nan for result in told.results)
    assert ablations(told) == {"early": whole - only_late, "late": whole - only_early}


def test_measuring_leaves_shares_weights_gradients_and_generators_bit_for_bit(watch: Watch, grown: Model) -> None:
    alphas = [slot.alpha for slot in grown.slots.values()]
    before, state = weights_digest([grown]), torch.get_rng_state()
    measured(watch, grown)
    assert [slot.alpha for slot in grown.slots.values()] == alphas
    assert weights_digest([grown]) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in grown.parameters())


def test_without_a_seed_that_takes_part_there_is_nothing_to_measure(watch: Watch, silent: Any) -> None:
    assert factorial(watch, Model(0, silent), load_digits()) is None


def test_in_research_each_measurement_tells_classes_apart(grown: Model, deaf: Any) -> None:
    deaf.config = load("research")
    data = load_digits()
    sizes = torch.bincount(data.val_labels).tolist()
    for result in measured(Watch(deaf, grown), grown).results:
        assert result.per_class_accuracy is not None
        hits = [result.per_class_accuracy[str(label)] / 100 * size for label, size in enumerate(sizes)]
        assert sum(hits) / sum(sizes) * 100 == pytest.approx(result.val_accuracy)
