"""Net gain, ablation, cull drop and the last quarter, against a search through the whole story, and by hand."""

import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from nissa.events.event import Event
from nissa.events.kinds import (
    BlueprintSummarized,
    CounterfactualMeasured,
    CounterfactualResult,
    EpisodeStarted,
    EpochCompleted,
    HostBaselineEpoch,
    HostBaselineMeasured,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SlotSnapshot,
    StageChanged,
)
from nissa.operators.growth.blueprints import MAX_PENDING, Blueprints, blueprint_stats
from nissa.operators.host_twin import HostTwin
from tests.operators.test_contract import derived, folded
from tests.samples import episode_started, epoch_completed, event, run_started

ENDS = SeedFossilized | SeedCulled


def twin_at(env: int, epoch: int) -> float:
    """The curve of the twins, as whole numbers, so that differences are exact."""
    return float(40 + 7 * env + 3 * epoch - (epoch % 4))


def matrix(*rows: tuple[list[bool], float]) -> CounterfactualMeasured:
    results = [CounterfactualResult(config=config, alpha_settings={}, val_accuracy=found) for config, found in rows]
    return CounterfactualMeasured(slots=["early", "late"], results=results)


def twin_measured(env: int, epochs: int) -> HostBaselineMeasured:
    ends: dict[str, Any] = {"initial_accuracy": twin_at(env, 0), "final_accuracy": twin_at(env, epochs)}
    return HostBaselineMeasured(initial_loss=1.0, final_loss=1.0, epochs=epochs, host_params=1000, **ends)


class Telling:
    """Environments that grow in no particular order; each turn is a few numbers drawn at random."""

    def __init__(self) -> None:
        self.told: list[Event[Any]] = []
        self.place = {env: [0, 0] for env in range(3)}
        self.names: dict[tuple[int, str], str] = {}

    def tell(self, payload: Any, env: int, epoch: int | None = None, *, of_host: bool = False) -> None:
        episode, now = self.place[env]
        where: dict[str, Any] = {"episode": None if of_host else episode, "epoch": now if epoch is None else epoch}
        self.told.append(event(payload, seq=len(self.told), group="ppo", env=env, **where))

    def turn(self, env: int, what: str, slot: str, maybe: tuple[bool, bool, bool], x: int) -> None:
        place, seed = self.place[env], self.names.get((env, slot), f"lost{len(self.told)}")
        match what:
            case "start":
                place[:] = [place[0] + 1, 0]
                self.tell(episode_started(), env)
            case "epoch":
                place[1] += 1
                self.tell(self._epoch(slot, seed, maybe, x), env)
            case "birth":
                self.names[env, slot] = f"s{len(self.told)}"
                blueprint = ("norm", "attention")[x % 2]
                self.tell(SeedGerminated(slot=slot, seed=self.names[env, slot], blueprint=blueprint, params=1), env)
            case "end":
                self.tell(self._end(slot, seed, maybe, x), env)
            case "matrix":
                rows = [([True, True], 80.0), ([False, True], float(x)), ([True, False], 3.0 * x), ([False] * 2, 1.0)]
                self.tell(matrix(*rows[: 1 + x % 4] if maybe[0] else rows[1:]), env)
            case "twin":
                self.tell(HostBaselineEpoch(val_accuracy=twin_at(env, x)), env, x, of_host=True)
            case "ends":
                self.tell(twin_measured(env, 1 + x), env, of_host=True)

    def tell_twins(self) -> None:
        for env in range(3):
            self.tell(twin_measured(env, 20), env, of_host=True)
            for epoch in range(1, 20):
                self.tell(HostBaselineEpoch(val_accuracy=twin_at(env, epoch)), env, epoch, of_host=True)

    @staticmethod
    def _epoch(slot: str, seed: str, maybe: tuple[bool, bool, bool], x: int) -> EpochCompleted:
        told = epoch_completed(float(30 + 5 * x))
        if maybe[0]:
            row: dict[str, Any] = {
                "seed": seed if maybe[1] else None,
                "counterfactual_contribution": float(x) if maybe[2] else None,
            }
            told.slots.append(SlotSnapshot(slot=slot, stage="TRAINING", epochs_in_stage=1, **row))
        return told

    @staticmethod
    def _end(slot: str, seed: str, maybe: tuple[bool, bool, bool], x: int) -> Any:
        told: dict[str, Any] = {"slot": slot, "blueprint": "norm" if maybe[0] else None, "epochs_total": x}
        told |= {"improvement": float(x) if maybe[1] else None, "ablation": float(-x) if maybe[2] else None}
        if x % 2:
            return SeedFossilized(seed=seed, params_added=1, **told)
        drop: dict[str, Any] = {"accuracy_before": 50.0 + x, "accuracy_after": 50.0} if maybe[1] else {}
        initiator = "episode_end" if x % 4 else "policy"
        return SeedCulled(seed=seed if maybe[0] else None, reason="", initiator=initiator, **told, **drop)


@st.composite
def tellings(draw: st.DrawFn) -> list[Event[Any]]:
    telling = Telling()
    what = st.sampled_from(("start", "epoch", "epoch", "birth", "birth", "end", "end", "matrix", "twin", "ends"))
    slots, maybe = st.sampled_from(("early", "late")), st.tuples(st.booleans(), st.booleans(), st.booleans())
    turns = st.tuples(st.integers(0, 2), what, slots, maybe, st.integers(0, 6))
    if draw(st.booleans()):
        telling.told.append(event(RunStarted(**vars_of(run_started()) | {"n_episodes": draw(st.integers(1, 9))})))
    whole = draw(st.sampled_from(("first", "last", "never")))
    if whole == "first":
        telling.tell_twins()
    for turn in draw(st.lists(turns, max_size=60)):
        telling.turn(*turn)
    if whole == "last":
        telling.tell_twins()
    return telling.told


def vars_of(payload: Any) -> dict[str, Any]:
    return {name: getattr(payload, name) for name in payload.__slots__ if name != "kind"}


def expected(story: list[Any]) -> dict[str, dict[str, Any]]:
    """What each blueprint's rows rest on, each seed looked up from its end backwards."""
    found: dict[str, dict[str, Any]] = {}
    for n, e in enumerate(story):
        if isinstance(e.payload, ENDS):
            before = [other for other in story[:n] if other.scope.env == e.scope.env]
            name, values = life(before, e, story[n:])
            row = found.setdefault(name, {"net_gain": [], "ablation": [], "cull_drop": []})
            for key, value in values.items():
                if value is not None:
                    row[key].append((e.scope.env, value))
    return found


def life(before: list[Any], end: Any, after: list[Any]) -> tuple[str, dict[str, float | None]]:
    here = [e for e in before if e.scope.episode == end.scope.episode]
    seed = end.payload.seed or occupant(here, end.payload.slot)
    births = [n for n, e in enumerate(before) if isinstance(e.payload, SeedGerminated) and e.payload.seed == seed]
    ends = [n for n, e in enumerate(before) if isinstance(e.payload, ENDS) and told_of(before, n) == seed]
    born = before[births[-1]] if births and (not ends or ends[-1] < births[-1]) else None
    name = end.payload.blueprint or (born.payload.blueprint if born else "unknown")
    drop = None
    if isinstance(end.payload, SeedCulled) and end.payload.accuracy_before is not None:
        drop = end.payload.accuracy_before - (end.payload.accuracy_after or 0.0)
    values = {"net_gain": None, "ablation": ablation(here, end, seed), "cull_drop": drop}
    if born is not None and born in here:
        values["net_gain"] = gain(here, here.index(born), end, [*before, *after])
    return name, values


def told_of(before: list[Any], n: int) -> str | None:
    e = before[n]
    seed: str | None = e.payload.seed
    return seed or occupant([o for o in before[:n] if o.scope.episode == e.scope.episode], e.payload.slot)


def occupant(here: list[Any], slot: str) -> str | None:
    now = None
    for e in here:
        if isinstance(e.payload, SeedGerminated) and e.payload.slot == slot:
            now = e.payload.seed
        elif isinstance(e.payload, ENDS) and e.payload.slot == slot and e.payload.seed in (None, now):
            now = None
    return now


def gain(here: list[Any], born: int, end: Any, everything: list[Any]) -> float | None:
    epochs = [[e for e in part if isinstance(e.payload, EpochCompleted)][-1:] for part in (here[:born], here)]
    places = [part[0].scope.epoch if part else 0 for part in epochs]
    if not epochs[1] and end.payload.epochs_total:
        return None
    change = end.payload.improvement
    if change is None and all(epochs):
        change = epochs[1][0].payload.val_accuracy - epochs[0][0].payload.val_accuracy
    env = end.scope.env
    if change is None or not both_told(places, env, end, everything):
        return None
    return float(change - (twin_at(env, places[1]) - twin_at(env, places[0])))


def both_told(places: list[int], env: int, end: Any, everything: list[Any]) -> bool:
    """Whether at some moment from the end on, both points stood on the twin's curve."""
    by_epoch: set[int] = set()
    ends: set[int] = set()
    for e in everything:
        if e.scope.env == env and isinstance(e.payload, HostBaselineEpoch):
            if e.scope.epoch <= max(by_epoch, default=-1):
                by_epoch, ends = set(), set()
            by_epoch.add(e.scope.epoch)
        elif e.scope.env == env and isinstance(e.payload, HostBaselineMeasured):
            by_epoch = by_epoch if ends in (set(), {0, e.payload.epochs}) else set()
            ends = {0, e.payload.epochs}
        if e.seq >= end.seq and set(places) <= by_epoch | ends:
            return True
    return False


def ablation(here: list[Any], end: Any, seed: str | None) -> float | None:
    if end.payload.ablation is not None:
        return float(end.payload.ablation)
    slot = end.payload.slot
    for n in reversed(range(len(here))):
        payload = here[n].payload
        if isinstance(payload, SeedGerminated | SeedFossilized | SeedCulled) and payload.slot == slot:
            return None
        value, of = None, occupant(here[:n], slot)
        if isinstance(payload, EpochCompleted):
            rows = [row for row in payload.slots if row.slot == slot and row.counterfactual_contribution is not None]
            value, of = (rows[0].counterfactual_contribution, rows[0].seed or of) if rows else (None, None)
        elif isinstance(payload, CounterfactualMeasured):
            configs = {tuple(row.config): row.val_accuracy or 0.0 for row in payload.results}
            off = (slot != "early", slot != "late")
            value = configs[True, True] - configs[off] if {(True, True), off} <= configs.keys() else None
        if value is not None:
            return float(value) if of in (None, seed) or seed is None else None
    return None


def over_environments(values: list[tuple[int, float]]) -> list[Any]:
    by_env: dict[int, list[float]] = {}
    for env, value in values:
        by_env.setdefault(env, []).append(value)
    means = [statistics.fmean(found) for found in by_env.values()]
    if len(means) < 2:
        return [means[0] if means else None, None, None, len(values)]
    half = stats.t.ppf(0.975, len(means) - 1) * statistics.stdev(means) / math.sqrt(len(means))
    mean = statistics.fmean(means)
    return [mean, mean - half, mean + half, len(values)]


def known(numbers: list[Any]) -> list[float]:
    """With something that no mean can be in the place of what is missing."""
    return [-1e9 if number is None else number for number in numbers]


def last_rows(story: list[Any]) -> dict[str, BlueprintSummarized]:
    return {row.blueprint: row for row in derived(blueprint_stats(), story) if isinstance(row, BlueprintSummarized)}


@settings(max_examples=300)
@given(tellings())
def test_rows_equal_a_search_through_the_whole_story(story: list[Any]) -> None:
    rows, found = last_rows(story), expected(story)
    for blueprint, parts in found.items():
        row = rows[blueprint]
        for name, values in parts.items():
            assert getattr(row, f"{name}_envs") == len({env for env, _ in values})
            got = [getattr(row, f"{name}_{part}") for part in ("mean", "low", "high", "n")]
            assert known(got) == pytest.approx(known(over_environments(values)), rel=1e-7, abs=1e-6), (blueprint, name)


@settings(max_examples=150)
@given(tellings())
def test_the_last_quarter_and_what_was_cut_off_equal_a_plain_count(story: list[Any]) -> None:
    planned = [e.payload.n_episodes for e in story if isinstance(e.payload, RunStarted)]
    kinds = (EpisodeStarted, EpochCompleted, CounterfactualMeasured, SeedGerminated, SeedFossilized, SeedCulled)
    seen = [e.scope.episode + 1 for e in story if isinstance(e.payload, kinds)]
    episodes = max([*planned, *seen, 0])
    late = {episode for episode in range(episodes) if episode >= episodes - math.ceil(episodes / 4)}
    rows = last_rows(story)
    for row in rows.values():
        born = [e for e in story if isinstance(e.payload, SeedGerminated) and e.payload.blueprint == row.blueprint]
        assert row.late_germinated == sum(e.scope.episode in late for e in born)
    fossils = [e for e in story if isinstance(e.payload, SeedFossilized)]
    assert sum(row.late_fossilized for row in rows.values()) == sum(e.scope.episode in late for e in fossils)
    cut = [e for e in story if isinstance(e.payload, SeedCulled) and e.payload.initiator == "episode_end"]
    assert sum(row.cut_off for row in rows.values()) == len(cut)


@settings(max_examples=100)
@given(tellings())
def test_halves_of_the_environments_merge_to_the_whole(story: list[Any]) -> None:
    fold = blueprint_stats()
    parts = [[e for e in story if e.scope.env is None or e.scope.env % 2 == rest] for rest in (0, 1)]
    assert fold.merge is not None
    merged: Blueprints = fold.merge(*(folded(fold, part)[0] for part in parts))
    whole: Blueprints = folded(fold, story)[0]
    for key, group in whole.groups.items.items():
        for name, tally in group.tallies.items.items():
            other = merged.groups[key].tallies[name]
            assert (other.late(), other.net_gain.n) == (tally.late(), tally.net_gain.n)
            assert other.net_gain.interval() == pytest.approx(tally.net_gain.interval(), abs=1e-9)


def lived(env: int = 0, improvement: float | None = 10.0, first: int = 2, last: int = 5) -> list[Event[Any]]:
    """A seed that germinates after epoch `first` and is culled after `last`, named at its birth alone."""
    where: dict[str, Any] = {"group": "ppo", "env": env, "episode": 0}
    end = SeedCulled(slot="early", improvement=improvement, reason="", initiator="policy", epochs_total=last - first)
    told = [event(episode_started(), **where)]
    for epoch in range(last + 1):
        told += [event(epoch_completed(50.0 + epoch), epoch=epoch, **where)] if epoch else []
        told += [event(born("s"), epoch=epoch + 1, **where)] if epoch == first else []
    return [*told, event(end, epoch=last + 1, **where)]


def twins(env: int, *epochs: int) -> list[Event[Any]]:
    where: dict[str, Any] = {"group": "ppo", "env": env}
    return [event(HostBaselineEpoch(val_accuracy=twin_at(env, epoch)), epoch=epoch, **where) for epoch in epochs]


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_twin_counts_whether_it_is_told_before_the_seeds_or_after(order: str) -> None:
    """The twin gains 3 x 3 points and what the remainders differ, 1 - 2: 10 - 10 = 0 by hand."""
    told = twins(0, 2, 5)
    assert twin_at(0, 5) - twin_at(0, 2) == 10.0
    rows = derived(blueprint_stats(), [*told, *lived()] if order == "before" else [*lived(), *told])
    assert isinstance(row := rows[-1], BlueprintSummarized)
    assert (row.net_gain_mean, row.net_gain_low, row.net_gain_n, row.net_gain_envs) == (0.0, None, 1, 1)
    assert row.churn_mean == 10.0


def test_an_improvement_that_was_not_told_is_that_of_the_epochs_in_the_net_gain_alone() -> None:
    row = last_rows([*twins(0, 2, 5), *lived(improvement=None)])["norm"]
    assert (row.net_gain_mean, row.churn_mean) == (3.0 - 10.0, None)


@pytest.mark.parametrize("epochs", [(2,), (5,), (1, 3, 4), ()])
def test_a_point_of_the_twin_that_was_not_told_is_missing_and_never_made_up(epochs: tuple[int, ...]) -> None:
    row = last_rows([*twins(0, *epochs), *lived()])["norm"]
    assert (row.net_gain_mean, row.net_gain_n, row.culled) == (None, 0, 1)


def test_a_seed_whose_germination_was_not_told_has_no_net_gain() -> None:
    story = [e for e in [*twins(0, *range(9)), *lived()] if not isinstance(e.payload, SeedGerminated)]
    row = last_rows(story)["unknown"]
    assert (row.culled, row.net_gain_n) == (1, 0)


def test_the_first_point_of_the_twin_is_its_initial_accuracy_and_its_last_is_of_its_own_length() -> None:
    ends = event(twin_measured(0, 5), group="ppo", env=0)
    row = last_rows([ends, *lived(first=0)])["norm"]
    assert row.net_gain_mean == 10.0 - (twin_at(0, 5) - twin_at(0, 0))
    assert last_rows([ends, *lived(first=0, last=4)])["norm"].net_gain_n == 0


def test_seeds_that_wait_for_a_twin_are_bounded_and_the_first_are_given_up() -> None:
    story = [e for _ in range(MAX_PENDING + 3) for e in lived()]
    row = last_rows([*story, *twins(0, 2, 5)])["norm"]
    assert (row.culled, row.net_gain_n) == (MAX_PENDING + 3, MAX_PENDING)


HERE: dict[str, Any] = {"group": "ppo", "env": 0, "episode": 0}
BOTH = matrix(([True, True], 90.0), ([False, True], 60.0))


def born(name: str) -> SeedGerminated:
    return SeedGerminated(slot="early", seed=name, blueprint="norm", params=1)


def gone(name: str, **more: Any) -> SeedCulled:
    more = dict[str, Any](initiator="policy") | {"improvement": 5.0, "epochs_total": 1} | more
    return SeedCulled(slot="early", seed=name, blueprint="norm", reason="", **more)


STAYS = SeedFossilized(slot="early", seed="a", params_added=1, epochs_total=1)


def slot(alpha: float | None, seed: str | None = "a") -> EpochCompleted:
    told = SlotSnapshot(slot="early", stage="TRAINING", seed=seed, epochs_in_stage=1, alpha=alpha)
    return replace(epoch_completed(50.0), slots=[told])


def stage(alpha: float, seed: str | None = "a") -> StageChanged:
    moved: dict[str, Any] = {"from_stage": "GERMINATED", "to_stage": "TRAINING", "epochs_in_stage": 1}
    return StageChanged(slot="early", seed=seed, alpha=alpha, **moved)


@pytest.mark.parametrize(
    ("told", "never"),
    [
        ([born("a"), slot(0.0), gone("a")], 1),
        ([slot(0.0), gone("a")], 1),
        ([born("a"), slot(0.0, None), gone("a")], 1),
        ([born("a"), stage(0.0), gone("a", initiator="episode_end")], 1),
        ([born("a"), slot(0.0), slot(0.1), slot(0.0), gone("a")], 0),
        ([born("a"), slot(0.0), stage(0.1), gone("a")], 0),
        ([born("a"), slot(0.0), stage(0.1, None), gone("a")], 0),
        ([born("a"), slot(0.0), gone("a", accuracy_before=50.0, accuracy_after=40.0)], 0),
        ([born("a"), slot(0.0), replace(STAYS, blueprint="norm")], 0),
        ([born("a"), slot(0.0), slot(0.1), gone("a"), born("a"), slot(0.0), gone("a")], 1),
        ([born("a"), slot(0.1), STAYS, slot(1.0), born("a"), slot(0.0), gone("a")], 1),
        ([born("b"), slot(0.1, "b"), gone("b"), born("a"), slot(0.0), gone("a")], 1),
        ([born("a"), slot(None), gone("a")], 0),
        ([born("a"), slot(math.nan), gone("a")], 0),
        ([born("a"), gone("a")], 0),
        ([born("a"), slot(0.0), episode_started(), gone("a")], 0),
    ],
)
def test_a_seed_was_never_mixed_in_if_a_share_was_told_and_none_above_0(told: list[Any], never: int) -> None:
    assert last_rows([event(payload, **HERE) for payload in told])["norm"].never_mixed == never


@pytest.mark.parametrize(
    ("told", "ablation"),
    [
        ([born("a"), BOTH, gone("a")], 30.0),
        ([born("a"), BOTH, gone("a"), born("b"), gone("b")], 30.0),
        ([born("a"), BOTH, born("b"), gone("b")], None),
        ([BOTH, born("a"), gone("a")], None),
        ([born("a"), BOTH, gone("b")], None),
        ([BOTH, gone("a")], 30.0),
        ([born("a"), BOTH, gone("a", ablation=-4.0)], -4.0),
    ],
)
def test_an_ablation_is_of_the_seed_that_was_there_when_it_was_measured(told: list[Any], ablation: float) -> None:
    row = last_rows([event(payload, **HERE) for payload in told])["norm"]
    assert (row.ablation_mean, row.ablation_n) == (ablation, 0 if ablation is None else 1)


def test_where_no_epoch_was_told_a_seed_that_lived_for_some_has_no_net_gain() -> None:
    ends = event(twin_measured(0, 5), group="ppo", env=0)
    seen = [last_rows([ends, event(born("a"), **HERE), event(gone("a", epochs_total=age), **HERE)]) for age in (3, 0)]
    assert [rows["norm"].net_gain_mean for rows in seen] == [None, 5.0]


def test_a_new_episode_changes_what_the_last_quarter_is_and_its_rows_are_told_anew() -> None:
    story = [event(born("s"), env=0, episode=0), event(episode_started(), env=0, episode=1)]
    rows = [row for row in derived(blueprint_stats(), story) if isinstance(row, BlueprintSummarized)]
    assert [(row.germinated, row.late_germinated) for row in rows] == [(1, 1), (1, 0)]


def test_the_peak_of_a_twin_is_of_as_many_looks_as_the_episode_had() -> None:
    twin = HostTwin()
    for epoch in (2, 4, 6):
        twin.note(HostBaselineEpoch(val_accuracy=float(100 - epoch)), epoch)
    assert (twin.peak(6), twin.peak(6, looks=3), twin.peak(6, looks=4), twin.peak(5, looks=2)) == (
        None,
        98.0,
        None,
        None,
    )
    broken = HostTwin()
    for epoch, accuracy in ((2, math.nan), (4, 96.0), (6, 94.0)):
        broken.note(HostBaselineEpoch(val_accuracy=accuracy), epoch)
    assert broken.peak(6, looks=3) == 96.0


def curve(twin: HostTwin, *accuracies: float) -> None:
    for epoch, accuracy in enumerate(accuracies, start=1):
        twin.note(HostBaselineEpoch(val_accuracy=accuracy), epoch)


def ends(initial: float, final: float, epochs: int) -> HostBaselineMeasured:
    told: dict[str, Any] = {"initial_accuracy": initial, "final_accuracy": final, "epochs": epochs}
    return HostBaselineMeasured(initial_loss=1.0, final_loss=1.0, host_params=1000, **told)


def test_a_twin_trained_anew_is_another_network_and_nothing_of_the_one_before_is_mixed_with_it() -> None:
    twin = HostTwin()
    curve(twin, 60.0, 80.0, 75.0)
    twin.note(ends(10.0, 75.0, 3), None)
    curve(twin, 50.0)
    assert ([twin.at(epoch) for epoch in range(4)], twin.epochs) == ([None, 50.0, None, None], 1)
    assert (twin.peak(3), twin.gained(1, 3)) == (None, None)
    twin.note(HostBaselineEpoch(val_accuracy=55.0), 2)
    twin.note(ends(12.0, 55.0, 2), None)
    assert ([twin.at(epoch) for epoch in range(4)], twin.epochs) == ([12.0, 50.0, 55.0, None], 2)


def test_a_twin_whose_ends_are_told_first_keeps_them_and_other_ends_are_of_another() -> None:
    twin = HostTwin()
    twin.note(ends(math.nan, 75.0, 3), None)
    curve(twin, 60.0, 80.0, 75.0)
    twin.note(ends(math.nan, 75.0, 3), None)
    assert (twin.at(2), twin.at(3)) == (80.0, 75.0)
    twin.note(ends(12.0, 55.0, 2), None)
    assert [twin.at(epoch) for epoch in range(4)] == [12.0, None, 55.0, None]
    curve(twin, 50.0, 55.0)
    assert [twin.at(epoch) for epoch in range(4)] == [12.0, 50.0, 55.0, None]


def test_a_twin_of_one_episode_is_that_episodes_alone() -> None:
    """The environment's gains 10 points over the seed's life, that of the episode 4."""
    points = {epoch: HostBaselineEpoch(val_accuracy=accuracy) for epoch, accuracy in ((2, 50.0), (5, 54.0))}
    own = [event(point, env=0, group="ppo", episode=0, epoch=epoch) for epoch, point in points.items()]
    seeds = [event(e.payload, **e.scope._asdict() | {"episode": 1}) for e in lived()]
    for story in ([*own, *twins(0, 2, 5), *lived(), *seeds], [*lived(), *seeds, *own, *twins(0, 2, 5)]):
        row = last_rows(story)["norm"]
        assert (row.net_gain_n, row.net_gain_mean) == (2, ((10.0 - 4.0) + (10.0 - 10.0)) / 2)
