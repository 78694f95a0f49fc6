"""What is wrong with a layer, by a table done by hand; and nothing broken ever passes for healthy."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nissa.events.kinds import LayerActivations, LayerGradients
from nissa.events.vocabulary import COMPLAINTS
from nissa.operators.assessment.finite_numbers import finite
from nissa.operators.assessment.layer_health import (
    activation_complaint,
    by_complaint,
    gradient_complaint,
    health,
    judged,
    worse,
)
from nissa.pipeline.probes.gradients.gradients import gradients_measured
from tests.samples import payloads

BROKEN = (math.nan, math.inf, -math.inf)
SOUND = LayerGradients(
    elements=100,
    norm=1.0,
    mean=0.01,
    std=0.1,
    percentiles={"p1": -0.2, "p99": 0.2},
    zero=0.0,
    vanishing=0.0,
    exploding=0.0,
    non_finite=0,
)
BARE = LayerGradients(elements=100, norm=1.0, mean=0.0, percentiles={}, non_finite=0)
RELU = LayerActivations(units=8, mean=0.5, std=0.5, zero=0.5, dead=0, dormant=0.0, effective_rank=4.0, non_finite=0)


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        (SOUND, None),
        (BARE, None),
        (replace(SOUND, non_finite=1), "non_finite"),
        (replace(SOUND, exploding=1e-6), "exploding"),
        # Above the threshold of 1e3 in the root mean square: 1e4 / sqrt(100) is not.
        (replace(BARE, norm=1e4), None),
        (replace(BARE, norm=1.001e4), "exploding"),
        (replace(SOUND, vanishing=0.5), None),
        (replace(SOUND, vanishing=0.51), "vanishing"),
        # An embedding: nine rows of ten were not used, and those that were are fine.
        (replace(SOUND, zero=0.9, vanishing=0.9), None),
        (replace(SOUND, zero=0.5, vanishing=0.75), None),
        (replace(SOUND, zero=0.5, vanishing=0.76), "vanishing"),
        (replace(SOUND, zero=None, vanishing=0.6), "vanishing"),
        # Below 1e-7 in the root mean square, where no shares were asked for.
        (replace(BARE, norm=1e-6), None),
        (replace(BARE, norm=0.99e-6), "vanishing"),
        (replace(SOUND, norm=1e-9), None),
        # Without norms, mean and standard deviation give it: hypot(3e-8, 4e-8) = 5e-8.
        (replace(BARE, norm=None, mean=3e-8, std=4e-8), "vanishing"),
        (replace(BARE, norm=None, mean=3e-7, std=4e-7), None),
        (replace(BARE, norm=None, std=2e3), "exploding"),
        (replace(BARE, norm=None), None),
        (replace(SOUND, norm=0.0, zero=1.0, vanishing=1.0), "dead"),
        (replace(BARE, norm=0.0), "dead"),
        (replace(BARE, norm=None, std=0.0), "dead"),
        (replace(BARE, norm=None, zero=1.0), "dead"),
        # Only what was looked at is 0, or so small that its square is lost.
        (replace(SOUND, zero=1.0, vanishing=1.0), None),
        (replace(SOUND, norm=0.0, zero=0.5, vanishing=1.0), "vanishing"),
        (replace(BARE, elements=0, norm=0.0), "dead"),
        # Doubles so small that the sketch takes them for 0, and no element is larger than the norm.
        (replace(SOUND, norm=2e-45, zero=1.0, vanishing=1.0), "vanishing"),
        (replace(SOUND, norm=0.99e-7, zero=1.0, vanishing=1.0), "vanishing"),
        (replace(SOUND, norm=1.01e-7, zero=1.0, vanishing=1.0), None),
        # One element of a million.
        (replace(SOUND, elements=10**6, norm=5e4, exploding=1e-6), "exploding"),
        (replace(SOUND, norm=970.0, exploding=0.0), None),
    ],
)
def test_a_gradient_has_the_complaint_that_a_person_would(layer: LayerGradients, complaint: str | None) -> None:
    assert gradient_complaint(layer) == complaint


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (SOUND, True),
        (BARE, True),
        (replace(BARE, norm=None, std=0.0), True),
        (replace(BARE, norm=None, vanishing=0.0), True),
        (replace(BARE, norm=None, exploding=0.0), True),
        (replace(BARE, norm=None), False),
        (replace(BARE, norm=None, zero=0.0, percentiles={"p50": 1.0}), False),
    ],
)
def test_a_layer_of_which_no_size_was_measured_is_not_judged(layer: LayerGradients, said: bool) -> None:
    assert judged(layer) is said


def test_one_element_of_a_million_explodes_and_one_just_below_the_threshold_does_not() -> None:
    for largest, complaint in ((970.0, None), (1000.0, None), (1001.0, "exploding")):
        layer = nn.Linear(10**6, 1, bias=False)
        grad = layer.weight.grad = torch.full((1, 10**6), 1e-3)
        grad[0, 1] = largest
        assert gradient_complaint(gradients_measured({"host": layer}).layers["host"]) == complaint


def test_thresholds_are_those_of_the_configuration() -> None:
    assert gradient_complaint(replace(BARE, norm=1.0), vanishing=0.2) == "vanishing"
    assert gradient_complaint(replace(BARE, norm=1.0), exploding=0.05) == "exploding"


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        (RELU, None),
        (replace(RELU, dormant=0.5, dead=4), None),
        (replace(RELU, dormant=0.51), "dead"),
        (replace(RELU, dormant=None, dead=5), "dead"),
        (replace(RELU, zero=1.0, dead=None, dormant=None, effective_rank=None), None),
        (replace(RELU, non_finite=1), "non_finite"),
    ],
)
def test_activations_have_the_complaint_that_a_person_would_have(
    layer: LayerActivations, complaint: str | None
) -> None:
    assert activation_complaint(layer) == complaint


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", ["norm", "mean", "std", "zero", "vanishing", "exploding", "percentiles"])
def test_a_gradient_with_any_number_broken_is_not_finite(name: str, broken: float) -> None:
    value: Any = {"p50": broken} if name == "percentiles" else broken
    assert gradient_complaint(replace(SOUND, **{name: value})) == "non_finite"


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", ["mean", "std", "zero", "dormant", "effective_rank"])
def test_activations_with_any_number_broken_are_not_finite(name: str, broken: float) -> None:
    number: Any = broken
    assert activation_complaint(replace(RELU, **{name: number})) == "non_finite"


@given(payloads(LayerGradients), payloads(LayerActivations))
def test_whatever_was_measured_is_judged_and_nothing_broken_is_let_pass(
    gradient: LayerGradients, activation: LayerActivations
) -> None:
    for layer, complaint in ((gradient, gradient_complaint(gradient)), (activation, activation_complaint(activation))):
        assert complaint in (None, *COMPLAINTS)
        assert (complaint == "non_finite") == (layer.non_finite > 0 or not finite(layer))


LAYERS = st.dictionaries(st.sampled_from("abcdef"), st.none() | st.sampled_from(COMPLAINTS))


@given(LAYERS, LAYERS, st.booleans())
def test_health_is_the_share_of_layers_that_nobody_complains_of(
    one: dict[str, str | None], other: dict[str, str | None], broken: bool
) -> None:
    found = health([one, other], broken=broken)
    names = one.keys() | other.keys()
    ill = {name for source in (one, other) for name in source if source[name] is not None}
    if broken or "non_finite" in (*one.values(), *other.values()):
        assert found == 0.0
    elif not names:
        assert found is None
    else:
        assert found == (len(names) - len(ill)) / len(names)


def test_not_measured_is_not_healthy_and_broken_needs_no_layer() -> None:
    assert health([{}, {}]) is None
    assert health([], broken=True) == 0.0


@given(LAYERS, LAYERS)
def test_every_complaint_is_listed_once_by_layer_the_worst_first(
    one: dict[str, str | None], other: dict[str, str | None]
) -> None:
    found = by_complaint([one, other])
    assert list(found) == [complaint for complaint in COMPLAINTS if complaint in found]
    pairs = [(complaint, name) for complaint, names in found.items() for name in names]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {(wrong, name) for source in (one, other) for name, wrong in source.items() if wrong}


def test_the_worse_of_two_complaints_is_the_one_that_comes_first() -> None:
    ranked = [*COMPLAINTS, None]
    for first, one in enumerate(ranked):
        for second, other in enumerate(ranked):
            assert worse(one, other) == ranked[min(first, second)]


@pytest.mark.parametrize("hidden", [[{"a": math.nan}], {"a": [1, math.inf]}, replace(RELU, std=-math.inf)])
def test_what_is_not_finite_is_found_however_deep(hidden: Any) -> None:
    assert not finite(hidden)
    assert finite([{"a": 1.0, "b": None, "c": "nan"}, RELU])
