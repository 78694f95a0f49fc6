"""What is each seed worth to the network as it was trained? An answer to every measurement of its configurations.

>>> from nissa.events.kinds import CounterfactualResult
>>> rows = {(False, False): 60.0, (True, False): 70.0, (False, True): 64.0, (True, True): 80.0}
>>> results = [CounterfactualResult(config=[*on], alpha_settings={}, val_accuracy=x) for on, x in rows.items()]
>>> told = attributed(CounterfactualMeasured(slots=["early", "late"], results=results), {})
>>> [(seed.slot, seed.shapley, seed.marginal, seed.ablation) for seed in told.seeds]
[('early', 13.0, 13.0, 16.0), ('late', 7.0, 7.0, 10.0)]
>>> [(pair.first, pair.second, pair.interaction) for pair in told.interactions]
[('early', 'late', 6.0)]
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import (
    CounterfactualMeasured,
    EpisodeStarted,
    EpochCompleted,
    SeedAttribution,
    SeedCulled,
    SeedGerminated,
    SeedInteraction,
    SeedsAttributed,
    SlotSnapshot,
)
from nissa.events.vocabulary import EMPTY_STAGES
from nissa.operators.attribution.estimate import Estimate, judged
from nissa.operators.attribution.exact import interaction, marginal, shapley
from nissa.operators.attribution.kernel import by_pairs
from nissa.operators.attribution.matrix import Matrix, matrix_of
from nissa.operators.attribution.permutations import Draw, by_orders, draws_of
from nissa.operators.fold import Fold, Keyed, merge_disjoint

__all__ = ["Occupant", "attribute_seeds", "attributed"]

MAX_SLOTS = 1000
"""Slots of a network whose seeds are remembered; of more, the one heard of first is forgotten."""
_MOST = 16
"""Slots up to which all configurations are counted, where it is not told how many were asked for."""


class Occupant(NamedTuple):
    """Who is in a slot; None where that is not told."""

    seed: str | None
    blueprint: str | None


Occupants = dict[str, Occupant]


def attribute_seeds() -> Fold[Keyed[Occupants]]:
    """What each seed is worth, for each measurement of configurations. What these do not tell is None, never made up.

    From all configurations Shapley values are exact; otherwise they are estimated as the strategy says, if it was
    measured far enough. An interval is over validation sets like this one, and over draws of configurations.
    """
    kinds = (EpisodeStarted, EpochCompleted, SeedGerminated, SeedCulled, CounterfactualMeasured)
    return Fold("attribution", kinds, lambda: Keyed(dict), _step, merge_disjoint)


def _step(state: Keyed[Occupants], event: Event[Any]) -> Iterator[SeedsAttributed]:
    occupants = state[event.scope[:4]]
    match event.payload:
        case EpisodeStarted():
            occupants.clear()
        case SeedGerminated() as seed:
            _settle(occupants, seed.slot, Occupant(seed.seed, seed.blueprint))
        case SeedCulled() as seed:
            occupants.pop(seed.slot, None)
        case EpochCompleted() as epoch:
            for slot in epoch.slots:
                _see(occupants, slot)
        case CounterfactualMeasured(slots=[_, *_]) as told:
            yield attributed(told, occupants)


def attributed(told: CounterfactualMeasured, occupants: Mapping[str, Occupant]) -> SeedsAttributed:
    """What a measurement tells of the seeds in its slots."""
    matrix = matrix_of(told)
    draws, all_off = draws_of(matrix, told.orders), {0: -1.0, matrix.full: 1.0}
    return SeedsAttributed(
        strategy=told.strategy,
        n_val=told.n_val,
        evaluations=matrix.evaluations,
        duplicates=matrix.evaluations - len(matrix.values),
        unmeasured=_unmeasured(told, matrix),
        permutations=2 * len(draws) if told.orders and not matrix.is_complete else None,
        ablation_delta=matrix.value(all_off) if matrix.has(*all_off) else None,
        seeds=[*_seeds(told.slots, matrix, _estimates(told, matrix, draws), occupants)],
        interactions=[*_interactions(told.slots, matrix)],
    )


def _estimates(told: CounterfactualMeasured, matrix: Matrix, draws: Sequence[Draw]) -> list[Estimate] | None:
    """The Shapley values, from all that was measured or from what was drawn; None where neither tells them."""
    if matrix.is_complete:
        return [Estimate(shapley(matrix.slots, seed)) for seed in range(matrix.slots)]
    if draws:
        return by_orders(matrix, draws)
    return by_pairs(matrix) if told.strategy == "kernel" else None


def _seeds(
    slots: Sequence[str], matrix: Matrix, estimates: Sequence[Estimate] | None, occupants: Mapping[str, Occupant]
) -> Iterator[SeedAttribution]:
    for place, slot in enumerate(slots):
        found = judged(matrix, estimates[place]) if estimates else None
        of = occupants.get(slot, Occupant(None, None))
        yield SeedAttribution(
            slot=slot,
            seed=of.seed,
            blueprint=of.blueprint,
            shapley=found and found.value,
            shapley_se=found and found.se,
            shapley_low=found and found.low,
            shapley_high=found and found.high,
            loss_shapley=matrix.lowered(estimates[place].contrast) if estimates else None,
            marginal=matrix.value(marginal(matrix.slots, place)) if matrix.is_complete else None,
            ablation=matrix.ablation(place),
            exact=matrix.is_complete,
        )


def _interactions(slots: Sequence[str], matrix: Matrix) -> Iterator[SeedInteraction]:
    for first, second in combinations(range(matrix.slots), 2) if matrix.is_complete else ():
        found = judged(matrix, Estimate(interaction(matrix.slots, first, second)))
        yield SeedInteraction(
            first=slots[first], second=slots[second], interaction=found.value, low=found.low, high=found.high
        )


def _unmeasured(told: CounterfactualMeasured, matrix: Matrix) -> int | None:
    if told.planned is not None:
        return max(0, told.planned - len(matrix.values))
    return (1 << matrix.slots) - len(matrix.values) if matrix.slots <= _MOST else None


def _see(occupants: Occupants, slot: SlotSnapshot) -> None:
    """A slot after an epoch; what it does not say of its seed stays as it was told."""
    if slot.stage in EMPTY_STAGES:
        occupants.pop(slot.slot, None)
        return
    known = occupants.get(slot.slot, Occupant(None, None))
    other = slot.seed is not None and slot.seed != known.seed
    blueprint = slot.blueprint or (None if other else known.blueprint)
    _settle(occupants, slot.slot, Occupant(slot.seed or known.seed, blueprint))


def _settle(occupants: Occupants, slot: str, occupant: Occupant) -> None:
    occupants[slot] = occupant
    if len(occupants) > MAX_SLOTS:
        del occupants[next(iter(occupants))]
