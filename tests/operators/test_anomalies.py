"""Alerts of an environment: each fault is found, its twin just below the limit is not, and each alert ends."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kinds import AlertRaised, AlertResolved, EpisodeEnded, GradientsMeasured, LayerGradients, RunEnded
from nissa.events.scope import Event
from nissa.operators.alarms import MAX_STANDING
from nissa.operators.anomalies import anomalies
from nissa.operators.faults import noise_of_a_difference
from tests.operators.test_contract import derived
from tests.operators.watching import batch, batches, changed, epoch, gate, marbles, names, raised, resolved
from tests.samples import episode_ended, episode_started, event

FLAT = [1.0 + 0.01 * (n % 5) for n in range(40)]
BOTH = pytest.mark.parametrize("mode", ["robust", "ratio"])


def told(values: Sequence[Any], mode: str = "robust", **where: Any) -> list[Any]:
    """What is derived from payloads of one episode."""
    place = {"env": 0, "episode": 0} | where
    return derived(anomalies(mode), [event(value, seq=n, **place) for n, value in enumerate(values)])


@BOTH
def test_marbles_of_a_spike_it_is_raised_at_once_and_resolved_after_ten_quiet_batches(mode: str) -> None:
    losses = [*FLAT, 3.0, *FLAT[:5], 3.5, *FLAT[:15]]
    seen = marbles(anomalies(mode), {300 + n: one for n, one in enumerate(batches(losses))})
    assert [(tick, type(row)) for tick, row in seen] == [(340, AlertRaised), (356, AlertResolved)]
    over = seen[1][1]
    assert (over.observations, over.clause) == (16, "recovered")


def test_a_spike_says_what_it_was_and_where() -> None:
    (spike,) = raised(told([batch(loss) for loss in (*FLAT, 3.0)]))
    assert (spike.alert, spike.subject, spike.severity, spike.clause) == ("loss_spike", "loss", "warning", "ratio")
    assert spike.baseline == pytest.approx(1.02)
    assert spike.threshold == pytest.approx(2.04, abs=1e-3)
    assert (spike.value, spike.window) == (3.0, 20)
    assert spike.what == "loss 3 over 2.04, usually 1.02: ratio"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from((0.5, 1.0, 1.0, 1.0, 2.5, math.nan, math.inf)), max_size=90))
def test_ratio_mode_equals_the_document_in_a_plain_loop(losses: list[float]) -> None:
    window, standing, quiet, begun = list[float](), False, 0, []
    for n, loss in enumerate(losses):
        if not math.isfinite(loss):
            continue
        over = len(window) >= 20 and loss > 2.0 * sum(window[-20:]) / 20
        window.append(loss)
        quiet = 0 if over else quiet + 1
        if over and not standing:
            begun.append(n)
        standing = over or (standing and quiet < 10)
    out = [found for one in (derived_by_event(losses)) for found in one]
    assert [n for n, row in out if isinstance(row, AlertRaised) and row.alert == "loss_spike"] == begun


def derived_by_event(losses: list[float]) -> list[list[tuple[int, Any]]]:
    operator = anomalies("ratio")
    state = operator.init()
    return [[(n, row) for row in operator.step(state, one)] for n, one in enumerate(batches(losses))]


@BOTH
@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_broken_loss_is_found_at_once_and_poisons_nothing(mode: str, broken: float) -> None:
    out = told([batch(loss) for loss in (*FLAT, broken, *FLAT[:12], 1000.0)], mode)
    assert names(out) == [("non_finite", "loss"), ("loss_spike", "loss")]
    assert [row.severity for row in raised(out)] == ["critical", "warning"]
    assert raised(out, "loss_spike")[0].baseline == pytest.approx(1.02, abs=0.01)


def test_a_broken_number_is_found_in_the_very_first_batch_and_wherever_it_is() -> None:
    out = told([replace(batch(math.nan, math.inf, early=math.nan), isolation_leakage=math.inf)])
    assert names(out) == [("non_finite", s) for s in ("loss", "host", "early", "isolation_leakage")]
    assert raised(out)[2].what == "gradient norm of early is nan"


def test_finite_numbers_whose_sum_overflows_are_no_broken_ones() -> None:
    assert told([batch(1e308, 1e308, early=1e308)]) == []


def test_what_is_broken_for_long_is_one_alert_that_ends_ten_good_batches_later() -> None:
    out = told([batch(loss) for loss in (*[math.nan] * 30, *FLAT)])
    assert [type(row) for row in out] == [AlertRaised, AlertResolved]
    assert out[1].observations == 39


@BOTH
def test_a_gradient_explosion_is_found_in_its_part_and_its_twin_below_the_limit_is_not(mode: str) -> None:
    usual = [batch(1.0, 1.0, early=norm) for norm in [0.01] * 69 + [0.001]]
    assert told([*usual, batch(1.0, 100.0, early=1.0)], mode) == []
    (found,) = raised(told([*usual, batch(1.0, 100.0, early=1.0000001)], mode))
    assert (found.alert, found.subject, found.severity) == ("gradient_explosion", "early", "critical")
    assert (found.baseline, found.threshold, found.window) == (0.01, 1.0, 64)


def test_typical_is_a_median_that_small_and_large_norms_do_not_move() -> None:
    norms = [1.0] * 40 + [1e-9] * 10 + [50.0] * 5
    assert told([batch(1.0, norm) for norm in (*norms, 99.0)]) == []
    assert names(told([batch(1.0, norm) for norm in (*norms, 101.0)])) == [("gradient_explosion", "host")]


def test_nothing_is_typical_of_a_part_that_is_new_or_still() -> None:
    assert told([batch(1.0, 1.0, early=norm) for norm in (*[0.001] * 19, 1.0)]) == []
    assert told([batch(1.0, 1.0, early=norm) for norm in (*[0.0] * 50, 1.0)]) == []
    still = [batch(1.0, 1.0, early=0.001) for _ in range(50)]
    assert told([*still, changed("GERMINATED", "TRAINING"), batch(1.0, 1.0, early=1.0)])[2:] == []


def test_more_parts_than_a_network_has_do_not_fill_the_memory() -> None:
    operator = anomalies()
    state = operator.init()
    for n in range(500):
        list(operator.step(state, event(batch(1.0, math.nan, **{f"s{n}": math.nan}), env=0)))
        list(operator.step(state, event(batch(1.0, 1.0, **{f"s{n}": 1.0}), env=0)))
    (place,) = state.items.values()
    assert len(place.norms) <= 64
    assert len(place.alerts) <= MAX_STANDING


@pytest.mark.parametrize(("accuracy", "found"), [(74.99, True), (75.0, False), (85.0, False)])
def test_an_accuracy_that_falls_by_over_five_points_is_one_in_ratio_mode(accuracy: float, found: bool) -> None:
    out = raised(told([epoch(80.0), epoch(accuracy)], "ratio"))
    assert [row.alert for row in out] == ["accuracy_drop"] * found


@pytest.mark.parametrize(("n_val", "points"), [(100, 3 * 100 * math.sqrt(2 * 0.8 * 0.2 / 100)), (10_000, 5.0)])
def test_by_default_a_fall_must_be_more_than_the_validation_set_allows_by_chance(n_val: int, points: float) -> None:
    assert told([epoch(80.0, n_val), epoch(80.0 - points + 1e-9, n_val)]) == []
    (found,) = raised(told([epoch(80.0, n_val), epoch(80.0 - points - 1e-9, n_val)]))
    assert (found.alert, found.baseline) == ("accuracy_drop", 80.0)
    assert found.threshold == pytest.approx(80.0 - points)


def test_the_noise_of_no_samples_or_of_a_broken_accuracy_is_nothing() -> None:
    assert (noise_of_a_difference(80.0, 0), noise_of_a_difference(120.0, 50), noise_of_a_difference(-3.0, 50)) == (
        0,
    ) * 3


def test_an_accuracy_that_fell_is_an_alert_until_it_is_back() -> None:
    out = told([epoch(a) for a in (90.0, 60.0, 60.0, 62.0, 88.0, 61.0, 89.0, 89.0, 89.0)])
    assert len(raised(out)) == len(resolved(out)) == 1
    assert resolved(out)[0].observations == 6


def test_a_broken_accuracy_is_not_what_the_next_one_is_compared_with() -> None:
    assert names(told([epoch(90.0), epoch(math.nan), epoch(60.0)])) == [
        ("non_finite", "val_accuracy"),
        ("accuracy_drop", "val_accuracy"),
    ]


def test_a_validation_loss_that_jumps_is_found_by_the_robust_rule_alone() -> None:
    epochs = [epoch(80.0, val_loss=loss) for loss in (*FLAT, 4.0)]
    assert names(told(epochs)) == [("loss_spike", "val_loss")]
    assert told(epochs, "ratio") == []


def layer(non_finite: int) -> LayerGradients:
    return LayerGradients(elements=9, norm=0.0, mean=0.0, percentiles={}, non_finite=non_finite)


def test_broken_elements_name_their_layer_and_end_with_the_next_sound_measurement() -> None:
    bad = GradientsMeasured(batch=0, layers={"host.a": layer(0), "host.b": layer(3)}, slot_norms={}, seed_to_host={})
    good = GradientsMeasured(batch=0, layers={"host.a": layer(0), "host.b": layer(0)}, slot_norms={}, seed_to_host={})
    out = told([bad, bad, good])
    assert names(out) == [("non_finite", "host.b")]
    assert (raised(out)[0].value, resolved(out)[0].observations) == (3, 2)


def test_a_gate_that_is_tried_again_and_again_is_marked_once_and_a_stage_ends_it() -> None:
    out = told([gate(False), gate(False), gate(False), gate(True), gate(False), changed("TRAINING", "CULLED")])
    assert [(row.alert, type(row)) for row in out] == [
        ("gate_failure", AlertRaised),
        ("gate_failure", AlertResolved),
        ("gate_failure", AlertRaised),
        ("gate_failure", AlertResolved),
        ("stage_transition", AlertRaised),
        ("stage_transition", AlertResolved),
    ]
    assert {(row.severity, row.clause) for row in raised(out)} == {("info", "mark")}
    assert [row.clause for row in resolved(out)] == ["recovered", "stage_changed", "mark"]
    assert raised(out)[0].what == "G2 of early did not open: improvement 0.1 < 0.5"


def test_a_stage_that_is_told_again_each_epoch_is_no_transition() -> None:
    same = [changed("TRAINING", "TRAINING") for _ in range(9)]
    assert names(told([changed("GERMINATED", "TRAINING"), *same])) == [("stage_transition", "early")]


def test_slots_are_watched_apart() -> None:
    out = told([gate(False, "early"), gate(False, "late"), gate(True, "early")])
    assert [row.subject for row in resolved(out)] == ["early"]


ENDS = {
    "episode_ended": event(episode_ended(), env=0, episode=0, epoch=9),
    "episode_lost": event(episode_started(), env=0, episode=1),
    "run_ended": event(RunEnded(outcome="failed", duration=1.0)),
}


@pytest.mark.parametrize(("clause", "end"), ENDS.items())
def test_an_alert_near_the_end_is_resolved_and_says_where_it_was_raised(clause: str, end: Event[Any]) -> None:
    story = [event(batch(math.nan), group="ppo", env=0, episode=0, epoch=7)]
    scope = end.scope if clause == "run_ended" else end.scope._replace(group="ppo")
    out = derived(anomalies(), [*story, Event(1, 0.0, scope, end.payload)])
    (over,) = resolved(out)
    assert (over.group, over.env, over.episode, over.epoch, over.clause) == ("ppo", 0, 0, 7, clause)


def test_an_episode_that_began_without_a_word_ends_the_one_before() -> None:
    story = [*batches([math.nan]), *batches([1.0], episode=1)]
    assert [row.clause for row in resolved(derived(anomalies(), story))] == ["episode_lost"]


@BOTH
def test_each_episode_has_windows_of_its_own_and_what_is_late_does_no_harm(mode: str) -> None:
    story = [*batches(FLAT), *batches([9.0] * 15, episode=1)]
    assert derived(anomalies(mode), story) == []
    late = [event(episode_ended(), env=0, episode=0), event(episode_ended(), env=0, episode=0)]
    assert derived(anomalies(mode), [*batches(FLAT), *late]) == []


def test_an_epoch_is_no_new_beginning() -> None:
    """A state that restarted with each epoch would never know what is usual, or call every epoch a transition."""
    story = [event(batch(loss), env=0, episode=0, epoch=n) for n, loss in enumerate((*FLAT, 3.0))]
    assert names(derived(anomalies(), story)) == [("loss_spike", "loss")]


STORY = st.lists(
    st.one_of(
        st.builds(batch, st.sampled_from((0.9, 1.0, 1.0, 1.1, 5.0, math.nan)), st.sampled_from((1.0, 1.0, 500.0))),
        st.builds(epoch, st.sampled_from((90.0, 70.0))),
        st.builds(gate, st.booleans()),
        st.just(changed("TRAINING", "BLENDING")),
        st.builds(episode_ended),
        st.builds(episode_started),
    ),
    max_size=60,
)


def numbered(payloads: list[Any], env: int) -> list[Event[Any]]:
    """An environment's events, with episodes counted as they start."""
    episode, out = 0, []
    for payload in payloads:
        episode += type(payload).kind == "episode_started"
        out.append(event(payload, group="ppo", env=env, episode=episode, epoch=1))
    return out


@settings(max_examples=100, deadline=None)
@given(st.lists(STORY, min_size=2, max_size=3), st.integers(0, 2**31))
def test_any_interleaving_of_environments_gives_what_each_alone_gives(stories: list[list[Any]], seed: int) -> None:
    random, queues = Random(seed), [numbered(told, env) for env, told in enumerate(stories)]
    alone = [derived(anomalies(), queue) for queue in queues]
    operator = anomalies()
    state, mixed = operator.init(), [list[Any]() for _ in queues]
    left = [list(queue) for queue in queues]
    while any(left):
        env = random.choice([env for env, queue in enumerate(left) if queue])
        mixed[env] += operator.step(state, left[env].pop(0))
    assert str(mixed) == str(alone)


@settings(max_examples=100, deadline=None)
@given(STORY)
def test_nothing_is_raised_twice_or_left_unresolved(payloads: list[Any]) -> None:
    story = [*numbered(payloads, 0), event(RunEnded(outcome="completed", duration=1.0))]
    standing = set[tuple[str, str | None]]()
    for row in derived(anomalies(), story):
        assert isinstance(row, AlertRaised | AlertResolved)
        key = row.alert, row.subject
        assert (key in standing) == isinstance(row, AlertResolved)
        standing ^= {key}
    assert standing == set()


def test_an_episode_that_ends_is_the_only_one_that_ends() -> None:
    ends = [*batches([math.nan]), *batches([math.nan], env=1)]
    out = derived(anomalies(), [*ends, event(episode_ended(), env=1, episode=0)])
    assert [row.env for row in resolved(out)] == [1]
    assert isinstance(episode_ended(), EpisodeEnded)


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="one of robust, ratio, not 'both'"):
        anomalies("both")
