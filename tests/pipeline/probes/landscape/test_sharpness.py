"""Sharpness, where it is known: on a quadratic loss L = w'Aw / 2 it is half the trace of A, weighted by the noise."""

import math
import random
from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events import SharpnessMeasured
from nissa.operators import only
from nissa.pipeline.probes import Watch
from nissa.pipeline.probes.landscape.sharpness import sharpness_measured, slope_of
from nissa.pipeline.telemetry import Telemetry


class Bowl(nn.Module):
    """L(w) = w'Aw / 2 + b'w, in two tensors of 4 and 2 elements, in float64."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(5)
        self.w = nn.Parameter(torch.randn(4, generator=draw, dtype=torch.float64))
        self.v = nn.Parameter(3 * torch.randn(2, generator=draw, dtype=torch.float64))
        root = torch.randn(6, 6, generator=draw, dtype=torch.float64)
        self.register_buffer("curvature", root @ root.T)
        self.register_buffer("slope", 100 * torch.randn(6, generator=draw, dtype=torch.float64))

    def forward(self) -> Tensor:
        at = torch.cat([self.w, self.v])
        loss: Tensor = at @ self.get_buffer("curvature") @ at / 2 + self.get_buffer("slope") @ at
        return loss

    def expected(self, scale: float) -> float:
        """E[e'Ae] / 2 for independent e with the scale of each tensor."""
        sizes = [scale**2 * p.detach().square().mean().item() for p in (self.w, self.w, self.w, self.w, self.v, self.v)]
        twice: float = sum(s * a for s, a in zip(sizes, self.get_buffer("curvature").diag().tolist(), strict=True))
        return twice / 2


def test_on_a_quadratic_loss_the_estimate_is_the_weighted_trace_whatever_the_slope() -> None:
    bowl, pairs = Bowl(), 4_000
    found = sharpness_measured(bowl, bowl, pairs=pairs, scale=0.01)
    assert found.spread is not None
    assert found.sharpness is not None
    assert found.sharpness_se is not None
    assert found.sharpness_se == pytest.approx(found.spread / math.sqrt(pairs))
    assert found.sharpness == pytest.approx(bowl.expected(0.01), abs=4 * found.sharpness_se)
    assert 4 * found.sharpness_se < 0.1 * found.sharpness
    assert found.samples == 8_000


def test_it_grows_with_the_square_of_the_scale() -> None:
    bowl = Bowl()
    small, large = (sharpness_measured(bowl, bowl, scale=scale).sharpness for scale in (0.01, 0.02))
    assert small is not None
    assert large == pytest.approx(4 * small, rel=1e-6)


def test_each_pair_is_half_a_second_difference_along_its_own_direction() -> None:
    bowl = Bowl()
    found = sharpness_measured(bowl, bowl, pairs=1, seed=3)
    draw = torch.Generator().manual_seed(3)
    noise = [torch.randn(p.shape, generator=draw, dtype=p.dtype) for p in bowl.parameters()]
    step = torch.cat(
        [0.01 * n * p.detach().square().mean().sqrt() for n, p in zip(noise, (bowl.w, bowl.v), strict=True)]
    )
    assert found.sharpness == pytest.approx((step @ bowl.get_buffer("curvature") @ step / 2).item(), rel=1e-6)
    assert found.spread is None
    assert found.sharpness_se is None


def over_epochs(epochs: int, seed: int = 0) -> tuple[list[SharpnessMeasured], float]:
    """What a watch finds, epoch by epoch, around weights that stay; and E[e'He] / 2, where H is known: the loss is
    |Wx - y|^2 / 2, so H is xx' for each row of W."""
    draw = torch.Generator().manual_seed(7)
    model = nn.Linear(5, 3, bias=False, device="meta", dtype=torch.float64).to_empty(device="cpu")
    nn.init.normal_(model.weight, generator=draw)
    inputs, labels = torch.randn(1, 5, generator=draw, dtype=torch.float64), torch.zeros(1, dtype=torch.long)
    found: list[SharpnessMeasured] = []
    often = {"enabled": True, "every": 1, "perturbation_samples": 4}
    with Telemetry("epochs", config={"profile": "minimal", "loss_landscape": often}) as telemetry:
        telemetry.stream.pipe(only(SharpnessMeasured)).subscribe(lambda event: found.append(event.payload))
        watch = Watch(telemetry, model, loss=lambda outputs, _: (outputs - 1).square().sum() / 2, seed=seed)
        for _ in range(epochs):
            watch.epoch(inputs, labels)
    trace = 3 * inputs.square().sum().item()
    return found, 0.01**2 * model.weight.square().mean().item() * trace / 2


def test_over_epochs_the_error_averages_out_and_is_what_its_standard_error_says() -> None:
    rows, expected = over_epochs(640)
    errors = [(row.sharpness or 0.0) / expected - 1 for row in rows]
    means = [fmean(errors[at : at + 16]) for at in range(0, 640, 16)]
    one, sixteen = (math.sqrt(fmean(error**2 for error in some)) for some in (errors, means))
    assert sixteen == pytest.approx(one / 4, rel=0.35)
    told = math.sqrt(fmean((row.sharpness_se or 0.0) ** 2 for row in rows)) / expected
    assert told == pytest.approx(one, rel=0.1)


def test_epochs_draw_by_their_number_and_the_seed_of_the_watch_and_from_nobody_else() -> None:
    before = torch.get_rng_state(), random.getstate()
    first, again, other = over_epochs(3), over_epochs(3), over_epochs(3, seed=1)
    assert first == again
    assert len({row.sharpness for rows, _ in (first, other) for row in rows}) == 6
    assert random.getstate() == before[1]
    assert torch.equal(torch.get_rng_state(), before[0])


def test_the_steepest_direction_is_a_step_of_the_scale_along_the_gradient() -> None:
    bowl = Bowl()
    loss = bowl()
    slope = torch.autograd.grad(loss, [bowl.w, bowl.v])
    found = sharpness_measured(bowl, bowl, slope, scale=0.05)
    with torch.no_grad():
        whole, weights = torch.cat(slope), torch.cat([bowl.w, bowl.v])
        step = 0.05 * weights.norm() * whole / whole.norm()
        rise = step @ bowl.get_buffer("curvature") @ step / 2 + whole @ step
    assert found.sam == pytest.approx(rise.item(), rel=1e-9)
    assert found.loss == loss.item()


def test_without_a_gradient_there_is_no_steepest_direction_and_one_of_zero_leads_nowhere() -> None:
    bowl = Bowl()
    assert sharpness_measured(bowl, bowl).sam is None
    assert sharpness_measured(bowl, bowl, [None, None]).sam is None
    assert sharpness_measured(bowl, bowl, [torch.zeros(4), torch.zeros(2)]).sam == 0.0


def classified(model: nn.Module) -> Callable[[], Tensor]:
    draw = torch.Generator().manual_seed(2)
    images, labels = torch.randn(32, 3, 16, 16, generator=draw), torch.randint(10, (32,), generator=draw)
    return lambda: cross_entropy(model(images), labels)


def test_weights_buffers_modes_and_random_states_are_bit_for_bit_what_they_were(
    cnn: nn.Module, state: Callable[[nn.Module], Any]
) -> None:
    cnn.train()
    cnn[1].eval()  # type: ignore[index]
    before, loss = state(cnn), classified(cnn)
    for _ in range(5):
        assert sharpness_measured(cnn, loss, [p.grad for p in cnn.parameters()], pairs=2).sharpness != 0
    assert state(cnn) == before


def test_they_are_so_too_when_the_loss_raises_or_draws_and_writes(
    cnn: nn.Module, state: Callable[[nn.Module], Any]
) -> None:
    before, calls = state(cnn), 0

    def odd() -> Tensor:
        nonlocal calls
        calls += 1
        for buffer in cnn.buffers():
            buffer.add_(1)
        if calls == 4:
            raise RuntimeError("out of memory")
        return torch.rand(()) + next(cnn.parameters()).sum()

    with pytest.raises(RuntimeError, match="out of memory"):
        sharpness_measured(cnn, odd)
    assert calls == 4
    assert state(cnn) == before


def test_the_same_seed_gives_the_same_figure_and_another_seed_another(cnn: nn.Module) -> None:
    loss = classified(cnn)
    same = [sharpness_measured(cnn, loss, pairs=2, seed=seed).sharpness for seed in (0, 0, 1)]
    assert same[0] == same[1] != same[2]


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_broken_loss_is_told_as_it_is(broken: float) -> None:
    found = sharpness_measured(Bowl(), lambda: torch.tensor(broken))
    assert found.loss == pytest.approx(broken, nan_ok=True)
    assert found.sharpness is not None
    assert math.isnan(found.sharpness)
    assert found.spread is not None
    assert math.isnan(found.spread)


def test_less_than_no_pairs_are_refused_and_so_is_a_model_that_does_not_learn() -> None:
    with pytest.raises(ValueError, match="pairs must be at least 0, not -1"):
        sharpness_measured(Bowl(), lambda: torch.zeros(()), pairs=-1)
    with pytest.raises(ValueError, match="without trainable parameters"):
        sharpness_measured(nn.ReLU(), lambda: torch.zeros(()))


def test_without_pairs_there_is_only_the_steepest_direction() -> None:
    bowl = Bowl()
    slope = torch.autograd.grad(bowl(), [bowl.w, bowl.v])
    found = sharpness_measured(bowl, bowl, slope, pairs=0)
    assert (found.sharpness, found.spread, found.samples) == (None, None, 0)
    assert found.sam == sharpness_measured(bowl, bowl, slope, pairs=3).sam


def test_the_slope_is_that_in_eval_mode_and_leaves_no_trace(cnn: nn.Module, state: Callable[[nn.Module], Any]) -> None:
    before, loss = state(cnn), classified(cnn)
    found = slope_of(cnn, loss)
    assert state(cnn) == before
    cnn.eval()
    for own, grad in zip(found, torch.autograd.grad(loss(), list(cnn.parameters())), strict=True):
        assert own is not None
        assert torch.equal(own, grad)


def test_under_autocast_each_evaluation_is_at_weights_of_its_own() -> None:
    model, inputs = nn.Linear(64, 8), torch.randn(32, 64, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        found = sharpness_measured(model, lambda: model(inputs).float().square().mean(), pairs=2, scale=0.1)
    assert found.sharpness is not None
    assert found.sharpness > 0


def test_a_sparse_gradient_leads_where_the_same_one_in_full_does() -> None:
    table, tokens = nn.Embedding(50, 8, sparse=True), torch.tensor([3, 3, 7])

    def loss() -> Tensor:
        total: Tensor = table(tokens).square().sum()
        return total

    (slope,) = slope_of(table, loss)
    assert slope is not None
    assert slope.is_sparse
    found = sharpness_measured(table, loss, [slope], pairs=0)
    assert found.sam == sharpness_measured(table, loss, [slope.to_dense()], pairs=0).sam
    assert found.sam is not None
    assert found.sam > 0


def test_complex_weights_are_perturbed_in_both_of_their_parts() -> None:
    model = nn.Linear(1, 1, bias=False, dtype=torch.complex128)
    with torch.no_grad():
        model.weight.fill_(3 + 4j)
    found = sharpness_measured(model, lambda: torch.view_as_real(model.weight).square().sum(), pairs=2_000, scale=0.01)
    # E|e|^2 of two parts, each with 1% of the root mean square of both, sqrt(25 / 2).
    assert found.sharpness == pytest.approx(2 * 0.01**2 * 12.5, rel=0.1)
    assert model.weight.item() == 3 + 4j
