"""Percentiles of a layer against numpy: the same where it is small, and as near as the docs say where it is not."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.bit_sketch import EXACT
from nissa.pipeline.probes.gradients.gradients import gradients_measured

AT = (1, 5, 25, 50, 75, 95, 99)
CONFIG = GradientConfig(percentiles=list(AT))


def layer(gradient: np.ndarray) -> nn.Module:
    """One parameter with this gradient."""
    model = nn.Linear(1, 1, bias=False)
    model.weight = nn.Parameter(torch.zeros(gradient.shape))
    model.weight.grad = torch.tensor(gradient)
    return model


def percentiles(model: nn.Module) -> dict[str, list[float]]:
    """By layer, in the order of `AT`."""
    found = gradients_measured({"host": model}, CONFIG).layers
    return {name: list(row.percentiles.values()) for name, row in found.items()}


def exact(gradients: np.ndarray) -> np.ndarray:
    """Numpy's linear ones of what is finite; NaN of nothing."""
    finite = gradients[np.isfinite(gradients)].astype(np.float64)
    return np.percentile(finite, AT) if finite.size else np.full(len(AT), np.nan)


@given(arrays(np.float32, st.integers(1, 400), elements=st.floats(width=32)), st.booleans())
def test_of_a_small_layer_they_are_numpys_also_one_by_one(gradient: np.ndarray, wide: bool) -> None:
    model = layer(gradient)
    (found,) = percentiles(model.double() if wide else model).values()
    np.testing.assert_allclose(found, exact(gradient), rtol=1e-12, atol=0)


@pytest.fixture(scope="module")
def steps() -> Iterator[nn.Module]:
    """The demo's host in its first steps."""
    from nissa.trainer.data import load_digits
    from nissa.trainer.network.host import new_host

    host, data = new_host(0), load_digits()
    optimizer = torch.optim.SGD(host.parameters(), lr=0.1)

    def walk() -> Iterator[nn.Module]:
        for n in range(10):
            some = slice(64 * n, 64 * n + 64)
            optimizer.zero_grad()
            nn.functional.cross_entropy(host(data.train_images[some]), data.train_labels[some]).backward()  # type: ignore[no-untyped-call]
            yield host
            optimizer.step()

    return walk()


def test_of_the_layers_of_the_demo_they_are_numpys(steps: Iterator[nn.Module]) -> None:
    compared = 0
    for host in steps:
        for name, found in percentiles(host).items():
            parts = host.get_submodule(name.removeprefix("host.")).parameters()
            own = [p.grad.numpy().ravel() for p in parts if p.grad is not None]
            np.testing.assert_allclose(found, exact(np.concatenate(own)), rtol=1e-12, atol=0)
            compared += 1
    assert compared >= 30


@pytest.mark.parametrize("tail", ["normal", "t3"])
def test_of_a_large_layer_they_are_within_a_bin_and_mostly_within_a_percent(tail: str) -> None:
    random, errors = np.random.default_rng(0), list[float]()
    for n in (EXACT + 1, 10_000, 50_000):
        drawn = random.standard_normal(n) if tail == "normal" else random.standard_t(3, n)
        gradient = (1e-3 * drawn).astype(np.float32)
        (found,) = percentiles(layer(gradient)).values()
        truth = exact(gradient)
        assert gradient.min() <= min(found)
        assert max(found) <= gradient.max()
        away = np.abs(truth) > 0.05 * gradient.std()
        errors += list(np.abs(found - truth)[away] / np.abs(truth)[away])
    assert np.median(errors) < 0.01
    assert max(errors) < 0.125
