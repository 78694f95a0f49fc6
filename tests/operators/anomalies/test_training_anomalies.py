"""Alerts of an environment: each fault is found, its twin just below the limit is not, and each alert ends."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.codec import decode, encode
from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpisodeEnded,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    RunEnded,
    ScalarsLogged,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.operators.alerts.active_alerts import MAX_ACTIVE
from nissa.operators.anomalies.training_anomalies import detect_anomalies
from nissa.operators.overflow import LASTING
from tests.operators.raised import configured
from tests.operators.test_contract import derived
from tests.operators.watching import batch, batches, changed, epoch, gate, marbles, names, raised, resolved
from tests.samples import episode_ended, episode_started, event

FLAT = [1.0 + 0.01 * (n % 5) for n in range(40)]
BOTH = pytest.mark.parametrize("mode", ["robust", "ratio"])


def told(values: Sequence[Any], mode: str = "robust", **where: Any) -> list[Any]:
    """What is derived from payloads of one episode."""
    place = {"env": 0, "episode": 0} | where
    return derived(detect_anomalies(mode), [event(value, seq=n, **place) for n, value in enumerate(values)])


@BOTH
def test_marbles_of_a_spike_it_is_raised_at_once_and_resolved_after_ten_quiet_batches(mode: str) -> None:
    losses = [*FLAT, 3.0, *FLAT[:5], 3.5, *FLAT[:15]]
    seen = marbles(detect_anomalies(mode), {300 + n: one for n, one in enumerate(batches(losses))})
    assert [(tick, type(row)) for tick, row in seen] == [(340, AlertRaised), (356, AlertResolved)]
    over = seen[1][1]
    assert (over.observations, over.clause) == (16, "recovered")


def test_a_spike_says_what_it_was_and_where() -> None:
    (spike,) = raised(told([batch(loss) for loss in (*FLAT, 3.0)]))
    assert (spike.alert, spike.subject, spike.severity, spike.clause) == ("loss_spike", "loss", "warning", "spike")
    assert spike.baseline == pytest.approx(1.02, abs=0.005)
    # Four of the least noises above that.
    assert spike.threshold == pytest.approx(1.02 * math.exp(0.2), abs=0.005)
    assert (spike.value, spike.window) == (3.0, 19)
    assert spike.what == f"loss 3 over {spike.threshold:.4g}, usually {spike.baseline:.4g}: spike"


@settings(max_examples=50)
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
    operator = detect_anomalies("ratio")
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
    leaks: dict[str, Any] = {"isolation_leakage": math.inf, "isolation_forward_leakage": math.nan}
    out = told([replace(batch(math.nan, math.inf, early=math.nan), **leaks)])
    assert names(out) == [("non_finite", s) for s in ("loss", *leaks, "host", "early")]
    assert raised(out)[4].what == "gradient norm of early is nan"


def test_a_seed_that_breaks_in_isolation_is_an_alert_of_its_slot_until_it_is_gone() -> None:
    fine = replace(batch(1.0), seed_non_finite={"early": 0, "late": 0})
    broken = replace(fine, seed_non_finite={"early": 7, "late": 0})
    (alert,) = raised(told([fine, broken, broken, *[fine] * 3]))
    assert (alert.alert, alert.severity, alert.subject) == ("non_finite", "critical", "outputs of early")
    assert alert.what == "7 values that the isolated seed of early puts out are not finite"
    (over,) = resolved(told([fine, broken, *[fine] * 12]))
    assert (over.subject, over.observations, over.clause) == ("outputs of early", 10, "recovered")
    moves = [changed("TRAINING", "CULLED", slot) for slot in ("late", "early")]
    ends = [(row.alert, row.subject, row.clause) for row in resolved(told([fine, broken, *moves]))]
    late, early = (("stage_transition", slot, "mark") for slot in ("late", "early"))
    assert ends == [late, ("non_finite", "outputs of early", "stage_changed"), early]


def test_what_a_batch_does_not_tell_neither_raises_nor_ends_an_alert() -> None:
    silent = BatchCompleted(batch=0, loss=1.0)
    measured = replace(silent, host_grad_norm=1.0)
    exploded = replace(silent, host_grad_norm=101.0)
    assert names(told([*[measured, silent, silent] * 40, exploded])) == [("gradient_explosion", "host")]
    broken = replace(silent, loss=math.nan, host_grad_norm=math.nan)
    out = told([broken, *[silent] * 40])
    assert names(out) == [("non_finite", "loss"), ("non_finite", "host")]
    assert [row.subject for row in resolved(out)] == ["loss"]
    _, over = resolved(told([broken, *[silent] * 40, *[batch(1.0)] * 12]))
    assert (over.subject, over.observations) == ("host", 10)
    assert names(told([replace(silent, accuracy=math.inf)])) == [("non_finite", "accuracy")]


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
    operator = detect_anomalies()
    state = operator.init()
    for n in range(500):
        list(operator.step(state, event(batch(1.0, math.nan, **{f"s{n}": math.nan}), env=0)))
        list(operator.step(state, event(batch(1.0, 1.0, **{f"s{n}": 1.0}), env=0)))
    (env,) = state.items.values()
    assert len(env.norms) <= 64
    assert len(env.alerts) <= MAX_ACTIVE


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


def test_a_number_of_broken_elements_is_read_as_it_was_written() -> None:
    """A replay compares what it derives with what it reads."""
    bad = GradientsMeasured(batch=0, layers={"host.conv1": layer(70)}, slot_norms={}, seed_to_host={})
    (found,) = raised(told([bad, replace(bad, batch=LASTING)]))
    line = encode(event(found))
    assert encode(decode(line)) == line


def test_the_noise_of_a_fall_is_that_of_both_sides() -> None:
    points = 3 * 100 * math.sqrt(0.8 * 0.2 / 3000 + 0.8 * 0.2 / 100)
    assert told([epoch(80.0, 3000), epoch(80.0 - points + 1e-9, 100)]) == []
    assert names(told([epoch(80.0, 3000), epoch(80.0 - points - 1e-9, 100)])) == [("accuracy_drop", "val_accuracy")]


def untold(*accuracies: float, n_val: int | None = None) -> list[Any]:
    return [replace(epoch(accuracy), n_val=n_val) for accuracy in accuracies]


def shares(n: int, numbers: Sequence[int]) -> list[float]:
    return [100 * k / n for k in numbers]


@pytest.mark.parametrize("n", [24, 48, 192])
def test_where_nobody_says_of_how_many_samples_an_accuracy_is_the_accuracies_do(n: int) -> None:
    """From ten different ones on, and in the next episode, too."""
    half, step = n // 2, n // 15
    points, fall = 300 * math.sqrt(2 * 0.5 * 0.5 / n), shares(n, [half, half - step])
    more = shares(n, [*range(half + 10, half - 2, -1)])
    assert raised(told(untold(*more, *fall)), "accuracy_drop") == []
    known = raised(told(untold(*more[-3:], *fall)), "accuracy_drop")
    assert len(known) == (fall[0] - fall[1] > 5)
    story = [*untold(*more), episode_ended()]
    later = [event(row, env=0, episode=0) for row in story] + [event(row, env=0, episode=1) for row in untold(*fall)]
    assert raised(derived(detect_anomalies(), later), "accuracy_drop") == []
    (found,) = raised(told(untold(*more, 50.0, 0.0)), "accuracy_drop")
    assert found.threshold == pytest.approx(50.0 - points)
    assert found.what.endswith(f"by more than {points:.2f} points (of {n} samples, inferred from the accuracies)")


def test_a_size_that_is_told_is_not_inferred_and_holds_until_another_is_told() -> None:
    more = shares(24, range(12))
    story = [*untold(*more), *untold(80.0, n_val=10_000), *untold(74.9)]
    (found,) = raised(told(story), "accuracy_drop")
    assert "inferred" not in found.what
    assert found.threshold == 75.0


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
    out = told([bad, *(replace(bad, batch=LASTING + n) for n in range(2)), good])
    assert names(out) == [("non_finite", "host.b")]
    assert (raised(out)[0].value, resolved(out)[0].observations) == (3, 2)


GRADIENTS = GradientsMeasured(batch=0, layers={"host.a": layer(3)}, slot_norms={}, seed_to_host={})
NORM = BatchCompleted(batch=0, loss=1.0, host_grad_norm=math.inf)


@pytest.mark.parametrize(("broken", "subject"), [(GRADIENTS, "host.a"), (NORM, "host")])
def test_a_gradient_alone_is_broken_once_that_lasts_and_its_twin_a_step_shorter_is_not(
    broken: GradientsMeasured | BatchCompleted, subject: str
) -> None:
    steps = [replace(broken, batch=n) for n in range(LASTING)]
    assert told(steps[:-1]) == []
    assert names(told(steps)) == [("non_finite", subject)]
    assert names(told([steps[0], *(replace(broken, batch=n) for n in (10, 20, 30, 40))])) == [("non_finite", subject)]
    assert names(told([broken] * LASTING)) == [("non_finite", subject)], "whose batches bear no numbers"
    sound = replace(GRADIENTS, batch=9, layers={"host.a": layer(0)}) if broken is GRADIENTS else batch(1.0)
    assert told([*steps[:20], sound, *steps[20:]]) == []


def test_a_gradient_is_broken_at_once_where_a_loss_is() -> None:
    assert names(told([GRADIENTS, NORM, batch(1.0), GRADIENTS])) == []
    out = told([GRADIENTS, NORM, batch(math.nan), GRADIENTS, NORM])
    assert names(out) == [("non_finite", subject) for subject in ("loss", "host.a", "host")]


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
    out = derived(detect_anomalies(), [*story, Event(1, 0.0, scope, end.payload)])
    (over,) = resolved(out)
    assert (over.group, over.env, over.episode, over.epoch, over.clause) == ("ppo", 0, 0, 7, clause)


def test_an_episode_that_began_without_a_word_ends_the_one_before() -> None:
    story = [*batches([math.nan]), *batches([1.0], episode=1)]
    assert [row.clause for row in resolved(derived(detect_anomalies(), story))] == ["episode_lost"]


@BOTH
def test_each_episode_has_windows_of_its_own_and_what_is_late_does_no_harm(mode: str) -> None:
    story = [*batches(FLAT), *batches([9.0] * 15, episode=1)]
    assert derived(detect_anomalies(mode), story) == []
    late = [event(episode_ended(), env=0, episode=0), event(episode_ended(), env=0, episode=0)]
    assert derived(detect_anomalies(mode), [*batches(FLAT), *late]) == []


def test_an_epoch_is_no_new_beginning() -> None:
    """A state that restarted with each epoch would never know what is usual, or call every epoch a transition."""
    story = [event(batch(loss), env=0, episode=0, epoch=n) for n, loss in enumerate((*FLAT, 3.0))]
    assert names(derived(detect_anomalies(), story)) == [("loss_spike", "loss")]


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


@settings(max_examples=100)
@given(st.lists(STORY, min_size=2, max_size=3), st.integers(0, 2**31))
def test_any_interleaving_of_environments_gives_what_each_alone_gives(stories: list[list[Any]], seed: int) -> None:
    random, queues = Random(seed), [numbered(told, env) for env, told in enumerate(stories)]
    alone = [derived(detect_anomalies(), queue) for queue in queues]
    operator = detect_anomalies()
    state, mixed = operator.init(), [list[Any]() for _ in queues]
    left = [list(queue) for queue in queues]
    while any(left):
        env = random.choice([env for env, queue in enumerate(left) if queue])
        mixed[env] += operator.step(state, left[env].pop(0))
    assert str(mixed) == str(alone)


@settings(max_examples=100)
@given(STORY)
def test_nothing_is_raised_twice_or_left_unresolved(payloads: list[Any]) -> None:
    story = [*numbered(payloads, 0), event(RunEnded(outcome="completed", duration=1.0))]
    standing = set[tuple[str, str | None]]()
    for row in derived(detect_anomalies(), story):
        assert isinstance(row, AlertRaised | AlertResolved)
        key = row.alert, row.subject
        assert (key in standing) == isinstance(row, AlertResolved)
        standing ^= {key}
    assert standing == set()


def test_an_episode_that_ends_is_the_only_one_that_ends() -> None:
    ends = [*batches([math.nan]), *batches([math.nan], env=1)]
    out = derived(detect_anomalies(), [*ends, event(episode_ended(), env=1, episode=0)])
    assert [row.env for row in resolved(out)] == [1]
    assert isinstance(episode_ended(), EpisodeEnded)


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="one of robust, ratio, not 'both'"):
        detect_anomalies("both")


def activations(dormant: float | None = 0.0, non_finite: int = 0, std: float = 1.0) -> ActivationsMeasured:
    row = LayerActivations(units=8, mean=0.0, std=std, zero=0.0, dead=0, dormant=dormant, non_finite=non_finite)
    return ActivationsMeasured(samples=8, layers={"host.relu": row})


def weights(norm: float) -> WeightsMeasured:
    return WeightsMeasured(layers={"host.relu": LayerWeights(norm=norm)})


def sharpness(value: float | None) -> SharpnessMeasured:
    return SharpnessMeasured(sharpness=value, sam=None, loss=1.0, samples=2, scale=0.01)


@pytest.mark.parametrize(
    ("subject", "bad", "good"),
    [
        ("activations of host.relu", activations(non_finite=5), activations()),
        ("activations of host.relu", activations(std=math.inf), activations()),
        ("weights of host.relu", weights(math.nan), weights(1.0)),
        ("sharpness", sharpness(math.inf), sharpness(None)),
    ],
)
def test_what_a_probe_finds_broken_is_an_alert_of_its_own_that_the_next_sound_measurement_ends(
    subject: str, bad: Any, good: Any
) -> None:
    gradients = GradientsMeasured(batch=0, layers={"host.relu": layer(0)}, slot_norms={}, seed_to_host={})
    out = told([good, bad, gradients, batch(), bad])
    assert names(out) == [("non_finite", subject)]
    assert resolved(out) == []
    if good != sharpness(None):
        assert resolved(told([bad, good]))[0].subject == subject


def test_a_sharpness_that_was_not_measured_ends_nothing() -> None:
    assert resolved(told([sharpness(math.nan), sharpness(None)])) == []
    assert len(resolved(told([sharpness(math.nan), sharpness(0.0)]))) == 1


def test_dormant_units_are_an_alert_after_three_measurements_in_a_row_and_over_after_two_without() -> None:
    shares = (0.6, 0.6, 0.5, 0.6, 0.6, 0.7, 0.6, 0.5, 0.6, 0.5, 0.5)
    out = [told([activations(share) for share in shares[:n]]) for n in range(len(shares) + 1)]
    assert [len(raised(found)) for found in out] == [0] * 6 + [1] * 6
    assert [len(resolved(found)) for found in out] == [0] * 11 + [1]
    (found,) = raised(out[-1])
    assert (found.alert, found.severity, found.subject) == ("dormant_units", "warning", "host.relu")
    assert (found.value, found.threshold, found.window) == (0.7, 0.5, 3)


def test_the_dormant_units_of_a_layer_that_is_gone_are_no_alert_any_more() -> None:
    empty = ActivationsMeasured(samples=8, layers={})
    assert [row.clause for row in resolved(told([*[activations(0.9)] * 3, empty, empty]))] == ["recovered"]


def test_a_layer_without_a_share_of_dormant_units_has_none() -> None:
    assert told([activations(None)] * 5) == []


@pytest.mark.parametrize("late", [0, None])
def test_an_event_of_an_earlier_episode_or_of_none_changes_nothing(late: int | None) -> None:
    losses = [*FLAT, 3.0, *FLAT]
    story = batches(losses, episode=1)
    strays = [event(one, env=0, episode=late) for one in (batch(1.0), gate(True), episode_ended(), epoch(80.0))]
    mixed = [row for n, one in enumerate(story) for row in (one, strays[n % 4])]
    assert [type(row) for row in derived(detect_anomalies(), story)] == [AlertRaised, AlertResolved]
    assert str(derived(detect_anomalies(), mixed)) == str(derived(detect_anomalies(), story))


def test_a_broken_number_that_comes_late_is_an_alert_all_the_same() -> None:
    story = [*batches(FLAT, episode=1), event(batch(math.nan), env=0, episode=0), *batches(FLAT, episode=1)]
    out = derived(detect_anomalies(), story)
    assert names(out) == [("non_finite", "loss")]
    assert resolved(out)[0].clause == "recovered"


def test_an_episode_that_starts_with_a_lower_number_is_a_beginning() -> None:
    story = [*batches([math.nan], episode=5), event(episode_started(), env=0, episode=0), *batches([math.nan])]
    out = derived(detect_anomalies(), story)
    assert [(row.episode, row.clause) for row in resolved(out)] == [(5, "episode_lost")]
    assert len(raised(out)) == 2


def test_of_too_many_environments_the_alerts_of_the_one_given_back_are_resolved() -> None:
    operator = detect_anomalies()
    state = operator.init()
    state.limit = 2
    story = [event(batch(math.nan), env=0, episode=0), *(event(batch(), env=env, episode=0) for env in (1, 2))]
    out = [row for one in story for row in operator.step(state, one)]
    assert [(row.env, row.clause) for row in resolved(out)] == [(0, "crowded")]
    assert len(state.items) == 2


def test_a_run_that_ends_leaves_nothing_behind() -> None:
    operator = detect_anomalies()
    state = operator.init()
    for one in (*batches([math.nan, 1.0]), event(RunEnded(outcome="completed", duration=1.0))):
        list(operator.step(state, one))
    assert not state.items


SPIKE = [batch(loss) for loss in (*FLAT, 1.6)]


def test_the_mode_is_that_of_the_configuration() -> None:
    """1.6 is a spike to the robust rule, and nothing to the documented one."""
    assert len(raised(told(SPIKE))) == 1
    assert told([configured(alerts={"mode": "ratio"}), *SPIKE]) == []
    assert len(raised(told([configured(alerts={"mode": "robust"}), *SPIKE], "ratio"))) == 1


LIMITS = (("ratio", 7.9, True), ("ratio", 8.1, False), ("robust", 2.0, True), ("robust", 2.0**11, False))


@pytest.mark.parametrize(("mode", "threshold", "found"), LIMITS)
def test_how_sensitive_it_is_to_losses_is_configured(mode: str, threshold: float, found: bool) -> None:
    """8 is eight times the mean, and 42 of the least noises above a level without any; at 2^11, 44 are allowed."""
    spike = [configured(alerts={"mode": mode, "loss_spike_threshold": threshold}), *[batch(1.0)] * 40, batch(8.0)]
    clauses = [alert.clause for alert in raised(told(spike))]
    assert clauses == ([{"ratio": "ratio", "robust": "spike"}[mode]] if found else [])


@BOTH
@pytest.mark.parametrize("threshold", [1, 0.5, 0, -2.0, math.nan, True, "3"])
def test_a_sensitivity_that_none_can_be_is_as_if_not_said(mode: str, threshold: object) -> None:
    spike = [configured(alerts={"mode": mode, "loss_spike_threshold": threshold}), *[batch(1.0)] * 40, batch(8.0)]
    assert len(raised(told(spike))) == 1


def test_a_configuration_outlives_an_episode_and_is_no_part_of_one() -> None:
    strict = event(configured(alerts={"mode": "ratio"}), env=0)
    both = [*(event(one, env=0, episode=0) for one in SPIKE), *(event(one, env=0, episode=1) for one in SPIKE)]
    assert derived(detect_anomalies(), [strict, *both]) == []
    assert len(raised(derived(detect_anomalies(), [*both[:30], strict, *both[30:]]))) == 0


def test_a_configuration_of_the_whole_run_is_that_of_each_environment() -> None:
    story = [event(configured(alerts={"mode": "ratio"})), *(event(one, group="a", env=3, episode=0) for one in SPIKE)]
    assert derived(detect_anomalies(), story) == []


@pytest.mark.parametrize(
    ("key", "value", "payloads", "found"),
    [
        ("accuracy_drop_threshold", 20.0, [epoch(80.0), epoch(65.0)], 0),
        ("gradient_explosion", 1000.0, [batch(host=norm) for norm in (*[1.0] * 40, 500.0)], 0),
        ("dormant_share", 0.9, [activations(0.8)] * 5, 0),
        ("dormant_measurements", 5, [activations(0.8)] * 4, 0),
        ("accuracy_drop_threshold", "much", [epoch(80.0), epoch(65.0)], 1),
        ("accuracy_drop_threshold", None, [epoch(80.0), epoch(65.0)], 1),
    ],
)
def test_limits_are_those_of_the_configuration_as_far_as_it_says_numbers(
    key: str, value: Any, payloads: list[Any], found: int
) -> None:
    assert len(raised(told(payloads))) == 1
    assert len(raised(told([configured(alerts={key: value}), *payloads]))) == found


@pytest.mark.parametrize("alerts", [None, 3, ["ratio"], {"mode": ["ratio"]}, {"mode": "loud"}])
def test_a_configuration_that_says_nonsense_of_alerts_leaves_the_defaults(alerts: Any) -> None:
    assert len(raised(told([configured(alerts=alerts), *SPIKE]))) == 1


def scalars(values: Sequence[float], name: str = "td_error") -> list[ScalarsLogged]:
    return [ScalarsLogged(values={"lr": 10.0**n, name: value}, step=n) for n, value in enumerate(values)]


def test_a_scalar_that_the_configuration_names_is_judged_as_the_loss_of_the_batches_is() -> None:
    rule = configured(alerts={"scalars": ["td_error", "never logged"]})
    story = [*FLAT, 3.0, *FLAT[:20], math.nan]
    found = told([rule, *scalars(story)])
    as_loss = told([rule, *(batch(value) for value in story)])
    assert [row.clause for row in raised(as_loss)] == ["spike", "not_finite"]

    def judged(rows: list[Any]) -> list[tuple[Any, ...]]:
        return [(type(row), row.alert, row.clause, getattr(row, "threshold", row.kind)) for row in rows]

    assert judged(found) == judged(as_loss)
    assert {row.subject for row in raised(found)} == {"scalar td_error"}
    assert raised(found)[0].what.startswith("scalar td_error 3 over ")


@pytest.mark.parametrize("names", [[], ["lr2"], "td_error", [3], None])
def test_a_scalar_that_no_rule_names_is_not_judged(names: Any) -> None:
    assert told([configured(alerts={"scalars": names}), *scalars([*FLAT, 30.0, math.nan])]) == []
