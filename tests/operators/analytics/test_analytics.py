"""The answers of a demo equal plain loops over its events; and by hand, what counts and what does not."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from scipy import stats  # type: ignore[import-untyped]

from nissa.events.event import Event
from nissa.events.kinds import (
    Action,
    AlertRaised,
    AlertResolved,
    AnalyticsUpdated,
    CounterfactualMeasured,
    DecisionMade,
    EpisodeEnded,
    EpochAssessed,
    EpochCompleted,
    HostAloneTrained,
    HostBaselineEpoch,
    HostBaselineMeasured,
    PolicyComparison,
    SeedGerminated,
    VerdictReached,
)
from nissa.operators import default_operators, growth_analytics
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.pipeline.sources import Reading, read_log
from tests.operators.attribution.games import brute_force
from tests.operators.test_contract import close, flat, folded
from tests.samples import episode_ended, episode_started, epoch_completed, event

Events = list[Event[Any]]


def fail(owner: str, error: BaseException, event: object) -> None:
    raise AssertionError(owner) from error


def dispatched(events: Iterable[Event[Any]]) -> Events:
    """What was told, and all that follows from it, as every operator sees it."""
    seen: Events = []
    dispatcher = Dispatcher(default_operators(), {"all": seen.append}, fail)
    for one in events:
        dispatcher.deliver(one)
    return seen


@cache
def told(demo: Path) -> Events:
    return [one for one in read_log(demo, Reading()) if not one.ordinal]


@cache
def seen(demo: Path) -> Events:
    return dispatched(told(demo))


def rows(events: Iterable[Event[Any]]) -> list[AnalyticsUpdated]:
    return [one.payload for one in events if isinstance(one.payload, AnalyticsUpdated)]


def last(events: Iterable[Event[Any]], env: int | None = None) -> AnalyticsUpdated:
    return [row for row in rows(events) if row.env == env][-1]


def interval(values: Iterable[float]) -> list[float | None]:
    """Mean, and scipy's 95% interval, no further than 100 points."""
    known = list(values)
    if len(known) < 2:
        return [known[0] if known else None, None, None]
    mean, error = fmean(known), stats.sem(known)
    low, high = stats.t.interval(0.95, len(known) - 1, mean, error) if error else (mean, mean)
    return [mean, max(low, -100.0), min(high, 100.0)]


class Plain:
    """What a demo told, by environment and episode."""

    def __init__(self, events: Events) -> None:
        self.accuracy: dict[Any, dict[int, Any]] = defaultdict(dict)
        self.twin: dict[Any, dict[int, Any]] = defaultdict(dict)
        self.measured: dict[Any, CounterfactualMeasured] = {}
        self.decisions: list[tuple[Any, int, DecisionMade]] = []
        self.hosts: dict[Any, list[Any]] = defaultdict(list)
        self.ends: dict[Any, EpisodeEnded] = {}
        self.blueprints: dict[Any, str | None] = {}
        for one in events:
            self._take(one.scope, one.scope[2:4], one.payload)

    def _take(self, scope: Any, at: Any, payload: Any) -> None:
        match payload:
            case EpochCompleted():
                self.accuracy[at][scope.epoch] = payload.val_accuracy
            case HostBaselineEpoch():
                self.twin[scope.env][scope.epoch] = payload.val_accuracy
            case HostBaselineMeasured():
                self.twin[scope.env][0] = payload.initial_accuracy
                self.hosts[scope.env].append(payload)
            case HostAloneTrained():
                self.hosts[scope.env].append(payload)
            case CounterfactualMeasured():
                self.measured[*at, scope.epoch] = payload
            case DecisionMade():
                self.decisions.append((at, scope.epoch, payload))
            case EpisodeEnded():
                self.ends[at] = payload
            case SeedGerminated():
                self.blueprints[*at, payload.slot] = payload.blueprint

    def by_env(self, values: dict[Any, float]) -> list[float]:
        """The mean of each environment's episodes."""
        return [fmean(v for (env, *_), v in values.items() if env == one) for one in sorted({key[0] for key in values})]

    def at_the_end(self) -> dict[Any, CounterfactualMeasured]:
        ends = {at: self.measured.get((*at, max(self.accuracy[at]))) for at in self.ends}
        return {at: matrix for at, matrix in ends.items() if matrix is not None and matrix.slots}


def values_of(matrix: CounterfactualMeasured) -> dict[int, float]:
    return {sum(on << i for i, on in enumerate(row.config)): row.val_accuracy or 0.0 for row in matrix.results}


def test_of_a_demo_both_deltas_are_what_a_plain_loop_makes_of_it(demo: Path) -> None:
    plain, found = Plain(told(demo)), last(seen(demo)).accuracy_delta
    gains = {at: (end.kept_accuracy or 0.0) - plain.twin[at[0]][end.epochs or 0] for at, end in plain.ends.items()}
    ends = [found.kept_training_delta_mean, found.kept_training_delta_low, found.kept_training_delta_high]
    assert found.kept_training_delta_mean == pytest.approx(fmean(plain.by_env(gains)), abs=1e-9)
    assert ends[1] is not None
    assert ends[2] is not None
    relied = {}
    for at, matrix in plain.at_the_end().items():
        values = values_of(matrix)
        relied[at] = values[max(values)] - values[0]
    ablation = [found.ablation_delta_mean, found.ablation_delta_low, found.ablation_delta_high]
    assert ablation == pytest.approx(interval(plain.by_env(relied)), abs=1e-6)
    assert found.ablation_delta_n == len(relied) > 0


def test_of_a_demo_a_trajectory_is_the_last_episode_of_each_beside_its_twin(demo: Path) -> None:
    plain = Plain(told(demo))
    episode = max(episode for _, episode in plain.ends)
    for env in (None, 0, 1):
        envs = [0, 1] if env is None else [env]
        expected = [
            (
                epoch,
                fmean(plain.accuracy[one, episode][epoch] for one in envs),
                fmean(plain.twin[one][epoch] for one in envs),
            )
            for epoch in range(1, 46)
        ]
        points = last(seen(demo), env).accuracy_trajectory
        for point, row in zip(points, expected, strict=True):
            assert (point.epoch, point.grown_accuracy, point.twin_accuracy) == pytest.approx(row)


def test_of_a_demo_contributions_are_shapley_values_by_all_orders(demo: Path) -> None:
    plain = Plain(told(demo))
    shares: dict[Any, dict[Any, float]] = defaultdict(dict)
    for at, matrix in plain.at_the_end().items():
        for slot, value in zip(matrix.slots, brute_force(len(matrix.slots), values_of(matrix)), strict=True):
            shares[slot, plain.blueprints[*at, slot]][at] = value
    found = last(seen(demo)).seed_contributions
    assert [(row.slot, row.blueprint) for row in found] == sorted(shares)
    for row in found:
        values = shares[row.slot, row.blueprint]
        told_of = [row.shapley_mean, row.shapley_mean_low, row.shapley_mean_high]
        assert told_of == pytest.approx(interval(plain.by_env(values)), abs=1e-6)
        assert (row.shapley_n, row.shapley_envs) == (len(values), len({env for env, _ in values}))


def followed(plain: Plain) -> list[tuple[Any, str, str, float]]:
    """Episode, what the heuristic would have done, what was done, and what the five epochs brought beyond the twin."""
    found = []
    for at, epoch, made in plain.decisions:
        grown, twin = {0: plain.twin[at[0]][0]} | plain.accuracy[at], plain.twin[at[0]]
        if made.heuristic is not None and made.executed and epoch + 4 in grown:
            gained = (grown[epoch + 4] - grown[epoch - 1]) - (twin[epoch + 4] - twin[epoch - 1])
            found.append((at, made.heuristic.op, made.action.op, gained))
    return found


def test_of_a_demo_what_followed_is_counted_where_they_differ_and_where_they_agree(demo: Path) -> None:
    plain = Plain(told(demo))
    outcomes = followed(plain)
    found = last(seen(demo)).policy_vs_heuristic
    assert [(row.heuristic_op, row.policy_op) for row in found] == sorted({(h, p) for _, h, p, _ in outcomes if h != p})
    for row in found:
        differing = [gained for _, h, p, gained in outcomes if (h, p) == (row.heuristic_op, row.policy_op)]
        agreeing = [gained for _, h, p, gained in outcomes if h == p == row.heuristic_op]
        assert (row.differing, row.agreeing) == (len(differing), len(agreeing))
        assert row.differing_gain_mean == pytest.approx(fmean(differing), abs=1e-9)
        if agreeing:
            assert row.policy_gain_mean == pytest.approx(fmean(differing) - fmean(agreeing), abs=1e-9)
            both = [
                {at for at, h, p, _ in outcomes if h == row.heuristic_op and p == op}
                for op in (row.policy_op, row.heuristic_op)
            ]
            known = min(map(len, both)) > 1
            assert (row.policy_gain_low is not None) == known
            assert not known or (row.policy_gain_low or 0.0) < (row.policy_gain_mean or 0.0)


def test_of_a_demo_actions_and_health_are_counts(demo: Path) -> None:
    plain, whole = Plain(told(demo)), last(seen(demo))
    ops = Counter(made.action.op for _, _, made in plain.decisions)
    assert whole.action_distribution == pytest.approx({op: n / ops.total() for op, n in ops.items()})
    assert whole.decisions == ops.total()
    before = list(seen(demo))
    while not isinstance(before[-1].payload, AnalyticsUpdated):
        before.pop()
    assessed = [one.payload for one in before if isinstance(one.payload, EpochAssessed)]
    raised = Counter(one.payload.alert for one in before if isinstance(one.payload, AlertRaised))
    over = sum(isinstance(one.payload, AlertResolved) for one in before)
    health = whole.training_health
    assert (health.assessed, health.flagged) == (len(assessed), sum(bool(row.red_flags) for row in assessed))
    assert health.flags == Counter(flag for row in assessed for flag in row.red_flags)
    assert health.health_mean == pytest.approx(fmean(row.health for row in assessed if row.health is not None))
    assert health.alerts == raised
    assert health.alerts_standing == raised.total() - over


def test_of_a_demo_the_order_of_environments_does_not_matter(demo: Path) -> None:
    """Each environment's events stay in order, and they are told one after the other, or as chance has it."""
    events = told(demo)
    lanes = [[one for one in events if one.scope.env == env] for env in (None, 1, 0)]
    shuffled, draw = [], random.Random(4)
    while any(lanes):
        shuffled.append(draw.choice([lane for lane in lanes if lane]).pop(0))
    ours, theirs = (flat(last(dispatched(order))) for order in (shuffled, told(demo)))
    for row in (ours, theirs):
        # Alerts of the policy come when its updates do.
        row.pop("training_health")
    assert close(ours, theirs)


def test_of_a_demo_merging_environments_equals_folding_them_together(demo: Path) -> None:
    operator = growth_analytics()
    events = [one for one in seen(demo) if not isinstance(one.payload, VerdictReached) and one.scope.env is not None]
    parts = [folded(operator, [one for one in events if one.scope.env == env])[0] for env in (0, 1)]
    assert operator.merge is not None
    assert close(flat(operator.merge(*parts)), flat(folded(operator, events)[0]))


def test_it_does_not_listen_to_batches() -> None:
    assert "batch_completed" not in {kind.kind for kind in growth_analytics().kinds}


WHERE: dict[str, Any] = {"group": "ppo", "env": 0}


def twin(*accuracies: float, **where: Any) -> Events:
    """A host alone, from epoch 0."""
    where = WHERE | where
    curve = [event(HostBaselineEpoch(val_accuracy=a), epoch=n, **where) for n, a in enumerate(accuracies[1:], start=1)]
    ends: dict[str, Any] = {"initial_accuracy": accuracies[0], "final_accuracy": accuracies[-1], "host_params": 1000}
    return [*curve, event(HostBaselineMeasured(epochs=len(accuracies) - 1, **ends), **where)]


def decided(epoch: int, heuristic: str, policy: str, **rest: Any) -> Event[Any]:
    made = DecisionMade(action=Action(op=policy), heuristic=Action(op=heuristic), **rest)
    return event(made, episode=rest.get("episode", 0), epoch=epoch, **WHERE)


def episode(accuracies: Iterable[float], *decisions: Event[Any], number: int = 0, **where: Any) -> Events:
    """An episode of epochs, each with its decisions behind it, whose kept accuracy is its last."""
    where, known = WHERE | where | {"episode": number}, list(accuracies)
    story = [event(episode_started(), epoch=0, **where)]
    for n, accuracy in enumerate(known, start=1):
        story.append(event(epoch_completed(accuracy), epoch=n, **where))
        story += [event(one.payload, epoch=n, **where) for one in decisions if one.scope.epoch == n]
    end = replace(episode_ended(), kept_accuracy=known[-1], final_accuracy=known[-1], epochs=len(known))
    return [*story, event(end, epoch=len(known), **where)]


def comparison(events: Events) -> list[PolicyComparison]:
    return last(dispatched(events)).policy_vs_heuristic


def test_what_follows_a_decision_is_five_epochs_beyond_the_twin_by_hand() -> None:
    """The twin gains 1 an epoch. The network gains 3 an epoch from its third epoch on, before that 1."""
    alone = twin(*(10.0 + n for n in range(11)))
    grown = [11.0, 12.0, *(12.0 + 3 * n for n in range(1, 9))]
    story = episode(grown, decided(1, "WAIT", "WAIT"), decided(3, "WAIT", "GERMINATE"), decided(7, "WAIT", "CULL"))
    (row,) = comparison([*alone, *story])
    # Epochs 3 to 7: 15 points against 5. Epochs 1 to 5: 1 + 1 + 3 x 3 against 5. Epoch 7 has but four left.
    assert (row.heuristic_op, row.policy_op, row.differing, row.agreeing) == ("WAIT", "GERMINATE", 1, 1)
    assert (row.differing_gain_mean, row.agreeing_gain_mean, row.policy_gain_mean) == (10.0, 6.0, 4.0)
    assert (row.policy_gain_low, row.policy_gain_high) == (None, None)


def test_what_was_refused_or_not_asked_or_has_no_twin_is_not_counted() -> None:
    alone, grown = twin(*(10.0 for _ in range(11))), [10.0 + n for n in range(10)]
    refused = decided(1, "WAIT", "GERMINATE", executed=False)
    unasked = event(DecisionMade(action=Action(op="CULL")), episode=0, epoch=2, **WHERE)
    assert comparison([*alone, *episode(grown, refused, unasked)]) == []
    told_late = [*episode(grown, decided(1, "WAIT", "GERMINATE")), *alone]
    assert comparison(told_late) == []
    assert last(dispatched(told_late)).accuracy_trajectory[-1].twin_accuracy == 10.0


def alone(width: float, params: int, accuracy: float, epochs: int = 10, env: int = 0) -> Event[Any]:
    payload = HostAloneTrained(width=width, host_params=params, epochs=epochs, final_accuracy=accuracy)
    return event(payload, **WHERE | {"env": env})


def test_an_equivalent_is_read_between_hosts_of_as_many_epochs_and_nowhere_else() -> None:
    """Hosts of 1,000 and 4,000 parameters with 50% and 70%: 60% lies halfway over the logarithm, at 2,000."""
    hosts = [*twin(*(50.0 for _ in range(11))), alone(2.0, 4000, 70.0), alone(3.0, 9000, 99.0, epochs=20)]
    found = last(dispatched([*hosts, *episode([60.0] * 10)])).equivalent_traditional_params
    assert (found.kept_equivalent_params, found.final_equivalent_params) == (2000, 2000)
    assert (found.curve_hosts, found.curve_envs, found.kept_params) == (2, 1, 1000)
    beyond = last(dispatched([*hosts, *episode([80.0] * 10)])).equivalent_traditional_params
    assert (beyond.kept_equivalent_params, beyond.final_equivalent_params) == (None, None)
    none = last(dispatched([*twin(*(50.0 for _ in range(11))), *episode([60.0] * 10)])).equivalent_traditional_params
    assert (none.kept_equivalent_params, none.curve_hosts) == (None, 0)


def test_arms_stand_side_by_side_by_what_each_gained_over_its_own_twins() -> None:
    story: Events = []
    for group, gains in (("a", (1.0, 2.0, 3.0, 6.0)), ("b", (0.0, 1.0))):
        for env, gain in enumerate(gains):
            where: dict[str, Any] = {"group": group, "env": env}
            story += [*twin(50.0 + env, 50.0 + env, **where), *episode([50.0 + env + gain], **where)]
    (row,) = [row for row in rows(dispatched(story)) if row.group == "b" and row.env is None][-1].arms
    assert (row.other, row.arm_gain_mean, row.arm_envs, row.other_envs) == ("a", 0.5 - 3.0, 2, 4)
    assert row.arm_gain_low is not None
    assert row.arm_gain_high is not None
    assert -6.0 <= row.arm_gain_low < row.arm_gain_high <= 0.0
    assert all(not row.arms for row in rows(dispatched(story)) if row.env is not None)


def test_a_network_whose_last_epoch_was_not_measured_has_no_share_in_the_ablation_delta(demo: Path) -> None:
    """The seeds that were measured an epoch earlier may be gone."""
    known = Plain(told(demo)).at_the_end()
    assert known
    thinned = [
        one
        for one in told(demo)
        if not (isinstance(one.payload, CounterfactualMeasured) and one.scope.epoch == 45 and one.scope.episode == 2)
    ]
    found = last(dispatched(thinned)).accuracy_delta.ablation_delta_n
    assert found == sum(number != 2 for _, number in known)


def test_a_figure_that_is_not_finite_stays_so() -> None:
    story = [*twin(50.0, 50.0), *episode([math.nan])]
    (point,) = last(dispatched(story)).accuracy_trajectory
    assert math.isnan(point.grown_accuracy)
    assert point.twin_accuracy == 50.0
