"""A network with some seeds switched off: measured as a plain loop measures it, and nobody notices afterwards."""

import random
from collections.abc import Callable, Iterator
from itertools import combinations, count, product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import CounterfactualMeasured
from nissa.pipeline.config import load
from nissa.pipeline.probes import Watch, counterfactual_measured
from nissa.pipeline.telemetry import Telemetry

N_VAL = 50


class Grown(nn.Module):
    """A host with three seeds, a share of each, batch norm, and dropout. It draws where a probe must not."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.host = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
            self.seeds = nn.ModuleDict({name: nn.Linear(8, 8) for name in ("early", "mid", "late")})
            self.head = nn.Linear(8, 5)
            self.images, self.labels = torch.randn(N_VAL, 4), torch.randint(4, (N_VAL,))
        self.shares: Tensor
        self.register_buffer("shares", torch.tensor([1.0, 0.3, 0.7]))

    def set_alphas(self, alphas: dict[str, float]) -> None:
        """As one may do it who keeps them on the device."""
        for place, name in enumerate(self.seeds):
            if name in alphas:
                self.shares[place] = alphas[name]

    def alphas(self) -> dict[str, float]:
        """The share of each."""
        return dict(zip(self.seeds, self.shares.tolist(), strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        torch.rand(1)
        hidden = self.host(x)
        for share, seed in zip(self.shares, self.seeds.values(), strict=True):
            hidden = hidden + share * seed(hidden)
        logits: Tensor = self.head(hidden)
        return logits

    def evaluate(self, size: int = 20) -> Iterator[tuple[Tensor, Tensor]]:
        """The validation set in batches."""
        for images, labels in zip(torch.split(self.images, size), torch.split(self.labels, size), strict=True):
            yield self(images), labels


@pytest.fixture
def grown() -> Grown:
    return Grown().train()


def measured(grown: Grown, evaluate: Any = None, **how: Any) -> CounterfactualMeasured:
    told = counterfactual_measured(grown.alphas(), grown.set_alphas, evaluate or grown.evaluate, model=grown, **how)
    assert told is not None
    return told


def by_hand(grown: Grown, config: list[bool]) -> tuple[float, Tensor]:
    """Loss and right samples in one batch, on a copy."""
    copy = Grown()
    copy.load_state_dict(grown.state_dict())
    copy.set_alphas({name: 0.0 for name, on in zip(copy.seeds, config, strict=True) if not on})
    with torch.no_grad():
        logits = copy.eval()(grown.images)
    return cross_entropy(logits, grown.labels).item(), logits.argmax(1) == grown.labels


@pytest.mark.parametrize("size", [N_VAL, 20, 1])
def test_each_configuration_is_measured_as_by_hand_in_batches_of_any_size(grown: Grown, size: int) -> None:
    told = measured(grown, lambda: grown.evaluate(size))
    assert [result.config for result in told.results] == [[*on] for on in product((False, True), repeat=3)]
    assert (told.slots, told.n_val, told.strategy, told.planned) == (["early", "mid", "late"], N_VAL, "factorial", 8)
    for result in told.results:
        loss, right = by_hand(grown, result.config)
        assert result.val_loss == pytest.approx(loss, rel=1e-5)
        assert result.val_accuracy == 100 * int(right.sum()) / N_VAL
        shares = zip(grown.alphas().values(), result.config, strict=True)
        assert [*result.alpha_settings.values()] == [share if on else 0.0 for share, on in shares]


def test_it_tells_on_how_many_samples_each_two_disagree(grown: Grown) -> None:
    told = measured(grown)
    right = [by_hand(grown, result.config)[1] for result in told.results]
    assert told.disagreements == [
        [int((mine != other).sum()) for other in right[:row]] for row, mine in enumerate(right)
    ]
    assert any(map(sum, told.disagreements))


def test_classes_are_told_apart_where_that_is_asked_for_by_name_or_number(grown: Grown) -> None:
    """The fifth has no sample, and no accuracy."""
    assert all(result.per_class_accuracy is None for result in measured(grown).results)
    for result in measured(grown, classes=["a", "b"]).results:
        _, right = by_hand(grown, result.config)
        of_each = {name: right[grown.labels == place] for place, name in enumerate("ab23")}
        found = {name: 100 * each.double().mean().item() for name, each in of_each.items()}
        assert dict(result.per_class_accuracy or {}) == pytest.approx(found)


@pytest.mark.parametrize("fails_at", [None, 1, 4])
def test_afterwards_all_is_bit_for_bit_as_before_even_if_it_failed(
    grown: Grown, state: Callable[[nn.Module], Any], fails_at: int | None
) -> None:
    cross_entropy(grown(grown.images), grown.labels).backward()  # type: ignore[no-untyped-call]
    grown.head.eval()
    before, python, calls = state(grown), random.getstate(), count(1)

    def evaluate() -> Iterator[tuple[Tensor, Tensor]]:
        assert not any(module.training for module in grown.modules())
        assert not torch.is_grad_enabled()
        random.random()
        if next(calls) == fails_at:
            raise KeyboardInterrupt
        yield from grown.evaluate()

    if fails_at is None:
        measured(grown, evaluate)
    else:
        with pytest.raises(KeyboardInterrupt):
            measured(grown, evaluate)
    assert state(grown) == before
    assert random.getstate() == python


def test_shares_come_back_where_they_cannot_be_set(grown: Grown) -> None:
    shares = grown.alphas()

    def set_alphas(alphas: dict[str, float]) -> None:
        grown.set_alphas(alphas)
        if alphas["mid"] == 0.0:
            raise RuntimeError("stuck")

    with pytest.raises(RuntimeError, match="stuck"):
        counterfactual_measured(shares, set_alphas, grown.evaluate, model=grown)
    assert grown.alphas() == shares


def test_shares_that_are_no_part_of_the_network_come_back_as_well() -> None:
    shares, labels, calls = {"early": 1.0, "late": 0.1 + 0.2}, torch.tensor([0, 1]), count()
    before = dict(shares)

    def evaluate() -> Iterator[tuple[Tensor, Tensor]]:
        if next(calls) == 7:
            raise RuntimeError("broken")
        yield torch.eye(2) * sum(shares.values()), labels

    assert counterfactual_measured(dict(shares), shares.update, evaluate) is not None
    assert shares == before
    with pytest.raises(RuntimeError, match="broken"):
        counterfactual_measured(dict(shares), shares.update, evaluate)
    assert shares == before


@pytest.mark.parametrize(("seconds", "n"), [(0.0, 1), (2.5, 3), (3.0, 3), (100.0, 8)])
def test_what_a_budget_cut_off_is_missing(grown: Grown, seconds: float, n: int) -> None:
    """The clock goes on by a second at each look; the first configuration is always measured."""
    ticks = count()
    told = measured(grown, seconds=seconds, clock=lambda: float(next(ticks)))
    assert (len(told.results), told.planned) == (n, 8)
    assert all(told.results[-1].config)
    assert [len(row) for row in told.disagreements or []] == [*range(n)]


def test_a_strategy_may_be_had_by_name(grown: Grown) -> None:
    told = measured(grown, strategy="ablation")
    off = [[False, True, True], [True, False, True], [True, True, False]]
    assert [result.config for result in told.results] == [[False] * 3, *off, [True] * 3]
    drawn = measured(grown, strategy="permutations", seed=4)
    assert (drawn.strategy, len(drawn.orders), drawn.planned) == ("permutations", 20, 8)
    assert measured(grown, strategy="kernel").planned == 8


def test_of_no_seed_there_is_nothing_to_measure(grown: Grown) -> None:
    assert counterfactual_measured({}, grown.set_alphas, grown.evaluate) is None


def changing(grown: Grown, how: str) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    calls = count()

    def evaluate() -> Iterator[tuple[Tensor, Tensor]]:
        call = next(calls)
        if how == "order":
            order = torch.arange(N_VAL).roll(call)
            yield grown(grown.images[order]), grown.labels[order]
        elif how == "number":
            yield grown(grown.images[call:]), grown.labels[call:]

    return evaluate


@pytest.mark.parametrize(
    ("how", "complaint"), [("order", "do not shuffle"), ("number", "number changed"), ("none", "sent no samples")]
)
def test_samples_that_are_not_the_same_each_time_are_refused(grown: Grown, how: str, complaint: str) -> None:
    shares = grown.alphas()
    with pytest.raises(ValueError, match=complaint):
        measured(grown, changing(grown, how))
    assert grown.alphas() == shares


def test_of_very_many_results_it_is_not_told_how_far_each_two_agree() -> None:
    images, labels, on = torch.eye(2), torch.tensor([0, 1]), dict[str, float]()
    alphas = {f"s{place}": 1.0 for place in range(9)}
    told = counterfactual_measured(
        alphas, on.update, lambda: [(images * (sum(on.values()) - 4), labels)], strategy="factorial"
    )
    assert told is not None
    assert (len(told.results), told.disagreements) == (512, None)
    assert told.results[-1].val_accuracy == 100.0


@pytest.mark.parametrize("profile", ["standard", "research"])
def test_a_watch_tells_classes_apart_where_it_does_so_anyway(grown: Grown, profile: str) -> None:
    with Telemetry("run", config=load(profile)) as telemetry:
        watch = Watch(telemetry, grown, classes=["a", "b", "c", "d"])
        for _ in range(2):
            told = watch.counterfactual(grown.alphas(), grown.set_alphas, grown.evaluate)
            assert told is not None
            assert all((result.per_class_accuracy is None) == (profile == "standard") for result in told.results)
        telemetry.fidelity = "dense"
        told = watch.counterfactual(grown.alphas(), grown.set_alphas, grown.evaluate, strategy="ablation")
        assert told is not None
        assert [*(told.results[0].per_class_accuracy or {})] == ["a", "b", "c", "d"]


def test_a_watch_draws_others_in_each_epoch_and_counts_what_fails(grown: Grown) -> None:
    with Telemetry("run") as telemetry:
        watch = Watch(telemetry, grown)
        how: Any = {"strategy": "permutations"}
        first = watch.counterfactual(grown.alphas(), grown.set_alphas, grown.evaluate, **how)
        watch.epoch(grown.images, grown.labels)
        second = watch.counterfactual(grown.alphas(), grown.set_alphas, grown.evaluate, **how)
        assert first is not None
        assert second is not None
        assert first.orders != second.orders
        assert watch.counterfactual(grown.alphas(), grown.set_alphas, grown.evaluate, strategy="all") is None
        assert telemetry.state().faults == {"probe counterfactual_measured": 1}


def test_all_pairs_are_counted_in_both_directions_alike(grown: Grown) -> None:
    """d(a, b) <= d(a, c) + d(c, b): they are distances."""
    rows = measured(grown).disagreements or []
    apart = {(a, b): rows[max(a, b)][min(a, b)] for a, b in product(range(8), repeat=2) if a != b}
    for a, b, c in combinations(range(8), 3):
        assert apart[a, b] <= apart[a, c] + apart[c, b]
