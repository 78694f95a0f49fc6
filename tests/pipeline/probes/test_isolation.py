"""What leaks from a seed into the host, against gradients worked out by hand, and against the host's own gradient."""

from collections.abc import Sequence
from itertools import zip_longest

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.pipeline.probes.isolation import leakage


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
