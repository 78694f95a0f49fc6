"""What an episode came to, as a study judges it, and the mean of several."""

from collections.abc import Iterable, Sequence
from math import nan
from statistics import fmean
from typing import NamedTuple

from nissa.operators.statistics import SizeCurve
from nissa.trainer.study.hosts import Alone, SizeCurves
from nissa.trainer.study.judge import Judged
from nissa.trainer.training import Measured

__all__ = ["Figures", "Outcome", "alone", "grown", "mean_outcome"]


class Figures(NamedTuple):
    """One network on one split, or a mean over several; None where it would have to be extrapolated.

    Accuracy in percent. `training_delta` = it minus that of the host twin, `equal_delta` = it minus `equal_accuracy`,
    that of hosts with as many parameters trained alone; percentage points. `growth_ratio` = (host + its seeds) / host;
    `efficiency_ratio` = (accuracy / parameters) / (accuracy of the twin / parameters of the host).
    """

    accuracy: float | None
    training_delta: float | None
    equal_accuracy: float | None
    equal_delta: float | None
    growth_ratio: float | None
    efficiency_ratio: float | None


class Outcome(NamedTuple):
    """Of `held_out` images the network that is kept; of those of the validation the one `kept`, and `final`, the one
    that was trained, with all its seeds."""

    held_out: Figures
    kept: Figures
    final: Figures


def grown(judged: Judged, twin: Alone, curves: SizeCurves) -> Outcome:
    """An episode against its twin, and against hosts of its size."""
    return Outcome(
        _figures(judged.held_out, judged.kept.growth_ratio, twin.held_out, twin.params, curves.held_out),
        _of(judged.kept, twin, curves),
        _of(judged.final, twin, curves),
    )


def alone(host: Alone) -> Outcome:
    """A twin against itself: the baseline."""
    held_out, validation = (Figures(of, 0.0, of, 0.0, 1.0, 1.0) for of in (host.held_out, host.validation))
    return Outcome(held_out, validation, validation)


def mean_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of each figure; None where it is None in one. Raises StatisticsError for no outcomes."""
    return Outcome(*(Figures(*map(_mean, zip(*views, strict=True))) for views in zip(*outcomes, strict=True)))


def _of(network: Measured, twin: Alone, curves: SizeCurves) -> Figures:
    return _figures(network.accuracy, network.growth_ratio, twin.validation, twin.params, curves.validation)


def _figures(accuracy: float, growth: float, baseline: float, host_params: int, curve: SizeCurve) -> Figures:
    equal = curve.accuracy_at(growth * host_params)
    return Figures(
        accuracy=accuracy,
        training_delta=accuracy - baseline,
        equal_accuracy=equal,
        equal_delta=None if equal is None else accuracy - equal,
        growth_ratio=growth,
        efficiency_ratio=accuracy / growth / baseline if baseline else nan,
    )


def _mean(values: Iterable[float | None]) -> float | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return fmean(known) if len(known) == len(found) else None
