"""Views say what the operators and tables say of the same run, to the last digit."""

import re
from pathlib import Path
from typing import Any

import pytest

from nissa.events.json_encoding import plain
from nissa.events.kinds import (
    CounterfactualMeasured,
    CounterfactualResult,
    EpochCompleted,
    HostBaselineEpoch,
    RunEnded,
    RunResumed,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.pipeline.query import VIEWS, described
from nissa.pipeline.replay import Replay, replay
from nissa.sinks.store import RunStore
from tests.pipeline.query.asking import Ask, ask, told, write

Row = dict[str, Any]


@pytest.fixture(scope="module")
def replayed(run: Path) -> tuple[Replay, RunStore]:
    """The same run, as `nissa replay` and `nissa show` see it."""
    store = RunStore()
    return replay(run, [store]), store


def agree(found: list[Row], rows: list[Row], key: tuple[str, ...]) -> None:
    """Rows with the same keys are the same, in all that both tell."""
    assert rows

    def of(row: Row) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in key)

    asked = {of(row): row for row in found}
    assert len(asked) == len(found) == len(rows)
    for row in rows:
        other = asked[of(row)]
        shared = row.keys() & other.keys() - {"env", "time"}
        assert len(shared) > len(key) - 2
        assert {name for name in shared if other[name] != row[name]} == set()


@pytest.mark.parametrize(
    ("view", "table", "key"),
    [
        ("verdicts", "verdicts", ("group",)),
        ("blueprints", "blueprints", ("group", "blueprint")),
        ("episodes", "episodes", ("env", "episode")),
        ("traces", "traces", ("env", "episode", "reasons", "first_epoch", "last_epoch", "batches_before", "closed")),
        ("attribution", "attribution", ("env", "episode", "epoch", "slot")),
        ("alerts", "alerts", ("env", "episode", "epoch", "alert", "subject", "what")),
    ],
)
def test_a_view_agrees_with_the_summary(
    demo_says: Ask, replayed: tuple[Replay, RunStore], view: str, table: str, key: tuple[str, ...]
) -> None:
    rows = [plain(row) for row in replayed[0].tables.snapshot()[table]]
    agree(demo_says(f"select * from {view}"), rows, key)


def test_an_alert_ends_as_in_the_summary(demo_says: Ask, replayed: tuple[Replay, RunStore]) -> None:
    rows = replayed[0].tables.snapshot()["alerts"]
    ends = [(row["alert"], row["ended"], row["observations"], row["state"]) for row in rows]
    assert len({state for *_, state in ends}) > 1
    found = demo_says("select alert, ended, observations, state from alerts")
    assert [tuple(row.values()) for row in found] == ends


def test_epochs_and_counterfactuals_agree_with_the_store(demo_says: Ask, replayed: tuple[Replay, RunStore]) -> None:
    epochs = [
        plain(row.completed) | {"env": row.where.env, "episode": row.where.episode, "epoch": row.where.epoch}
        for row in replayed[1].epochs()
    ]
    for row in epochs:
        row.pop("slots")
    agree(demo_says("select * exclude (slots) from epochs"), epochs, ("env", "episode", "epoch"))
    accuracies = [
        (str(row.where.env), row.where.episode, row.where.epoch, result.config, result.val_accuracy)
        for row in replayed[1].counterfactuals()
        for result in row.measured.results
    ]
    found = demo_says("select env, episode, epoch, config, val_accuracy from counterfactuals")
    assert sorted(tuple(row.values()) for row in found) == sorted(accuracies)


def test_a_mean_of_deltas_is_the_one_of_the_verdict(demo_says: Ask) -> None:
    (verdict,) = demo_says("select kept_training_delta_mean, envs, episodes from verdicts")
    (mean,) = demo_says(
        "select avg(delta) as delta, count(*) as envs, sum(n)::bigint as episodes from "
        "(select avg(kept_training_delta) as delta, count(*) as n from episodes group by env)"
    )
    assert mean == {**mean, "envs": verdict["envs"], "episodes": verdict["episodes"]}
    assert mean["delta"] == pytest.approx(verdict["kept_training_delta_mean"], abs=1e-12)


def test_seeds_by_blueprint_are_those_of_the_summary(demo_says: Ask) -> None:
    counts = (
        "count(*) as germinated, count(*) filter (fate = 'fossilized') as fossilized, "
        "count(*) filter (fate = 'culled') as culled, count(*) filter (cut_off) as cut_off"
    )
    found = demo_says(f"select blueprint, {counts} from seeds group by blueprint order by blueprint")
    assert found == demo_says("select blueprint, germinated, fossilized, culled, cut_off from blueprints order by 1")
    (change,) = demo_says("select avg(improvement) as mean from seeds where fate = 'fossilized' and blueprint = 'norm'")
    (row,) = demo_says("select acc_delta_mean as mean from blueprints where blueprint = 'norm'")
    assert change["mean"] == pytest.approx(row["mean"], abs=1e-12)


def test_a_curve_of_a_scalar_has_the_ends_of_the_summary(demo_says: Ask, replayed: tuple[Replay, RunStore]) -> None:
    rows = replayed[0].tables.snapshot()["scalars"]
    sums = "min(value) as min, max(value) as max, arg_max(value, step) as last, max(step) as step, count(*) as count"
    found = demo_says(f"select env, name, {sums} from scalars group by all order by env, name")
    assert found == [{name: row[name] for name in found[0]} | {"env": str(row["env"])} for row in rows]


def test_decisions_have_the_advantages_of_their_epochs(demo_says: Ask) -> None:
    scored = {
        (row["env"], row["episode"], epoch): (advantage, target)
        for row in demo_says("select * from decisions_scored")
        for epoch, advantage, target in zip(row["epochs"], row["advantages"], row["returns"], strict=True)
    }
    found = demo_says('select env, episode, epoch, op, advantage, "return" from decisions where advantage is not null')
    assert {(r["env"], r["episode"], r["epoch"]): (r["advantage"], r["return"]) for r in found} == scored
    assert {row["op"] for row in found} <= {"WAIT", "GERMINATE", "CULL", "FOSSILIZE"}


def test_lives_of_seeds_by_hand(tmp_path: Path) -> None:
    born = {name: SeedGerminated(slot="mid", seed=name, blueprint="norm", params=8) for name in "abcd"}
    story = told(
        SeedCulled(slot="mid", seed="z", improvement=1.0, initiator="gate"),  # nobody saw it germinate
        born["a"],
        SeedGerminated(slot="late", seed="l", blueprint="conv", params=9),
        SeedCulled(slot="mid", seed="a", accuracy_before=50.0, accuracy_after=40.5, initiator="episode_end"),
        born["b"],
        SeedFossilized(slot="mid", seed="b", improvement=2.5),
        born["c"],  # its end was lost
        born["d"],
        SeedCulled(slot="mid"),  # a log that does not name it
        SeedGerminated(slot="mid", seed="e", blueprint="norm", params=8),
        SeedCulled(slot="mid", seed="y", initiator="policy"),  # another one's end
    )
    found = ask(write(tmp_path / "log.jsonl", story), "select seed, slot, fate, params, cull_drop, cut_off from seeds")
    assert [tuple(row.values()) for row in found] == [
        ("z", "mid", "culled", None, None, False),
        ("a", "mid", "culled", 8, 9.5, True),
        ("l", "late", None, 9, None, None),
        ("b", "mid", "fossilized", 8, None, None),
        ("c", "mid", None, 8, None, None),
        ("d", "mid", "culled", 8, None, None),
        ("e", "mid", None, 8, None, None),
        ("y", "mid", "culled", None, None, False),
    ]


def test_a_run_that_went_on_has_no_end_yet(tmp_path: Path) -> None:
    ended = RunEnded(outcome="completed", duration=1.0)
    resumed = RunResumed(torn=0, process=1, versions={}, hardware={})
    sql = "select base_seed, outcome, resumed, events from runs"
    whole = write(tmp_path / "whole.jsonl", told(RunStarted(base_seed=3), ended))
    goes_on = write(tmp_path / "on.jsonl", told(RunStarted(base_seed=3), ended, resumed))
    assert [*ask(whole, sql)[0].values()] == [3, "completed", 0, 2]
    assert [*ask(goes_on, sql)[0].values()] == [3, None, 1, 3]


def test_runs_of_one_name_in_two_places_are_two(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        write(tmp_path / f"{name}.jsonl", told(RunStarted(base_seed=seed), EpochCompleted(), epoch=seed))
    found = ask(str(tmp_path / "*.jsonl"), "select path, base_seed from runs")
    assert [(row["path"][-7:], row["base_seed"]) for row in found] == [("a.jsonl", 1), ("b.jsonl", 2)]
    assert [row["epoch"] for row in ask(str(tmp_path / "?.jsonl"), "select epoch from epochs order by path")] == [1, 2]


def test_a_place_that_is_not_told_joins_with_itself(tmp_path: Path) -> None:
    where = {"group": None, "env": None, "episode": None}
    story = told(HostBaselineEpoch(val_accuracy=70.0), EpochCompleted(val_accuracy=80.0), **where)
    (row,) = ask(write(tmp_path / "log.jsonl", story), "select val_accuracy - twin_val_accuracy as gain from epochs")
    assert row == {"gain": 10.0}


def test_seeds_that_were_on_are_named_and_compared_with_all(tmp_path: Path) -> None:
    results = [
        CounterfactualResult(config=config, alpha_settings={}, val_accuracy=accuracy)
        for config, accuracy in (([True, True], 90.0), ([True, False], 85.5), ([False, False], None))
    ]
    story = told(CounterfactualMeasured(slots=["early", "late"], results=results))
    found = ask(write(tmp_path / "log.jsonl", story), "select seeds_on, n_on, against_all from counterfactuals")
    assert [tuple(row.values()) for row in reversed(found)] == [
        (["early", "late"], 2, 0.0),
        (["early"], 1, -4.5),
        ([], 0, None),
    ]


def test_every_number_has_a_unit_and_every_column_a_meaning() -> None:
    columns = [*described()]
    assert {column.view for column in columns} >= {view.name for view in VIEWS}
    where = {
        "episode",
        "epoch",
        "seq",
        "ordinal",
        "position",
        "last_position",
        "germinated_epoch",
        "ended_epoch",
        "number",
    }
    bare = [
        c
        for c in columns
        if c.type in {"DOUBLE", "BIGINT"} and not c.unit and c.column.removeprefix("told_") not in where
    ]
    assert bare == []
    assert [column for column in columns if not column.meaning] == []


def test_a_log_of_another_system_is_asked_alike(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> None:
    source = request.config.getoption("--esper-log") or root.parent / "shared/esper/events.jsonl"
    if not Path(source).exists():
        pytest.skip("no log of esper-lite: --esper-log PATH")
    log = tmp_path / "esper.jsonl"
    log.write_bytes(Path(source).read_bytes())
    result = replay(log)
    agree(
        ask(log, "select * from blueprints"),
        [*map(plain, result.tables.snapshot()["blueprints"])],
        ("group", "blueprint"),
    )
    counts = {row["kind"]: row["events"] for row in ask(log, "select kind, events from kinds")}
    assert counts == {**counts, **result.reading.by_kind}


def test_the_questions_in_the_documents_have_answers(demo_says: Ask, root: Path) -> None:
    questions = re.findall(r"```sql\n(.*?)```", (root / "docs/query.md").read_text(), re.DOTALL)
    assert len(questions) == 10
    assert [question for question in questions if not demo_says(question)] == []
