"""What came of a study, whichever way it fell: means over the means of each seed, with intervals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from nissa.operators.statistics import Interval, t_interval
from nissa.trainer.network import BLUEPRINTS, Channels
from nissa.trainer.study.equivalent import Seed, equivalent_traditional_params
from nissa.trainer.study.hosts import WIDTHS, twins_among
from nissa.trainer.study.outcome import Figures, Outcome
from nissa.trainer.study.repetition import Repetition
from nissa.trainer.study.settings import CONTRASTS, HOST, StudySettings

__all__ = ["Attribution", "Contrast", "Group", "HostSize", "StudyReport", "reported"]


class Attribution(NamedTuple):
    """What the seeds of a blueprint are worth to the network as it was trained, in percentage points."""

    shapley: Interval
    """Over the repetitions in which some network has such a seed."""
    networks: int
    """Seeds of this blueprint, over all judged networks."""


class Group(NamedTuple):
    """By network, as in `Outcome`, its figures and the parameters of a host alone that is as accurate."""

    figures: dict[str, dict[str, Interval]]
    equivalent_traditional_params: dict[str, Interval]
    attribution: dict[str, Attribution]


class HostSize(NamedTuple):
    """Hosts of one width, trained alone: accuracy in percent, and minus that of the usual host, percentage points."""

    params: int
    growth_ratio: float
    held_out: Interval
    held_out_delta: Interval
    validation: Interval


class Contrast(NamedTuple):
    """One group minus another, seed by seed, of the networks that are kept on held out images: percentage points."""

    first: str
    second: str
    accuracy: Interval
    equal_delta: Interval


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    """All tables of a study. Intervals are 95% ones of Student's t over seeds, but for those that say otherwise."""

    settings: StudySettings
    groups: dict[str, Group]
    contrasts: list[Contrast]
    hosts: list[HostSize]


def reported(settings: StudySettings, seeds: Sequence[Repetition]) -> StudyReport:
    """The tables of all repetitions."""
    groups = [*settings.groups(), HOST]
    return StudyReport(
        settings=settings,
        groups={group: _group(group, seeds) for group in groups},
        contrasts=[_contrast(pair, seeds) for pair in CONTRASTS if {*pair} <= {*groups}],
        hosts=[_host_size(width, seeds) for width in WIDTHS],
    )


def _group(group: str, seeds: Sequence[Repetition]) -> Group:
    outcomes = [seed.outcomes[group] for seed in seeds]
    figures = {
        view: {name: _interval(getattr(getattr(one, view), name) for one in outcomes) for name in Figures._fields}
        for view in Outcome._fields
    }
    equivalent = {view: _equivalent(view, outcomes, seeds) for view in Outcome._fields}
    return Group(figures, equivalent, _attributions([seed.shapley.get(group, {}) for seed in seeds]))


def _equivalent(view: str, outcomes: Sequence[Outcome], seeds: Sequence[Repetition]) -> Interval:
    split = "held_out" if view == "held_out" else "validation"
    return equivalent_traditional_params(
        [
            Seed(getattr(outcome, view).accuracy, [(host.params, getattr(host, split)) for host in seed.hosts])
            for outcome, seed in zip(outcomes, seeds, strict=True)
        ]
    )


def _attributions(seeds: Sequence[dict[str, list[float]]]) -> dict[str, Attribution]:
    found = {name: [seed[name] for seed in seeds if name in seed] for name in BLUEPRINTS}
    return {
        name: Attribution(t_interval(map(fmean, values)), sum(map(len, values)))
        for name, values in found.items()
        if values
    }


def _contrast(pair: tuple[str, str], seeds: Sequence[Repetition]) -> Contrast:
    both = [[seed.outcomes[group].held_out for group in pair] for seed in seeds]
    accuracy = _interval(_minus(first.accuracy, second.accuracy) for first, second in both)
    equal = _interval(_minus(first.equal_delta, second.equal_delta) for first, second in both)
    return Contrast(*pair, accuracy, equal)


def _host_size(width: Channels, seeds: Sequence[Repetition]) -> HostSize:
    of = [[host for host in seed.hosts if host.width == width] for seed in seeds]
    usual = [list(twins_among(seed.hosts).values()) for seed in seeds]
    params, host_params = of[0][0].params, usual[0][0].params
    held_out = [fmean(host.held_out for host in hosts) for hosts in of]
    twins = [fmean(host.held_out for host in hosts) for hosts in usual]
    return HostSize(
        params,
        params / host_params,
        t_interval(held_out),
        t_interval(mine - theirs for mine, theirs in zip(held_out, twins, strict=True)),
        t_interval(fmean(host.validation for host in hosts) for hosts in of),
    )


def _minus(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _interval(values: Iterable[float | None]) -> Interval:
    """Nothing where one of the seeds tells nothing: the others would not stand for it."""
    found = list(values)
    known = [value for value in found if value is not None]
    return t_interval(known) if len(known) == len(found) else Interval()
