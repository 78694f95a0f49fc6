"""Blueprint rows, scoreboards and best runs against counts done by hand or by a plain loop."""

import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.event import Env
from nissa.events.kinds import (
    BestRun,
    BlueprintSummarized,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    RunStarted,
    ScoreboardUpdated,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.operators.growth.blueprints import blueprint_stats
from nissa.operators.growth.model_size import compute_cost, growth_ratio
from nissa.operators.growth.ranking import MAX_ENVS, best_runs, rank
from nissa.operators.growth.scoreboard import seed_scoreboard
from tests.operators.test_contract import derived
from tests.samples import episode_ended, episode_started, epoch_completed, event, run_started, stories


def germinated(blueprint: str = "norm", slot: str = "early", seed: str = "s1", **more: Any) -> SeedGerminated:
    return SeedGerminated(slot=slot, seed=seed, blueprint=blueprint, params=more.pop("params", 10), **more)


def fossilized(blueprint: str | None = "norm", slot: str = "early", seed: str = "s1", **more: Any) -> SeedFossilized:
    values = {"improvement": 1.0, "params_added": 10, "epochs_total": 5} | more
    return SeedFossilized(slot=slot, seed=seed, blueprint=blueprint, **values)


def culled(blueprint: str | None = "norm", slot: str = "early", seed: str | None = "s1", **more: Any) -> SeedCulled:
    values = {"improvement": -1.0, "epochs_total": 3} | more
    return SeedCulled(slot=slot, seed=seed, blueprint=blueprint, reason="late", initiator="policy", **values)


def last_rows(operator: Any, story: list[Any]) -> dict[Any, Any]:
    rows: dict[Any, Any] = {}
    for row in derived(operator, story):
        key = row.blueprint if isinstance(row, BlueprintSummarized) else row.env  # type: ignore[attr-defined]
        rows[key] = row
    return rows


def named(story: list[Any]) -> list[tuple[str, Any]]:
    """Seeds that germinate or end, each with its blueprint, told again at its end or not."""
    found: list[tuple[str, Any]] = []
    born: dict[Any, str] = {}
    for e in story:
        if isinstance(seed := e.payload, SeedGerminated):
            born[e.scope.env, seed.seed] = seed.blueprint
            found.append((seed.blueprint, seed))
        elif isinstance(seed, SeedFossilized | SeedCulled):
            told = born.pop((e.scope.env, seed.seed), None)
            found.append((seed.blueprint or told or "unknown", seed))
    return found


@settings(max_examples=150)
@given(stories())
def test_blueprint_rows_equal_a_plain_count(story: list[Any]) -> None:
    rows = last_rows(blueprint_stats(), story)
    seeds = named(story)
    assert rows.keys() == {blueprint for blueprint, _ in seeds}
    for name, row in rows.items():
        mine = [seed for blueprint, seed in seeds if blueprint == name]
        gains = [s.improvement for s in mine if isinstance(s, SeedFossilized) and s.improvement is not None]
        losses = [s.improvement for s in mine if isinstance(s, SeedCulled) and s.improvement is not None]
        ends = [s.epochs_total for s in mine if not isinstance(s, SeedGerminated)]
        n_fossilized = sum(isinstance(s, SeedFossilized) for s in mine)
        assert row.germinated == sum(isinstance(s, SeedGerminated) for s in mine)
        assert (row.fossilized, row.culled) == (n_fossilized, len(ends) - n_fossilized)
        assert row.fossilization_rate == (pytest.approx(100 * n_fossilized / len(ends)) if ends else None)
        assert row.lifespan_mean == (pytest.approx(statistics.fmean(ends)) if ends else None)
        for found, spread, values in (
            (row.acc_delta_mean, row.acc_delta_std, gains),
            (row.churn_mean, row.churn_std, losses),
        ):
            assert found == (pytest.approx(statistics.fmean(values), abs=1e-9) if values else None)
            assert spread == (pytest.approx(statistics.stdev(values), abs=1e-6) if len(values) > 1 else None)


def test_a_rate_or_mean_of_nothing_is_missing_and_not_zero() -> None:
    (row,) = derived(blueprint_stats(), [event(germinated())])
    assert isinstance(row, BlueprintSummarized)
    assert (row.fossilization_rate, row.acc_delta_mean, row.churn_mean, row.lifespan_mean) == (None,) * 4


def test_a_sum_of_which_a_part_was_not_told_is_not_known_and_a_mean_is_one_of_what_was() -> None:
    bare = SeedFossilized(slot="early", seed="s2", blueprint="norm")
    story = [event(payload, env=0, episode=0) for payload in (episode_started(), fossilized(), bare)]
    before, after = derived(seed_scoreboard(), story)[1:]
    assert (before.params_added, before.growth_ratio) == (10, 1.01)  # type: ignore[attr-defined]
    assert (after.fossilized, after.params_added, after.growth_ratio) == (2, None, None)  # type: ignore[attr-defined]
    row = last_rows(blueprint_stats(), story)["norm"]
    assert (row.fossilized, row.lifespan_mean) == (2, 5.0)


def test_an_episode_that_tells_no_size_goes_by_the_one_before_or_by_its_run() -> None:
    run = event(RunStarted(host_params=50))
    starts = [event(EpisodeStarted(policy="ppo"), env=0, episode=n) for n in range(2)]
    assert [row.host_params for row in derived(seed_scoreboard(), [run, *starts])] == [50, 50]  # type: ignore[attr-defined]
    assert [row.host_params for row in derived(seed_scoreboard(), starts)] == [None, None]  # type: ignore[attr-defined]


def test_a_broken_improvement_shows_in_the_mean() -> None:
    rows = derived(blueprint_stats(), [event(fossilized(improvement=math.nan)), event(fossilized())])
    assert isinstance(rows[-1], BlueprintSummarized)
    assert math.isnan(rows[-1].acc_delta_mean or 0.0)
    assert rows[-1].fossilized == 2


def test_groups_have_rows_of_their_own() -> None:
    rows = derived(blueprint_stats(), [event(germinated(), group="a"), event(germinated(), group="b")])
    assert [(row.group, row.germinated) for row in rows if isinstance(row, BlueprintSummarized)] == [("a", 1), ("b", 1)]


@settings(max_examples=150)
@given(stories())
def test_scoreboards_equal_a_plain_count(story: list[Any]) -> None:
    rows = last_rows(seed_scoreboard(), story)
    for env, row in rows.items():
        mine = [e for e in story if e.scope.env == env]
        fossils = [e.payload for e in mine if isinstance(e.payload, SeedFossilized)]
        assert row.germinated == sum(isinstance(e.payload, SeedGerminated) for e in mine)
        assert (row.fossilized, row.culled) == (len(fossils), sum(isinstance(e.payload, SeedCulled) for e in mine))
        assert row.params_added == sum(seed.params_added or 0 for seed in fossils)
        assert sum(row.fossilized_by_blueprint.values()) == len(fossils)
        now = [e for e in mine if e.scope.episode == mine[-1].scope.episode]
        starts = [e.payload.host_params for e in mine if isinstance(e.payload, EpisodeStarted)]
        added = sum(e.payload.params_added or 0 for e in now if isinstance(e.payload, SeedFossilized))
        if any(isinstance(e.payload, SCOREBOARD) for e in now):
            assert row.host_params == (starts[-1] if starts else None)
            assert row.growth_ratio == (pytest.approx(1 + added / (starts[-1] or math.inf)) if starts else None)


SCOREBOARD = EpisodeStarted | SeedGerminated | SeedFossilized | SeedCulled


def test_totals_run_on_over_episodes_while_the_model_starts_anew() -> None:
    story = [
        event(episode_started(1000, 5000), env=0, episode=0),
        event(germinated("attention", flops=500), env=0, episode=0),
        event(fossilized("attention", params_added=100), env=0, episode=0),
        event(germinated("norm", "late", "s2"), env=0, episode=0),
        event(episode_started(1000, 5000), env=0, episode=1),
    ]
    boards = [row for row in derived(seed_scoreboard(), story) if isinstance(row, ScoreboardUpdated)]
    assert (boards[2].growth_ratio, boards[2].compute_cost, boards[2].flops_ratio) == (1.1, 1.35, 1.1)
    assert boards[3].live_blueprints == {"late": "norm"}
    assert (boards[4].growth_ratio, boards[4].compute_cost, boards[4].live_blueprints) == (1.0, 1.0, {})
    assert (boards[4].germinated, boards[4].fossilized, boards[4].params_added) == (2, 1, 100)


def test_a_seed_that_was_never_seen_to_germinate_is_counted_and_flagged() -> None:
    story = [event(germinated(seed="s1")), event(culled(seed="s9")), event(fossilized(slot="late"))]
    rows = [row for row in derived(seed_scoreboard(), story) if isinstance(row, ScoreboardUpdated)]
    assert (rows[-1].culled, rows[-1].fossilized, rows[-1].orphans) == (1, 1, 2)
    assert rows[-1].live_blueprints == {"early": "norm"}
    assert rows[-1].flops_ratio is None


def test_the_cost_of_the_examples_follows_from_the_formula_and_not_from_the_documents() -> None:
    assert compute_cost({"depthwise": 3, "conv_enhance": 2}) == pytest.approx(1 + 3 * 0.08 + 2 * 0.15)
    assert compute_cost({"something_new": 2}) == pytest.approx(1.2)
    assert compute_cost({}) == 1.0


def test_a_multiplier_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 1, but \{'norm': 0.5\}"):
        seed_scoreboard({"norm": 0.5})


def test_growth_of_a_size_that_was_not_told_is_unknown_and_of_no_host_one() -> None:
    assert (growth_ratio(0, 50), growth_ratio(1000, 0), growth_ratio(1000, 500)) == (1.0, 1.0, 1.5)
    assert (growth_ratio(None, 50), growth_ratio(1000, None)) == (None, None)


@pytest.mark.parametrize("unknown", [{"host_params": None}, {"total_seed_params": None}])
def test_an_episode_of_unknown_size_is_ranked_by_accuracy_and_on_no_front(unknown: dict[str, Any]) -> None:
    story = [
        event(replace(epoch_completed(90.0), **unknown), env=0, episode=0, epoch=1),
        event(episode_ended(), env=0, episode=0),
        event(epoch_completed(80.0, 100), env=0, episode=1, epoch=1),
        event(episode_ended(), env=0, episode=1),
    ]
    rows = derived(best_runs(), story)[-1].runs  # type: ignore[attr-defined]
    assert [(row.peak_accuracy, row.growth_ratio, row.efficiency, row.pareto) for row in rows] == [
        (90.0, None, None, False),
        (80.0, 1.1, 80.0 / 1.1, True),
    ]


def test_what_comes_late_of_an_episode_counts_for_it_and_not_for_the_next() -> None:
    story = [
        event(epoch_completed(90.0), env=0, episode=0, epoch=1),
        event(epoch_completed(80.0), env=0, episode=1, epoch=1),
        event(episode_ended(), env=0, episode=0),
        event(episode_ended(), env=0, episode=1),
    ]
    rows = derived(best_runs(), story)[-1].runs  # type: ignore[attr-defined]
    assert [(row.episode, row.peak_accuracy) for row in rows] == [(0, 90.0), (1, 80.0)]


def test_a_host_whose_size_only_the_run_told_grows_all_the_same() -> None:
    unknown = replace(epoch_completed(90.0, 125), host_params=None, total_params=None)
    story = [
        event(run_started()),
        event(germinated(), env=0, episode=0),
        event(fossilized(blueprint=None, params_added=125), env=0, episode=0),
        event(unknown, env=0, episode=0, epoch=1),
        event(episode_ended(), env=0, episode=0),
    ]
    board = derived(seed_scoreboard(), story)[-1]
    assert isinstance(board, ScoreboardUpdated)
    assert (board.host_params, board.growth_ratio, board.fossilized_by_blueprint) == (1250, 1.1, {"norm": 1})
    (best,) = derived(best_runs(), story)[-1].runs  # type: ignore[attr-defined]
    assert (best.growth_ratio, best.efficiency) == (1.1, 90.0 / 1.1)


def test_an_episode_that_ended_twice_is_ranked_once_with_what_was_told_last() -> None:
    told = [(1, 80.0), (2, 90.0)]
    story = [event(episode_started(), env=0, episode=0)]
    for epoch, accuracy in told:
        story += [
            event(epoch_completed(accuracy), env=0, episode=0, epoch=epoch),
            event(episode_ended(), env=0, episode=0),
        ]
    ranked = derived(best_runs(), [*story, event(episode_started(), env=0, episode=0)])[-1]
    assert [(run.peak_accuracy, run.rank) for run in ranked.runs] == [(90.0, 1)]  # type: ignore[attr-defined]
    assert ranked.finished == 1  # type: ignore[attr-defined]


def test_a_seed_that_ends_late_leaves_the_model_of_the_next_episode_alone() -> None:
    story = [
        event(episode_started(), env=0, episode=0),
        event(germinated(), env=0, episode=0),
        event(episode_started(), env=0, episode=1),
        event(germinated("attention", "late", "s2"), env=0, episode=1),
        event(fossilized(), env=0, episode=0),
    ]
    last = derived(seed_scoreboard(), story)[-1]
    assert isinstance(last, ScoreboardUpdated)
    assert (last.live_blueprints, last.growth_ratio) == ({"late": "attention"}, 1.0)
    assert (last.germinated, last.fossilized, last.orphans) == (2, 1, 0)


def test_the_best_run_is_taken_at_its_first_peak_with_the_seeds_of_that_epoch() -> None:
    accuracies = [(1, 80.0, 0), (2, 90.0, 100), (3, 90.0, 400), (4, 85.0, 0)]
    story = [event(epoch_completed(acc, size), env=0, episode=0, epoch=epoch) for epoch, acc, size in accuracies]
    (ranked,) = derived(best_runs(), [*story, event(episode_ended(), env=0, episode=0, epoch=4)])
    (run,) = ranked.runs  # type: ignore[attr-defined]
    assert (run.epoch, run.peak_accuracy, run.growth_ratio) == (2, 90.0, 1.1)
    assert run.efficiency == pytest.approx(90.0 / 1.1)


def test_an_episode_without_a_finite_accuracy_is_counted_but_not_ranked() -> None:
    story = [event(epoch_completed(math.nan), env=0, episode=0), event(episode_ended(), env=0, episode=0)]
    (ranked,) = derived(best_runs(), story)
    assert (ranked.runs, ranked.finished) == ([], 1)  # type: ignore[attr-defined]


@settings(max_examples=150)
@given(stories())
def test_best_runs_equal_a_search_through_the_whole_story(story: list[Any]) -> None:
    ends = [n for n, e in enumerate(story) if isinstance(e.payload, EpisodeEnded)]
    ranked = derived(best_runs(), story)
    assert len(ranked) == len(ends)
    expected = {}
    for end in ends:
        where = story[end].scope._replace(epoch=None)
        before = [e for e in story[:end] if e.scope._replace(epoch=None) == where]
        epochs = [e for e in before if isinstance(e.payload, EpochCompleted)]
        if epochs:
            peak = max(epochs, key=lambda e: (e.payload.val_accuracy, -e.scope.epoch))
            expected[where.env, where.episode] = (peak.scope.epoch, peak.payload.val_accuracy)
    if ends:
        found = {(run.env, run.episode): (run.epoch, run.peak_accuracy) for run in ranked[-1].runs}  # type: ignore[attr-defined]
        assert (found, len(ranked[-1].runs)) == (expected, len(expected))  # type: ignore[attr-defined]
        assert ranked[-1].finished == len({story[end].scope[:4] for end in ends})  # type: ignore[attr-defined]


def run(accuracy: float, growth: float | None, env: int = 0) -> BestRun:
    return BestRun(
        group="ppo",
        env=env,
        episode=0,
        epoch=1,
        peak_accuracy=accuracy,
        growth_ratio=growth,
        efficiency=None if growth is None else accuracy / growth,
        rank=0,
        pareto=False,
    )


SIZES = st.sampled_from((1.0, 1.2, 1.5, None))
RUNS = st.lists(st.builds(run, st.sampled_from((80.0, 90.0, 95.0)), SIZES), max_size=12)


def size(run: BestRun) -> float:
    return math.inf if run.growth_ratio is None else run.growth_ratio


@given(RUNS)
def test_the_pareto_front_equals_the_definition_tried_on_every_pair(runs: list[BestRun]) -> None:
    for found in rank(runs, keep=100):
        beaten = any(
            (o.peak_accuracy >= found.peak_accuracy and size(o) < size(found))
            or (o.peak_accuracy > found.peak_accuracy and size(o) <= size(found))
            for o in runs
        )
        assert found.pareto == (not beaten and found.growth_ratio is not None)


@given(RUNS, st.integers(1, 5))
def test_ranks_follow_accuracy_then_size_and_the_front_is_forgotten_last(runs: list[BestRun], keep: int) -> None:
    ranked = rank(runs, keep)
    order = [(-r.peak_accuracy, size(r)) for r in ranked]
    assert order == sorted(order)
    everything = rank(runs, 100)
    kept = sorted(everything, key=lambda r: not r.pareto)[:keep]
    best = everything[:1]
    assert {r.rank for r in ranked} == {r.rank for r in (*kept, *best)}


@given(st.lists(st.builds(run, st.floats(0, 100), SIZES, st.integers(0, 5)), max_size=40), st.integers(1, 5))
def test_however_few_are_kept_the_best_of_each_environment_is_among_them(runs: list[BestRun], keep: int) -> None:
    kept: list[BestRun] = []
    for one in runs:
        kept = rank([*kept, one], keep)
    best: dict[Env | None, tuple[float, float]] = {}
    for one in runs:
        best[one.env] = min(best.get(one.env, (1.0, 0.0)), (-one.peak_accuracy, size(one)))
    found: dict[Env | None, tuple[float, float]] = {}
    for one in kept:
        found.setdefault(one.env, (-one.peak_accuracy, size(one)))
    assert found == best


def test_64_environments_of_20_episodes_are_all_listed_and_the_list_is_bounded() -> None:
    """Environment 63 is best and 0 worst, by far: none of its episodes is among the 100 best."""
    story = [
        told
        for episode in range(20)
        for env in range(64)
        for told in (
            event(epoch_completed(20.0 + env + episode / 20), env=env, episode=episode, epoch=1),
            event(episode_ended(), env=env, episode=episode),
        )
    ]
    rows = derived(best_runs(), story)[-1].runs  # type: ignore[attr-defined]
    best = {env: max(row.peak_accuracy for row in rows if row.env == env) for env in {row.env for row in rows}}
    assert best == {env: 20.0 + env + 19 / 20 for env in range(64)}
    assert len(rows) == 100 + 64 - 5


def test_of_more_environments_than_are_listed_the_best_stay() -> None:
    kept = rank([run(50.0 + env / 100, 1.0, env) for env in range(2 * MAX_ENVS)], keep=1)
    assert [row.env for row in kept] == list(range(2 * MAX_ENVS - 1, MAX_ENVS - 1, -1))


def test_keeping_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        best_runs(keep=0)
