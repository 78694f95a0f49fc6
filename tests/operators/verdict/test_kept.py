"""What is kept of a network that nobody measured without its passing seeds: known, measured elsewhere, or unknown."""

from dataclasses import replace
from typing import Any

import pytest

from nissa.events.kinds import (
    CounterfactualMeasured,
    CounterfactualResult,
    EpisodeCompared,
    EpisodeEnded,
    EpochCompleted,
    Payload,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SlotSnapshot,
    VerdictReached,
)
from nissa.operators.verdict.verdict import verdicts
from tests.operators.test_contract import derived
from tests.samples import episode_started, epoch_completed, event, run_started


def born(slot: str) -> SeedGerminated:
    return SeedGerminated(slot=slot, seed=slot, blueprint="norm", params=250)


def kept(slot: str) -> SeedFossilized:
    return SeedFossilized(slot=slot, seed=slot, params_added=250, epochs_total=1)


def gone(slot: str, initiator: str = "policy") -> SeedCulled:
    return SeedCulled(slot=slot, seed=slot, reason="", initiator=initiator, epochs_total=1)


SHARES = {"BLENDING": 0.5, "HOLDING": 1.0, "FOSSILIZED": 1.0, "TRAINING": 0.0}


def validated(**stages: str) -> EpochCompleted:
    """An epoch at 90%; by default no slot is told. Of a stage in small letters the share is not told."""
    rows = [
        SlotSnapshot(slot=slot, stage=stage.upper(), epochs_in_stage=1, alpha=SHARES.get(stage))
        for slot, stage in stages.items()
    ]
    held = 250 * sum(stage not in ("DORMANT", "EMBARGOED") for stage in stages.values())
    return replace(epoch_completed(90.0, held), slots=rows)


def factorial(*slots: str) -> CounterfactualMeasured:
    """Each configuration has an accuracy of its own: 10 x what stands for which seeds are on, as a binary number."""
    configs = [[bool(n >> place & 1) for place in range(len(slots))] for n in range(2 ** len(slots))]
    rows = [
        CounterfactualResult(config=config, alpha_settings={}, val_accuracy=10.0 * n)
        for n, config in enumerate(configs)
    ]
    return CounterfactualMeasured(slots=list(slots), results=rows)


def end(germinated: int, fossilized: int = 0, **more: Any) -> EpisodeEnded:
    told: dict[str, Any] = {"growth_ratio": None, **more}
    return EpisodeEnded(
        outcome="completed",
        final_accuracy=90.0,
        total_reward=0.0,
        epochs=2,
        germinated=germinated,
        fossilized=fossilized,
        culled=0,
        **told,
    )


def compared(*told: Payload | int) -> EpisodeCompared:
    """An episode of these events; a number is the epoch of those behind it."""
    epoch, story = 1, [event(episode_started(), env=0, episode=0)]
    for payload in told:
        if isinstance(payload, int):
            epoch = payload
        else:
            story.append(event(payload, env=0, episode=0, epoch=epoch))
    return [row for row in derived(verdicts(), story) if isinstance(row, EpisodeCompared)][-1]


def test_what_was_told_holds() -> None:
    row = compared(validated(early="FOSSILIZED"), end(1, 1, kept_accuracy=61.0, growth_ratio=1.5))
    assert (row.kept_accuracy, row.kept_growth_ratio) == (61.0, 1.5)


def test_what_an_end_does_not_tell_is_not_known_and_in_no_mean() -> None:
    bare = EpisodeEnded(outcome="completed")
    fossil = SeedFossilized(slot="early", seed="early")
    row = compared(born("early"), born("late"), validated(early="HOLDING", late="HOLDING"), fossil, bare)
    assert (row.epochs, row.final_accuracy, row.kept_accuracy, row.peak_accuracy) == (None, None, None, 90.0)
    assert (row.kept_growth_ratio, row.final_growth_ratio) == (None, 1.5)
    assert compared(born("early"), validated(early="HOLDING"), fossil, bare).kept_growth_ratio == 1.25, "all is kept"
    *_, verdict = derived(verdicts(), [event(bare, env=0, episode=0), event(end(0), env=0, episode=1)])
    assert isinstance(verdict, VerdictReached)
    assert (verdict.episodes, verdict.final_accuracy_mean, verdict.shown) == (2, None, "not shown")


@pytest.mark.parametrize(
    "told",
    [
        [validated(), end(0)],
        [validated(early="DORMANT", late="EMBARGOED"), end(3)],
        [born("early"), validated(early="HOLDING"), 2, kept("early"), validated(early="FOSSILIZED"), end(1, 1)],
        [born("early"), validated(early="HOLDING"), kept("early"), end(1, 1)],
        [born("early"), epoch_completed(90.0, 250), kept("early"), end(1, 1)],
        [born("early"), validated(), gone("early"), 2, validated(), end(1)],
        [born("early"), validated(early="TRAINING"), gone("early"), 2, validated(early="DORMANT"), end(1)],
    ],
)
def test_where_nothing_has_to_go_what_is_kept_is_what_was_trained(told: list[Any]) -> None:
    row = compared(*told)
    assert row.kept_accuracy == row.final_accuracy == 90.0
    assert row.kept_growth_ratio == row.final_growth_ratio


@pytest.mark.parametrize(
    "told",
    [
        [validated(early="TRAINING"), end(1)],
        [born("early"), validated(), end(1)],
        [born("early"), validated(), gone("early", "episode_end"), end(1)],
        [born("early"), validated(early="HOLDING"), gone("early", "gate"), end(1)],
        [born("early"), gone("early", "episode_end"), end(1)],
        [born("early"), end(1)],
        [validated(), end(2)],
        [factorial("early"), 2, validated(early="TRAINING"), end(1)],
    ],
)
def test_where_something_had_to_go_or_may_have_what_is_kept_is_not_known(told: list[Any]) -> None:
    """No slot and no seed told does not mean that there was none, and an earlier factorial is of another network."""
    assert compared(*told).kept_accuracy is None


def test_the_last_factorial_of_the_last_epoch_may_have_measured_it() -> None:
    row = compared(
        born("early"),
        born("mid"),
        factorial("early", "mid"),
        validated(early="HOLDING", mid="HOLDING"),
        2,
        kept("early"),
        validated(early="FOSSILIZED", mid="BLENDING", late="TRAINING"),
        factorial("early", "mid"),
        gone("mid", "episode_end"),
        end(3, 1),
    )
    assert (row.kept_accuracy, row.kept_growth_ratio) == (10.0, 1.25)
    assert (row.final_accuracy, row.final_growth_ratio) == (90.0, 1.75)


@pytest.mark.parametrize(
    ("late", "known"), [("TRAINING", True), ("training", False), ("BLENDING", False), ("FOSSILIZED", True)]
)
def test_a_factorial_knows_what_is_kept_only_if_it_switched_all_that_goes_and_had_a_share(
    late: str, known: bool
) -> None:
    """Of late, which it did not switch: one that goes is in all that it measured, as is one that stays."""
    told = [validated(early="FOSSILIZED", mid="BLENDING", late=late), factorial("early", "mid"), end(3, 1)]
    assert compared(*told).kept_accuracy == (10.0 if known else None)


def test_an_episode_that_ends_twice_is_kept_as_it_was_the_first_time() -> None:
    told = [validated(early="FOSSILIZED", mid="BLENDING"), factorial("early", "mid"), end(2, 1), end(2, 1)]
    assert compared(*told).kept_accuracy == compared(*told[:-1]).kept_accuracy == 10.0
    assert compared(validated(early="TRAINING"), end(1), end(1)).kept_accuracy is None


def test_a_configuration_that_was_not_measured_is_not_made_up() -> None:
    partial = replace(factorial("early", "mid"), results=factorial("early", "mid").results[2:])
    stages = {"early": "FOSSILIZED", "mid": "BLENDING"}
    assert compared(validated(**stages), partial, end(2, 1)).kept_accuracy is None
    assert compared(validated(**stages), factorial("early", "mid"), end(2, 1)).kept_accuracy == 10.0


def test_growth_comes_from_what_the_seeds_told_else_from_the_last_epoch_else_it_is_unknown() -> None:
    told = replace(validated(early="FOSSILIZED"), fossilized_params=500)
    assert compared(kept("early"), told, end(1, 1)).kept_growth_ratio == 1.25
    assert compared(told, end(1, 1)).kept_growth_ratio == 1.5
    assert compared(validated(), replace(told, fossilized_params=None, slots=[]), end(2, 1)).kept_growth_ratio is None


def test_the_size_of_the_host_may_be_the_runs() -> None:
    told = replace(epoch_completed(90.0, 125), host_params=None, total_params=None, fossilized_params=125)
    story = [event(run_started()), *(event(p, env=0, episode=0, epoch=1) for p in (told, end(1, 1)))]
    (row,) = [row for row in derived(verdicts(), story) if isinstance(row, EpisodeCompared)]
    assert (row.final_growth_ratio, row.kept_growth_ratio) == (1.1, 1.1)


def test_the_size_of_all_seeds_may_follow_from_the_whole() -> None:
    told = replace(epoch_completed(90.0), total_seed_params=None, total_params=1500)
    assert compared(told, end(1)).final_growth_ratio == 1.5
