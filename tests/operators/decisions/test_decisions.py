"""Hindsight against hand-made episodes whose outcome is known, told as a trainer tells them."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nissa.events.event import Event
from nissa.events.kinds import (
    Action,
    DecisionExplained,
    DecisionJudged,
    DecisionMade,
    EpochAssessed,
    HostBaselineEpoch,
    Payload,
    SeedAttribution,
    SeedCulled,
    SeedGerminated,
    SeedsAttributed,
    StageChanged,
)
from nissa.operators.decisions import explain_decisions
from tests.operators.watching import gate
from tests.samples import episode_ended, episode_started, epoch_completed, event

WAIT, N = Action(op="WAIT"), 400


class Story:
    """One environment: a twin, and epochs with what happens in each, in the order of the reference trainer."""

    def __init__(self, twin: list[float]) -> None:
        self.fold = explain_decisions()
        self.state, self.found = self.fold.init(), list[Any]()
        for epoch, accuracy in enumerate(twin):
            self.tell(HostBaselineEpoch(val_accuracy=accuracy), epoch, episode=None)
        self.tell(episode_started(), 0)

    def tell(self, payload: Payload, epoch: int | None, episode: int | None = 0) -> None:
        told: Event[Any] = event(payload, group="ppo", env=0, episode=episode, epoch=epoch)
        self.found += self.fold.step(self.state, told)

    def epoch(self, epoch: int, accuracy: float, action: Action = WAIT, *happened: Payload, **how: Any) -> None:
        for payload in happened:
            self.tell(payload, epoch)
        self.tell(replace(epoch_completed(accuracy), n_val=N, val_loss=100 - accuracy), epoch)
        if "ablation" in how:
            self.tell(ablated(how["ablation"]), epoch)
        self.tell(DecisionMade(action=action, executed=how.get("executed", True)), epoch)

    def end(self) -> "Story":
        self.tell(episode_ended(), None)
        return self

    def judged(self, epoch: int) -> DecisionJudged:
        (one,) = [told for told in self.found if isinstance(told, DecisionJudged) and told.decision_epoch == epoch]
        return one


def ablated(ablation: float) -> SeedsAttributed:
    """With a neighbour that is worth something else."""
    worth = {("late", "s"): ablation, ("mid", "t"): -3.0}
    seeds = [SeedAttribution(slot=slot, seed=seed, ablation=each, exact=True) for (slot, seed), each in worth.items()]
    return SeedsAttributed(evaluations=4, duplicates=0, seeds=seeds)


def standard_error(*accuracies: float) -> float:
    return math.sqrt(sum(accuracy * (100 - accuracy) / N for accuracy in accuracies))


def told(epochs: int = 12, **changed: float) -> Story:
    """50% after epoch 1, then a point more in each; the twin is at 50% for ever."""
    story = Story([50.0] * (epochs + 1))
    for epoch in range(1, epochs + 1):
        story.epoch(epoch, 49.0 + epoch + changed.get(f"at{epoch}", 0.0))
    return story


def test_what_came_after_is_told_in_accuracy_loss_and_net_gain() -> None:
    one = told().judged(2)
    assert (one.accuracy_1_epochs_later, one.accuracy_5_epochs_later, one.accuracy_10_epochs_later) == (51, 55, 60)
    assert (one.loss_1_epochs_later, one.loss_5_epochs_later, one.loss_10_epochs_later) == (49, 45, 40)
    assert (one.net_gain_1_epochs_later, one.net_gain_5_epochs_later, one.net_gain_10_epochs_later) == (1, 5, 10)
    assert one.net_gain_se == pytest.approx(standard_error(50, 55, 50, 50))
    assert (one.verdict, one.was_good_decision, one.judged_by) == ("undecided", None, "net_gain_5_epochs_later")


@pytest.mark.parametrize(("change", "verdict", "good"), [(20.0, "good", True), (-30.0, "bad", False)])
def test_a_change_beyond_chance_is_good_or_bad(change: float, verdict: str, good: bool) -> None:
    one = told(at6=change).judged(2)
    assert (one.verdict, one.was_good_decision, one.net_gain_5_epochs_later) == (verdict, good, 5 + change)


@given(st.lists(st.tuples(st.floats(10, 90), st.floats(10, 90)), min_size=12, max_size=16))
def test_a_net_gain_is_what_the_network_gained_minus_what_its_twin_did(courses: list[tuple[float, float]]) -> None:
    """Both begin as the same host, so that the first decision starts from the twin's start."""
    grown, twin = [courses[0][1], *(own for own, _ in courses[1:])], [other for _, other in courses]
    story = Story(twin)
    for epoch in range(1, len(courses)):
        story.epoch(epoch, grown[epoch])
    story.end()
    for epoch in range(1, len(courses)):
        one = story.judged(epoch)
        for later in (1, 5, 10):
            start, end = epoch - 1, epoch - 1 + later
            expected = grown[end] - grown[start] - (twin[end] - twin[start]) if end < len(courses) else None
            assert getattr(one, f"net_gain_{later}_epochs_later") == (expected and pytest.approx(expected))
        if epoch + 4 < len(courses):
            four = (grown[epoch - 1], grown[epoch + 4], twin[epoch - 1], twin[epoch + 4])
            assert one.net_gain_se == pytest.approx(standard_error(*four))


def test_it_is_judged_ten_epochs_later_and_not_before() -> None:
    story = told(epochs=10)
    assert [one.decision_epoch for one in story.found if isinstance(one, DecisionJudged)] == [1]
    story.epoch(11, 60.0)
    assert [one.decision_epoch for one in story.found if isinstance(one, DecisionJudged)] == [1, 2]


def test_what_an_episode_ended_before_is_none() -> None:
    one = told(epochs=5).end().judged(2)
    assert (one.accuracy_1_epochs_later, one.net_gain_1_epochs_later) == (51, 1)
    assert (one.accuracy_5_epochs_later, one.net_gain_5_epochs_later, one.net_gain_se) == (None, None, None)
    assert (one.verdict, one.judged_by) == ("undecided", None)


def test_an_episode_that_did_not_end_judges_nothing_more() -> None:
    story = told(epochs=5)
    story.tell(episode_started(), 0)
    for epoch in range(1, 12):
        story.epoch(epoch, 90.0)
    assert story.judged(2).accuracy_1_epochs_later == 90


def test_a_broken_accuracy_is_told_and_decides_nothing() -> None:
    one = told(at6=math.nan).judged(2)
    assert math.isnan(one.accuracy_5_epochs_later or 0.0)
    assert (one.verdict, one.judged_by) == ("undecided", None)


def test_without_a_twin_there_is_no_net_gain() -> None:
    story = Story([])
    for epoch in range(1, 12):
        story.epoch(epoch, 49.0 + epoch)
    one = story.judged(2)
    assert (one.accuracy_5_epochs_later, one.net_gain_5_epochs_later, one.judged_by) == (55, None, None)


def test_what_was_refused_is_not_judged() -> None:
    story = Story([50.0] * 12)
    for epoch in range(1, 12):
        story.epoch(epoch, 50.0 if epoch == 1 else 90.0, executed=epoch != 2)
    assert (story.judged(2).verdict, story.judged(2).net_gain_5_epochs_later) == ("undecided", 40)


def test_a_germination_is_judged_by_what_ten_epochs_show() -> None:
    story, sown = Story([50.0] * 13), SeedGerminated(slot="late", seed="s", blueprint="norm")
    for epoch in range(1, 13):
        happened = [sown] if epoch == 2 else []
        story.epoch(epoch, 80.0 if epoch > 10 else 50.0, Action(op="GERMINATE", slot="late"), *happened)
    one = story.judged(2)
    assert (one.net_gain_5_epochs_later, one.net_gain_10_epochs_later) == (0, 30)
    assert (one.verdict, one.judged_by) == ("good", "net_gain_10_epochs_later")


def fossilized(ablation: float) -> DecisionJudged:
    """A seed that is worth little when it fossilizes, and at the end so much."""
    story, held = Story([50.0] * 15), SeedGerminated(slot="late", seed="s", blueprint="norm")
    story.epoch(1, 50.0, WAIT, held, ablation=1.0)
    story.epoch(2, 50.0, Action(op="FOSSILIZE", slot="late"), kept(), ablation=1.0)
    for epoch in range(3, 14):
        story.epoch(epoch, 60.0, ablation=2.0)
    story.epoch(14, 60.0, ablation=ablation)
    return story.end().judged(2)


def kept() -> StageChanged:
    return StageChanged(slot="late", seed="s", from_stage="HOLDING", to_stage="FOSSILIZED")


@pytest.mark.parametrize(("ablation", "verdict"), [(20.0, "good"), (0.5, "undecided"), (-20.0, "bad")])
def test_a_fossil_is_judged_by_what_the_end_would_have_taken(ablation: float, verdict: str) -> None:
    one = fossilized(ablation)
    assert (one.against_waiting, one.against_waiting_epochs) == (ablation, 13)
    assert one.against_waiting_se == pytest.approx(standard_error(60, 60 - ablation))
    assert (one.verdict, one.judged_by) == (verdict, "against_waiting")


def test_a_cull_is_told_with_what_it_cost_at_once() -> None:
    story = Story([50.0] * 13)
    for epoch in range(1, 12):
        gone = SeedCulled(slot="late", seed="s", accuracy_before=50.0, accuracy_after=46.0, initiator="policy")
        story.epoch(epoch, 50.0, Action(op="CULL", slot="late") if epoch == 2 else WAIT, *[gone] * (epoch == 2))
    one = story.judged(2)
    assert (one.against_waiting, one.against_waiting_epochs) == (-4, 0)
    assert one.against_waiting_se == pytest.approx(standard_error(50, 46))
    assert one.judged_by == "net_gain_5_epochs_later"


def explained(happened: Iterator[tuple[int, Payload]]) -> list[DecisionExplained]:
    story = Story([])
    for epoch, payload in happened:
        story.tell(payload, epoch)
    return [told for told in story.found if isinstance(told, DecisionExplained)]


def test_a_decision_rests_on_what_was_known_before_its_epoch() -> None:
    """What its own epoch brought, the seed that it made itself included, is no reason for it."""

    def happened() -> Iterator[tuple[int, Payload]]:
        yield 1, StageChanged(slot="late", from_stage="CULLED", to_stage="DORMANT")
        yield 1, assessed("before", ["diverging"])
        yield 2, SeedGerminated(slot="late", seed="s", blueprint="norm")
        yield 2, assessed("after", [])
        yield 2, DecisionMade(action=Action(op="GERMINATE", slot="late"))

    (one,) = explained(happened())
    assert (one.narrative, one.red_flags) == ("before", ["diverging"])
    assert one.why_this_action == "late DORMANT; learning: starting"


def test_a_slot_that_was_emptied_has_neither_gate_nor_worth() -> None:
    """They were of the seed that is gone."""

    def happened() -> Iterator[tuple[int, Payload]]:
        yield 1, SeedGerminated(slot="late", seed="s", blueprint="norm")
        yield 1, SeedsAttributed(evaluations=2, duplicates=0, seeds=[replace(ablated(1.0).seeds[0], shapley=1.0)])
        yield 1, gate(passed=False, slot="late")
        yield 1, StageChanged(slot="late", from_stage="CULLED", to_stage="DORMANT")
        yield 1, SeedGerminated(slot="late", seed="t", blueprint="norm")
        yield 2, DecisionMade(action=Action(op="CULL", slot="late"))

    assert explained(happened())[0].why_this_action == "late GERMINATED"


def assessed(narrative: str, flags: list[str]) -> EpochAssessed:
    return EpochAssessed(narrative=narrative, red_flags=flags, opportunities=[], learning="starting", complaints={})
