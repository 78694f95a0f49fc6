"""Whose values they are: the seed and blueprint that are in a slot when its configurations are measured."""

import math
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Event
from nissa.events.kinds import (
    CounterfactualMeasured,
    CounterfactualResult,
    Payload,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SeedsAttributed,
    SlotSnapshot,
)
from nissa.operators.attribution import attribute_seeds
from nissa.operators.attribution.attribution import MAX_SLOTS
from nissa.pipeline.replay import replay
from tests.operators.attribution.games import brute_force
from tests.samples import episode_started, epoch_completed, event

MATRIX = CounterfactualMeasured(
    slots=["early"],
    results=[
        CounterfactualResult(config=[on], alpha_settings={}, val_accuracy=value)
        for on, value in ((False, 60.0), (True, 66.0))
    ],
)
BORN = SeedGerminated(slot="early", seed="s1", blueprint="norm")
GONE = SeedCulled(slot="early", seed="s1", reason="", initiator="policy", epochs_total=1)


def holds(seed: str | None, blueprint: str | None, stage: str = "HOLDING") -> Payload:
    slots = [SlotSnapshot(slot="early", stage=stage, seed=seed, blueprint=blueprint)]
    return replace(epoch_completed(66.0), slots=slots)


def folded(*payloads: Payload, **where: Any) -> list[SeedsAttributed]:
    operator, out = attribute_seeds(), list[Payload]()
    state = operator.init()
    for payload in payloads:
        if isinstance(payload, operator.kinds):
            out += operator.step(state, event(payload, **({"env": 0, "episode": 0, "epoch": 1} | where)))
    return [row for row in out if isinstance(row, SeedsAttributed)]


@pytest.mark.parametrize(
    ("told", "of"),
    [
        ([], (None, None)),
        ([BORN], ("s1", "norm")),
        ([BORN, SeedFossilized(slot="early", seed="s1", params_added=1, epochs_total=1)], ("s1", "norm")),
        ([BORN, GONE], (None, None)),
        ([BORN, episode_started()], (None, None)),
        ([holds("s2", "attention")], ("s2", "attention")),
        ([BORN, holds(None, None)], ("s1", "norm")),
        ([BORN, holds("s1", None)], ("s1", "norm")),
        ([BORN, holds("s2", None)], ("s2", None)),
        ([BORN, holds(None, None, stage="DORMANT")], (None, None)),
        ([BORN, GONE, SeedGerminated(slot="early", seed="s2", blueprint="depthwise")], ("s2", "depthwise")),
    ],
)
def test_a_value_is_of_the_seed_that_is_in_the_slot_as_far_as_that_was_told(
    told: list[Payload], of: tuple[str | None, str | None]
) -> None:
    (row,) = folded(*told, MATRIX)
    assert [(seed.seed, seed.blueprint, seed.shapley) for seed in row.seeds] == [(*of, 6.0)]


def test_each_measurement_is_answered_and_one_of_no_seed_is_not() -> None:
    assert len(folded(MATRIX, replace(MATRIX, slots=[], results=[]), MATRIX)) == 2


def test_slots_that_are_remembered_of_a_network_are_bounded() -> None:
    operator = attribute_seeds()
    state = operator.init()
    for number in range(MAX_SLOTS + 5):
        assert not [*operator.step(state, event(replace(BORN, slot=f"slot{number}")))]
    (occupants,) = state.items.values()
    assert len(occupants) == MAX_SLOTS
    assert "slot4" not in occupants


def test_strategy_samples_and_counts_are_told_on() -> None:
    (row,) = folded(replace(MATRIX, strategy="factorial", planned=2, n_val=360))
    assert (row.strategy, row.n_val, row.evaluations, row.duplicates, row.unmeasured) == ("factorial", 360, 2, 0, 0)
    (row,) = folded(replace(MATRIX, planned=9))
    assert row.unmeasured == 7
    many = replace(MATRIX, slots=[f"s{place}" for place in range(40)])
    assert [row.unmeasured for row in folded(many)] == [None]


@cache
def recorded(demo: Path) -> list[Event[Any]]:
    """The events of a demo that the operator listens to, and what follows from them."""
    found: list[Event[Any]] = []
    replay(demo, [found.append])
    return [event for event in found if isinstance(event.payload, (*attribute_seeds().kinds, SeedsAttributed))]


def bits(config: list[bool]) -> int:
    return sum(on << place for place, on in enumerate(config))


def asked(events: list[Event[Any]]) -> list[SeedsAttributed]:
    """What the operator says to the events that were told."""
    operator, out = attribute_seeds(), list[Payload]()
    state = operator.init()
    for one in events:
        if not one.ordinal:
            out += operator.step(state, one)
    return [row for row in out if isinstance(row, SeedsAttributed)]


def test_in_a_demo_each_measurement_gives_exact_values_of_seeds_with_names_and_intervals(demo: Path) -> None:
    measured = [event.payload for event in recorded(demo) if isinstance(event.payload, CounterfactualMeasured)]
    found = [event.payload for event in recorded(demo) if isinstance(event.payload, SeedsAttributed)]
    assert found == asked(recorded(demo))
    for told, row in zip(measured, found, strict=True):
        n = len(told.slots)
        values = {bits(each.config): each.val_accuracy or math.nan for each in told.results}
        assert [seed.shapley for seed in row.seeds] == pytest.approx(brute_force(n, values), abs=1e-9)
        assert math.fsum(seed.shapley or 0.0 for seed in row.seeds) == pytest.approx(row.ablation_delta, abs=1e-9)
        assert (row.evaluations, row.unmeasured, len(row.interactions)) == (2**n, 0, math.comb(n, 2))
        for seed in row.seeds:
            assert seed.exact
            assert seed.seed is not None
            assert seed.blueprint is not None
            assert (seed.shapley_low or 0.0) < (seed.shapley or 0.0) < (seed.shapley_high or 0.0)


def test_of_a_demo_that_lost_configurations_nothing_is_made_up(demo: Path) -> None:
    """Each loses any number of them, at random; what depends on one is missing, and the rest is as it was."""
    draw, thinned, gone = random.Random(7), list[Event[Any]](), list[set[tuple[bool, ...]]]()
    for one in recorded(demo):
        told = one.payload
        if isinstance(told, CounterfactualMeasured):
            kept = [result for result in told.results if draw.random() < 0.8]
            gone.append({tuple(r.config) for r in told.results} - {tuple(r.config) for r in kept})
            told = replace(told, results=kept)
        thinned.append(replace(one, payload=told))
    whole, left = asked(recorded(demo)), asked(thinned)
    assert len(gone) == len(whole) == len(left) > 20
    for lost, before, after in zip(gone, whole, left, strict=True):
        if not lost:
            assert after == before
            continue
        n = len(before.seeds)
        assert (after.unmeasured, after.interactions) == (len(lost), [])
        for place, (was, now) in enumerate(zip(before.seeds, after.seeds, strict=True)):
            known = not {(True,) * n, tuple(i != place for i in range(n))} & lost
            nothing: Any = dict.fromkeys(
                ("shapley", "shapley_se", "shapley_low", "shapley_high", "loss_shapley", "marginal")
            )
            assert now == replace(was, **nothing, exact=False, ablation=was.ablation if known else None)
