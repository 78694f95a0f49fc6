"""A sample of a large gradient: what it says is as sure as it says, and nothing that is broken is missed."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nissa import Telemetry, Watch
from nissa.events.kinds import GradientsMeasured, LayerGradients
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.gradients import gradients_begun
from nissa.pipeline.probes.gradients.kept_plan import KeptPlan
from nissa.pipeline.probes.gradients.sample import Sample
from nissa.pipeline.probes.model import Draw

POINTS = [0, 1, 25, 50, 99, 100]
Make = Callable[[np.random.Generator, int], np.ndarray]


def normal(random: np.random.Generator, n: int) -> np.ndarray:
    return random.normal(size=n)


def laplace(random: np.random.Generator, n: int) -> np.ndarray:
    return random.laplace(0.2e-4, 1e-4, size=n)


def rows(random: np.random.Generator, n: int) -> np.ndarray:
    """As of a linear layer: each row has a scale of its own."""
    return (random.normal(size=(n // 400, 400)) * random.uniform(0.1, 2.0, size=(n // 400, 1))).ravel()


def mostly_zero(random: np.random.Generator, n: int) -> np.ndarray:
    return np.where(random.random(n) < 0.4, random.uniform(0.5, 1.0, size=n), 0.0)


def layer(values: np.ndarray) -> nn.Linear:
    one = nn.Linear(400, len(values) // 400, bias=False)
    one.weight.grad = torch.from_numpy(values.astype(np.float32)).view_as(one.weight)
    return one


def looked(model: nn.Module, seed: int, **more: Any) -> GradientsMeasured:
    config = GradientConfig.model_validate({"enabled": True, "percentiles": POINTS, "sample": 1024, **more})
    parts = {"host": model}
    return gradients_begun(KeptPlan().of(parts, config.layers), parts, config, seed=seed).take()


def only(found: GradientsMeasured) -> LayerGradients:
    (row,) = found.layers.values()
    return row


@pytest.mark.parametrize("make", [normal, laplace, rows, mostly_zero])
def test_nineteen_intervals_in_twenty_hold_what_numpy_finds_in_all_elements(make: Make) -> None:
    values = make(np.random.default_rng(7), 300_000).astype(np.float32)
    model, wide, seeds = layer(values), values.astype(np.float64), range(200)
    truth = {"norm": float(np.linalg.norm(wide)), "mean": float(wide.mean())}
    truth |= {f"p{point}": float(np.percentile(wide, point)) for point in POINTS}
    held, squares = dict.fromkeys(truth, 0), []
    for seed in seeds:
        row = only(looked(model, seed, sample=4096))
        assert row.sample
        assert row.sample.seen == 4096
        assert row.sample.norm_se
        assert row.norm
        squares.append(row.norm**2)
        told = {"norm": row.norm, "mean": row.mean, **row.percentiles}
        errors = {"norm": row.sample.norm_se, "mean": row.sample.mean_se, **row.sample.percentiles_se}
        for name, value in told.items():
            held[name] += abs(value - truth[name]) <= 1.96 * errors[name] + 1e-6 * abs(truth[name])
    assert {name: n for name, n in held.items() if n < 0.9 * len(seeds)} == {}
    # The square is unbiased: the mean of many is within three of its own standard errors.
    assert abs(np.mean(squares) - truth["norm"] ** 2) < 3 * np.std(squares) / np.sqrt(len(squares))


def test_an_error_is_as_large_as_the_norms_are_apart() -> None:
    values = normal(np.random.default_rng(7), 80_000)
    found = [only(looked(layer(values), seed)) for seed in range(100)]
    apart = np.std([row.norm for row in found if row.norm])
    told = np.mean([row.sample.norm_se for row in found if row.sample and row.sample.norm_se])
    assert told == pytest.approx(apart, rel=0.3)
    assert told < 0.05 * np.linalg.norm(values)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 5e4])
def test_one_broken_or_exploding_element_is_never_missed(broken: float) -> None:
    values = normal(np.random.default_rng(7), 80_000)
    for place in (0, 12_345, 79_999):
        here = values.copy()
        here[place] = broken
        for seed in range(5):
            row = only(looked(layer(here), seed))
            assert row.non_finite == (not isfinite(broken))
            assert row.exploding == (1 / 80_000 if isfinite(broken) else 0.0)
            assert row.sample is None or row.sample.seen == 80_000


@pytest.mark.parametrize("values", [np.zeros(80_000), np.eye(1, 80_000, 777)[0] * 10])
def test_what_a_sample_would_miss_is_read_whole(values: np.ndarray) -> None:
    row = only(looked(layer(values), 3))
    assert row.norm == np.linalg.norm(values)
    assert row.zero == (values == 0).mean()
    assert row.sample is not None
    assert row.sample.seen == 80_000
    assert (row.sample.norm_se, row.sample.mean_se) == (0.0 if values.any() else None, 0.0)


def test_shares_are_those_of_all_within_their_error() -> None:
    values = mostly_zero(np.random.default_rng(7), 80_000)
    zeros = [only(looked(layer(values), seed)).zero or 0.0 for seed in range(50)]
    assert np.mean(zeros) == pytest.approx((values == 0).mean(), abs=3 * 0.5 / np.sqrt(50 * 1024))


def test_small_layers_are_exact_and_say_nothing_of_a_sample() -> None:
    values = normal(np.random.default_rng(7), 800)
    row = only(looked(layer(values), 0))
    assert row.sample is None
    assert list(row.percentiles.values()) == pytest.approx(np.percentile(values.astype(np.float32), POINTS), rel=1e-6)


def test_the_histogram_of_a_sample_counts_about_all_elements() -> None:
    values = normal(np.random.default_rng(7), 80_000)
    whole = only(looked(layer(values), 0, sample=None, full_histogram=True)).histogram
    drawn = only(looked(layer(values), 0, full_histogram=True)).histogram
    assert whole
    assert drawn
    assert sum(drawn.values()) == pytest.approx(80_000, rel=1e-3)
    assert drawn["-1"] == pytest.approx(whole["-1"], rel=0.15)


def test_the_norm_of_the_host_has_the_error_of_its_strata() -> None:
    random = np.random.default_rng(7)
    small = nn.Linear(2, 2, bias=False)
    small.weight.grad = torch.full((2, 2), 100.0)
    model = nn.ModuleList([layer(normal(random, 80_000)), layer(3 * normal(random, 120_000)), small])
    truth = np.sqrt(sum(float(p.grad.double().square().sum()) for p in model.parameters() if p.grad is not None))
    held = 0
    for seed in range(100):
        found = looked(model, seed)
        assert found.host_norm
        assert found.norms_se
        held += abs(found.host_norm - truth) <= 1.96 * found.norms_se["host"]
    assert held >= 88


def test_percentiles_of_several_strata_are_those_of_all_elements_by_weight() -> None:
    random = np.random.default_rng(7)
    parts = [random.normal(0, 1, 50_000), random.normal(3, 0.5, 200_000), random.normal(-2, 2, 500)]
    truth, held = np.percentile(np.concatenate(parts), [1, 25, 50, 75, 99]), np.zeros(5)
    for seed in range(100):
        draw, sample = Draw(1024, np.random.default_rng(seed)), Sample.of(np.empty(0, np.float32))
        for own in parts:
            some = own if len(own) < 1024 else own[draw.places(len(own))]
            sample = sample.plus(Sample.of(some.astype(np.float32), len(own) / len(some), (own.min(), own.max())))
        found, errors = sample.quantiles((0.01, 0.25, 0.5, 0.75, 0.99))
        held += abs(np.array(found) - truth) <= 1.96 * np.array(errors)
    assert held.min() >= 88


def test_every_element_is_drawn_as_often_as_any_other() -> None:
    draw = Draw(7, np.random.default_rng(0))
    counts = np.bincount(np.concatenate([draw.places(50) for _ in range(20_000)]), minlength=50)
    assert counts.sum() == 140_000
    assert abs(counts / 2800 - 1).max() < 0.1


def trained(**config: Any) -> tuple[list[torch.Tensor], tuple[Any, ...]]:
    torch.manual_seed(0)
    np.random.seed(0)  # a trainer may draw from it
    model = nn.Sequential(nn.Linear(300, 300), nn.ReLU(), nn.Dropout(0.5), nn.Linear(300, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Telemetry("sampled", config=config or {"profile": "minimal"}) as telemetry:
        watch = Watch(telemetry, model)
        for _ in range(3):
            optimizer.zero_grad()
            cross_entropy(model(torch.randn(8, 300)), torch.randint(3, (8,))).backward()  # type: ignore[no-untyped-call]
            watch.step()
            optimizer.step()
        watch.epoch(torch.randn(8, 300), torch.randint(3, (8,)))
        assert not telemetry.state().faults
    return [p.detach().clone() for p in model.parameters()], (torch.rand(2).tolist(), np.random.rand())


def test_training_is_the_same_bit_for_bit() -> None:
    plain, draws = trained()
    sampled, same = trained(profile="research", gradients={"sample": 256, "groups": "depth"})
    assert all(torch.equal(one, other) for one, other in zip(plain, sampled, strict=True))
    assert draws == same


def test_the_same_seed_draws_the_same_and_another_one_others() -> None:
    model = layer(normal(np.random.default_rng(7), 80_000))
    assert only(looked(model, 3)) == only(looked(model, 3))
    assert only(looked(model, 3)).norm != only(looked(model, 4)).norm
