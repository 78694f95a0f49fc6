"""What does a network do with some of its seeds switched off? Measured on the network as it is, and then undone.

>>> alphas, shares = {"early": 1.0, "late": 0.5}, {}
>>> images, labels = torch.eye(2), torch.tensor([0, 1])
>>> def evaluate():
...     yield images * shares["early"] + images.flip(0) * shares["late"], labels
>>> told = counterfactual_measured(alphas, shares.update, evaluate)
>>> [(result.config, result.val_accuracy) for result in told.results]
[([False, False], 50.0), ([False, True], 0.0), ([True, False], 100.0), ([True, True], 100.0)]
>>> shares
{'early': 1.0, 'late': 0.5}
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import CounterfactualMeasured, CounterfactualResult
from nissa.pipeline.probes.counterfactual.configurations import Config, planned
from nissa.pipeline.probes.counterfactual.looks import Evaluate, Figures, Look, Loss, looked, read
from nissa.pipeline.probes.model import untouched

__all__ = ["SetAlphas", "counterfactual_measured"]

Alphas = Mapping[str, float]
SetAlphas = Callable[[dict[str, float]], object]
"""Gives the seed in each slot its share of the output."""


def counterfactual_measured(
    alphas: Alphas,
    set_alphas: SetAlphas,
    evaluate: Evaluate,
    *,
    model: nn.Module | None = None,
    strategy: str | None = None,
    seconds: float | None = None,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    loss: Loss = cross_entropy,
    clock: Callable[[], float] = perf_counter,
) -> CounterfactualMeasured | None:
    """The configurations of the seeds that take part: `alphas` has the share of each now, by slot.

    None without such a seed. `strategy` and `seed` are as in `planned`. After `seconds` no other configuration is
    begun, and what was not measured is missing. `classes` asks for the accuracy of each class, by its name, or by its
    number where it has none. `model` is in eval mode meanwhile. Whatever happens, it, the shares and the global
    generators are afterwards what they were, bit for bit. Raises ValueError for an unknown strategy, and where
    `evaluate` does not send the same samples each time.
    """
    if not alphas:
        return None
    plan, looks = planned(len(alphas), strategy, seed), dict[Config, Look]()
    ends = None if seconds is None else clock() + seconds
    with untouched(model or nn.Module()), torch.no_grad():
        try:
            for config in plan.configs:
                set_alphas(_switched(alphas, config))
                looks[config] = looked(evaluate, loss)
                if ends is not None and _now(clock, looks[config].right) >= ends:
                    break
        finally:
            set_alphas(dict(alphas))
        # Those that were measured, as one counts them: the first seed changes last.
        looks = {config: looks[config] for config in sorted(looks)}
        figures = read([*looks.values()])
    return CounterfactualMeasured(
        strategy=plan.strategy,
        planned=len(plan.configs),
        slots=[*alphas],
        orders=plan.orders,
        n_val=figures.n,
        results=[_result(figures, row, _switched(alphas, on), on, classes) for row, on in enumerate(looks)],
        disagreements=figures.apart,
    )


def _switched(alphas: Alphas, config: Config) -> dict[str, float]:
    return {slot: alpha if on else 0.0 for (slot, alpha), on in zip(alphas.items(), config, strict=True)}


def _now(clock: Callable[[], float], last: Tensor) -> float:
    """A clock says what was spent only once the device is done."""
    if last.is_cuda:
        torch.cuda.synchronize(last.device)
    return clock()


def _result(
    figures: Figures, row: int, shares: dict[str, float], config: Config, classes: Sequence[str] | None
) -> CounterfactualResult:
    return CounterfactualResult(
        config=[*config],
        alpha_settings=shares,
        val_loss=figures.losses[row] / figures.n,
        val_accuracy=100 * figures.right[row] / figures.n,
        per_class_accuracy=None if classes is None else _by_class(figures, row, classes),
    )


def _by_class(figures: Figures, row: int, classes: Sequence[str]) -> dict[str, float]:
    """In percent, of each class that has samples."""
    named = [*classes, *map(str, range(len(classes), len(figures.members)))]
    of_each = zip(named, figures.hits[row], figures.members, strict=False)
    return {name: 100 * right / n for name, right, n in of_each if n}
