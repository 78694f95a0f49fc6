"""How near do drawn configurations come to the Shapley values of all, by evaluations? And what does it cost?"""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import fsum, sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import CounterfactualMeasured
from nissa.operators.attribution.attribution import attributed
from nissa.operators.attribution.exact import shapley
from nissa.operators.attribution.kernel import by_pairs
from nissa.operators.attribution.matrix import Matrix, matrix_of
from nissa.operators.attribution.permutations import by_orders, steps
from nissa.pipeline.probes.counterfactual import configurations, counterfactual_measured
from nissa.pipeline.probes.counterfactual.configurations import planned
from nissa.trainer.data import batches, load_digits
from tests.benchmarks.measuring import Figure, report

__all__ = ["run"]

_GAMES = 100
"""Draws of configurations that an error is over."""
_NETWORKS = ((8, 0.0), (8, 0.3), (12, 0.0), (12, 0.3))
"""Seeds, and how often each was switched off while it was trained: without that, they rely on each other."""
Estimator = Callable[[Matrix, int], tuple[list[float], int]]
"""From all configurations and the number of a draw to the values, and how many configurations they took."""


class Network(nn.Module):
    """A small residual network on the digits, each block of which is a seed that can be switched off."""

    def __init__(self, n: int, dropped: float) -> None:
        super().__init__()
        torch.manual_seed(n)
        self.shares, self.dropped = dict.fromkeys(map(str, range(n)), 1.0), dropped
        self.stem, self.head = nn.Sequential(nn.Flatten(), nn.Linear(64, 16)), nn.Linear(16, 10)
        self.seeds = nn.ModuleList(nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 16)) for _ in range(n))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, with the seeds that have a share."""
        hidden = self.stem(images)
        for share, seed in zip(self.shares.values(), self.seeds, strict=True):
            hidden = hidden + seed(torch.relu(hidden)) if share else hidden
        logits: Tensor = self.head(hidden)
        return logits

    def trained(self) -> "Network":
        """After twelve epochs."""
        optimizer, order = torch.optim.Adam(self.parameters(), 3e-3), torch.Generator().manual_seed(1)
        names, draw = [*self.shares], random.Random(1)
        for _ in range(12):
            for images, labels in batches(load_digits(), order):
                self.shares = {name: float(draw.random() >= self.dropped) for name in names}
                optimizer.zero_grad()
                cross_entropy(self(images), labels).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        self.shares = dict.fromkeys(names, 1.0)
        return self

    def evaluate(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The validation set."""
        yield self(load_digits().val_images), load_digits().val_labels

    def measured(self) -> CounterfactualMeasured:
        """All configurations."""
        told = counterfactual_measured(dict(self.shares), self.shares.update, self.evaluate, strategy="factorial")
        assert told is not None
        return told


def run() -> None:
    """A line for each way and budget, with the error for each network; then what it costs."""
    torch.set_num_threads(1)
    budgets = configurations._DRAWS, configurations._PAIRS
    matrices = [matrix_of(Network(*network).trained().measured()) for network in _NETWORKS]
    print("\nError of Shapley values by way of drawing: root mean square over draws, by the size of the values.")
    print("  " + "".join(f"{f'{n} seeds, {dropped:.0%} dropped':>26}" for n, dropped in _NETWORKS))
    ways: list[tuple[str, Estimator]] = [
        (f"{orders} orders, each alone", partial(_alone, orders)) for orders in (20, 40)
    ]
    ways += [(f"{orders} orders in pairs", partial(_in_pairs, orders)) for orders in (6, 10, 20, 40)]
    ways += [(f"{pairs} opposites a seed", partial(_opposites, pairs)) for pairs in (3, 4, 5, 8)]
    for name, estimator in ways:
        print(f"  {name:28}" + "".join(map(partial(_error, estimator), matrices)), flush=True)
    configurations._DRAWS, configurations._PAIRS = budgets
    _costs()


def _error(estimator: Estimator, matrix: Matrix) -> str:
    exact = [matrix.value(shapley(matrix.slots, seed)) for seed in range(matrix.slots)]
    squares, taken = [], []
    for draw in range(_GAMES):
        values, evaluations = estimator(matrix, draw)
        squares.append(fsum((a - b) ** 2 for a, b in zip(values, exact, strict=True)))
        taken.append(evaluations)
    error = sqrt(statistics.fmean(squares)) / sqrt(fsum(value**2 for value in exact))
    return f"{f'{error:.1%} by {statistics.fmean(taken):.0f}':>26}"


def _alone(orders: int, matrix: Matrix, draw: int) -> tuple[list[float], int]:
    """A plain mean over orders of which none is walked backwards."""
    drawn = [random.Random(f"{draw} {order}").sample(range(matrix.slots), matrix.slots) for order in range(orders)]
    return _mean(matrix, drawn)


def _mean(matrix: Matrix, orders: Sequence[Sequence[int]]) -> tuple[list[float], int]:
    estimates = by_orders(matrix, [(order, order) for order in orders])
    return [matrix.value(estimate.contrast) for estimate in estimates], len({c for o in orders for c in steps(o)})


def _in_pairs(orders: int, matrix: Matrix, draw: int) -> tuple[list[float], int]:
    configurations._DRAWS = orders // 2
    plan = planned(matrix.slots, "permutations", draw)
    return _mean(matrix, plan.orders)


def _opposites(pairs: int, matrix: Matrix, draw: int) -> tuple[list[float], int]:
    configurations._PAIRS = pairs
    configs = [sum(on << place for place, on in enumerate(c)) for c in planned(matrix.slots, "kernel", draw).configs]
    part = matrix._replace(values={config: matrix.values[config] for config in configs})
    estimates = by_pairs(part) or []
    return [matrix.value(estimate.contrast) for estimate in estimates], len(configs)


def _costs() -> None:
    """Of one measurement, and of what follows from it."""
    figures = []
    for n, strategy in ((3, "factorial"), (6, "factorial"), (8, "permutations"), (8, "kernel")):
        network = Network(n, 0.0)
        measure = partial(
            counterfactual_measured, dict(network.shares), network.shares.update, network.evaluate, strategy=strategy
        )
        told = measure()
        assert told is not None
        looks = partial(_looks, network, len(told.results))
        figures += [
            Figure(f"{n} seeds, {strategy}: {len(told.results)} configurations", _times(measure), "ms"),
            Figure("  forwards alone", _times(looks), "ms"),
            Figure("  operator", _times(partial(attributed, told, {})), "ms"),
        ]
    report("What a measurement of configurations costs", figures)


def _looks(network: Network, times: int) -> None:
    with torch.no_grad():
        for _ in range(times):
            network(load_digits().val_images)


def _times(what: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(21):
        start = time.perf_counter()
        what()
        found.append(1e3 * (time.perf_counter() - start))
    return found
