"""What leaks from a seed into the host, against gradients worked out by hand, and against the host's own gradient."""

from collections.abc import Callable, Sequence
from itertools import zip_longest

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from nissa.pipeline.probes.isolation import forward_leakage, leakage


def host_and_term(*, detached: bool) -> tuple[Tensor, Tensor, Tensor, nn.Parameter]:
    """Loss 10 a + 100 b of what the host's weights (3, 4), doubled, are after a seed that triples them."""
    weight, factor = nn.Parameter(torch.tensor([3.0, 4.0])), nn.Parameter(torch.tensor(3.0))
    hidden = 2 * weight
    correction = factor * (hidden.detach() if detached else hidden)
    term = correction - correction.detach()
    return ((hidden + term) * torch.tensor([10.0, 100.0])).sum(), term, weight, factor


def test_it_is_exactly_zero_while_the_seed_sees_a_detached_host() -> None:
    loss, term, weight, _ = host_and_term(detached=True)
    leak = leakage(loss, [term], [weight])
    assert (leak.shape, leak.item(), leak.requires_grad) == ((), 0.0, False)


def test_it_is_the_norm_of_what_comes_through_a_term_that_is_not() -> None:
    loss, term, weight, _ = host_and_term(detached=False)
    # d loss / d term = (10, 100); d term / d weight = 3 * 2, and the host's own way, by 2, does not count.
    assert leakage(loss, [term], [weight]).item() == pytest.approx(6 * (10**2 + 100**2) ** 0.5)


def test_the_graph_is_kept_and_no_gradient_or_generator_touched() -> None:
    loss, term, weight, factor = host_and_term(detached=True)
    before = torch.get_rng_state()
    leakage(loss, [term], [weight])
    assert torch.equal(before, torch.get_rng_state())
    assert (weight.grad, factor.grad) == (None, None)
    loss.backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.tolist() == [20.0, 200.0]


def network(*leaky: bool) -> tuple[Tensor, list[Tensor], list[nn.Parameter]]:
    """Loss, terms and host of two layers, with a seed after as many as are told; the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body, head, seeds = nn.Linear(8, 8), nn.Linear(8, 4), (nn.Linear(8, 8), nn.Linear(4, 4))
        x, labels = torch.randn(16, 8), torch.randint(4, (16,))
    terms = []
    for layer, seed, leaks in zip_longest((body, head), seeds, leaky):
        x = layer(x)
        if leaks is not None:
            correction = seed(x if leaks else x.detach())
            terms.append(correction - correction.detach())
            x = x + terms[-1]
    return cross_entropy(x, labels), terms, [*body.parameters(), *head.parameters()]


def flat(grads: Sequence[Tensor | None]) -> Tensor:
    return torch.cat([grad.flatten() for grad in grads if grad is not None])


def test_of_one_seed_it_is_what_the_seed_adds_to_the_gradient_of_the_host() -> None:
    (isolated, _, host), (loss, terms, leaking) = network(False), network(True)
    added = flat(torch.autograd.grad(loss, leaking, retain_graph=True)) - flat(torch.autograd.grad(isolated, host))
    assert added.norm() > 1e-3
    assert leakage(loss, terms, leaking).item() == pytest.approx(added.norm().item(), rel=1e-4)


def test_over_several_seeds_it_is_one_norm_of_the_sum() -> None:
    loss, terms, host = network(True, True)
    pulls = torch.autograd.grad(loss, terms, retain_graph=True)
    each = [
        torch.autograd.grad(t, host, p, retain_graph=True, materialize_grads=True)
        for t, p in zip(terms, pulls, strict=True)
    ]
    total = flat([a + b for a, b in zip(*each, strict=True)])
    assert leakage(loss, terms, host).item() == pytest.approx(total.norm().item(), rel=1e-5)
    isolated, terms, host = network(False, False)
    assert leakage(isolated, terms, host).item() == 0.0


def test_what_is_frozen_unused_or_missing_takes_no_part() -> None:
    loss, term, weight, _ = host_and_term(detached=False)
    frozen, unused = nn.Parameter(torch.ones(2), requires_grad=False), nn.Parameter(torch.ones(2))
    apart = unused * 2
    expected = leakage(loss, [term], [weight]).item()
    assert leakage(loss, [term, torch.zeros(2), apart], [weight, frozen, unused]).item() == expected
    assert leakage(loss, [], [weight]).item() == 0.0
    assert leakage(loss, [term], [frozen]).item() == 0.0


def test_a_broken_gradient_is_told_as_it_is() -> None:
    loss, term, weight, _ = host_and_term(detached=False)
    assert leakage(loss * torch.nan, [term], [weight]).isnan().item()


class Host(nn.Module):
    """With all that a seed can disturb: activations, parameters, running statistics, and a generator to draw from."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.body, self.norm = nn.Linear(8, 8), nn.BatchNorm1d(8, affine=False)
            self.dropout, self.head, self.seed = nn.Dropout(), nn.Linear(8, 4), nn.Linear(8, 8)
            self.x, self.labels = torch.randn(16, 8), torch.randint(4, (16,))
        self.terms: list[Tensor] = []

    def forward(self, slot: "Slot | None") -> Tensor:
        hidden = self.body(self.x)
        if slot:
            hidden, term = slot(hidden, self)
            self.terms.append(term)
        return cross_entropy(self.head(self.dropout(self.norm(hidden))), self.labels)

    def own(self) -> list[nn.Parameter]:
        return [*self.body.parameters(), *self.head.parameters()]

    def buffers_of_host(self) -> list[Tensor]:
        return list(self.norm.buffers())


Slot = Callable[[Tensor, Host], tuple[Tensor, Tensor]]


def straight_through(hidden: Tensor, correction: Tensor) -> tuple[Tensor, Tensor]:
    term = correction - correction.detach()
    return hidden + term, term


def output_reaches_the_host(hidden: Tensor, host: Host) -> tuple[Tensor, Tensor]:
    correction = host.seed(hidden.detach())
    return hidden + correction, correction


WAYS: dict[str, Slot] = {
    "isolated": lambda hidden, host: straight_through(hidden, host.seed(hidden.detach())),
    "output reaches the host": output_reaches_the_host,
    "input not detached": lambda hidden, host: straight_through(hidden, host.seed(hidden)),
    "shared parameter": lambda hidden, host: straight_through(hidden, linear(hidden.detach(), host.body.weight)),
    "written in place": lambda hidden, host: straight_through(hidden, host.seed(hidden.detach().mul_(3))),
    "running statistics": lambda hidden, host: straight_through(hidden, host.seed(host.norm(hidden.detach()))),
    "draws between": lambda hidden, host: straight_through(hidden, host.dropout(host.seed(hidden.detach()))),
}


def step(slot: Slot | None) -> tuple[Tensor, list[Tensor], Tensor]:
    """The loss, the host's buffers and its gradient of one step: a plain one, in which nothing is measured."""
    host = Host()
    torch.manual_seed(1)
    loss = host(slot)
    loss.backward()
    return loss.detach(), host.buffers_of_host(), flat([p.grad for p in host.own()])


@pytest.mark.parametrize("way", WAYS)
def test_each_way_out_of_isolation_is_seen_by_one_of_the_two_and_by_as_much_as_it_moves_the_host(way: str) -> None:
    (loss, buffers, grads), (loss_too, buffers_too, grads_too) = step(None), step(WAYS[way])
    host = Host()
    torch.manual_seed(1)
    loss_measured, moved = forward_leakage(lambda: host(None), lambda: host(WAYS[way]), host.buffers_of_host())
    pulled = leakage(loss_measured, host.terms, host.own())
    apart = [
        float((a.float() - b.float()).abs().max())
        for a, b in zip([loss, *buffers], [loss_too, *buffers_too], strict=True)
    ]
    assert moved.item() == max(apart)
    if moved.item() == 0.0:
        assert pulled.item() == pytest.approx(float((grads_too - grads).norm()), rel=1e-4)
    seen = {"isolated": (False, False), "input not detached": (False, True), "shared parameter": (False, True)}
    assert (moved.item() > 0, pulled.item() > 0) == seen.get(way, (True, False))


@pytest.mark.parametrize("way", WAYS)
def test_a_step_that_is_measured_is_the_step_that_is_not(way: str) -> None:
    loss, buffers, grads = step(WAYS[way])
    drawn = torch.get_rng_state()
    host = Host()
    torch.manual_seed(1)
    measured, _ = forward_leakage(lambda: host(None), lambda: host(WAYS[way]), host.buffers_of_host())
    assert torch.equal(drawn, torch.get_rng_state())
    measured.backward()  # type: ignore[no-untyped-call]
    assert torch.equal(measured.detach(), loss)
    assert all(torch.equal(a, b) for a, b in zip(buffers, host.buffers_of_host(), strict=True))
    assert torch.equal(grads, flat([p.grad for p in host.own()]))


def test_what_is_broken_alike_has_not_moved_and_what_only_the_seed_breaks_has() -> None:
    broken = torch.tensor([1.0, torch.nan, torch.inf])
    assert forward_leakage(broken.clone, broken.clone)[1].item() == 0.0
    assert forward_leakage(broken.nan_to_num, broken.clone)[1].isnan().item()
    assert forward_leakage(lambda: torch.zeros(1), lambda: torch.tensor([torch.inf]))[1].item() == torch.inf
