"""The tables of the summary: no empty column, marks that are explained, and lists that say what they leave out."""

import io
from typing import Any

from rich.console import Console

from nissa.sinks.console import summary
from nissa.sinks.console.scoreboard import SCOREBOARDS_SHOWN
from nissa.sinks.tables import Tables

NOTHING: dict[str, Any] = Tables().snapshot()


def drawn(width: int = 120, so_far: bool = False, **tables: list[dict[str, Any]]) -> list[str]:
    """The lines of a summary, without blanks at their ends."""
    file = io.StringIO()
    Console(file=file, width=width, no_color=True).print(summary(NOTHING | tables, so_far=so_far))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert all(len(line) <= width for line in lines)
    return lines


def blueprint(name: str, gain: float | None, low: float | None, high: float | None, **more: Any) -> dict[str, Any]:
    row = {"run": "r", "group": "ppo", "blueprint": name, "germinated": 6, "fossilized": 2, "culled": 3, "cut_off": 1}
    row |= {"late_germinated": 1, "late_fossilized": 1, "fossilization_rate": 40.0, "lifespan_mean": 9.0}
    row |= {"net_gain_mean": gain, "net_gain_low": low, "net_gain_high": high, "net_gain_n": 5, "net_gain_envs": 2}
    row |= {f"{of}_{what}": None for of in ("ablation", "cull_drop") for what in ("mean", "low", "high")}
    row |= {f"{of}_{what}": 0 for of in ("ablation", "cull_drop") for what in ("n", "envs")}
    return row | {"never_mixed": 0, "acc_delta_mean": 20.0, "churn_mean": None} | more


ROWS = [blueprint("attention", 2.0, -0.5, 4.5), blueprint("norm", -1.0, -3.0, 1.0), blueprint("late", None, None, None)]


def names(lines: list[str], title: str) -> list[str]:
    """Blueprints in the order of a table."""
    start = lines.index(title)
    body = next(place for place, line in enumerate(lines) if place > start and line.startswith("─")) + 1
    rows = lines[body : body + 3]
    return [row.split()[1] for row in rows if row.startswith("ppo")]


def test_blueprints_come_in_their_order_and_nothing_is_claimed_where_nothing_is_shown() -> None:
    lines = drawn(blueprints=ROWS)
    for title in ("Blueprints: what they bring", "Blueprints: what becomes of them"):
        assert names(lines, title) == ["attention", "norm", "late"]
    assert "No blueprint's net gain is shown to be above 0 (2 tests, each by itself)." in lines
    assert not any(line.split()[2:3] == ["*"] for line in lines)


def test_an_interval_without_0_is_marked_and_said() -> None:
    better, worse = blueprint("norm", 2.0, 0.5, 3.5), blueprint("attention", -2.0, -3.0, -1.0)
    lines = drawn(blueprints=[better, worse, ROWS[2]])
    rows = [" ".join(line.split()) for line in lines]
    assert "ppo norm * +2.00 +0.50 to +3.50 5 / 2 +20.00" in rows
    assert "ppo attention * -2.00 -3.00 to -1.00 5 / 2 +20.00" in rows
    assert "Net gain above 0: ppo norm; below 0: ppo attention (2 tests, each by itself)." in lines
    assert any(line.startswith("* its 95% CI") for line in lines)


def test_an_interval_that_touches_0_shows_nothing() -> None:
    lines = drawn(blueprints=[blueprint("norm", 2.0, 0.0, 4.0)])
    assert "No blueprint's net gain is shown to be above 0 (1 test)." in lines
    lines = drawn(blueprints=[blueprint("norm", 2.0, None, None), blueprint("late", "NaN", "NaN", "NaN")])  # type: ignore[arg-type]
    assert "No blueprint's net gain is shown to be above 0 (none has an interval)." in lines


def test_while_a_run_goes_on_a_net_gain_is_one_so_far() -> None:
    finding = "No blueprint's net gain is shown to be above 0 so far (2 tests, each by itself)."
    assert finding in drawn(blueprints=ROWS, so_far=True)
    better = blueprint("norm", 2.0, 0.5, 3.5)
    assert "Net gain above 0 so far: ppo norm (1 test)." in drawn(blueprints=[better], so_far=True)


def test_seeds_that_never_mixed_in_are_counted_and_not_named_where_there_are_none() -> None:
    lines = drawn(blueprints=[blueprint("norm", 1.0, 0.5, 1.5, never_mixed=2), blueprint("late", None, None, None)])
    assert "It is of all seeds that ended, 10: 2 of them never mixed in." in lines
    assert not any("never mixed" in line for line in drawn(blueprints=ROWS))


def test_without_a_twin_no_gain_is_shown_and_that_is_said() -> None:
    lines = drawn(blueprints=[blueprint("norm", None, None, None, net_gain_n=0, net_gain_envs=0)])
    assert not any("net gain," in line for line in lines)
    assert "Net gains are not known: no twin was told over the epochs of a seed." in lines


def test_ablation_and_the_cost_of_a_cull_have_their_seeds_and_environments_and_a_star_from_three_on() -> None:
    more: dict[str, Any] = {"ablation_mean": 0.5, "ablation_low": 0.25, "ablation_high": 0.75, "ablation_n": 4}
    more |= {"ablation_envs": 3, "cull_drop_envs": 2}
    more |= {"cull_drop_mean": 1.5, "cull_drop_low": 0.5, "cull_drop_high": 4.0, "cull_drop_n": 3}
    rows = [" ".join(line.split()) for line in drawn(blueprints=[blueprint("norm", 1.0, -1.0, 3.0, **more)])]
    assert "ppo norm +1.00 -1.00 to +3.00 5 / 2 * +0.50 (4 / 3) +1.50 (3 / 2) +20.00" in rows


def test_seeds_that_were_cut_off_are_no_culled_ones_and_shares_are_of_their_group() -> None:
    rows = [
        blueprint("norm", 1.0, None, None, germinated=6, late_germinated=1),
        blueprint("attention", 0.0, None, None, germinated=2, late_germinated=3),
        blueprint("norm", 0.0, None, None, group="never", germinated=1, late_germinated=0),
    ]
    fates = [" ".join(line.split()) for line in drawn(blueprints=rows)]
    # germinated, its share; fossilized, culled, cut off, rate, life; the same late
    assert "ppo norm 6 75 2 2 1 40.0 9.0 1 25 1" in fates
    assert "ppo attention 2 25 2 2 1 40.0 9.0 3 75 1" in fates
    assert "never norm 1 100 2 2 1 40.0 9.0 0 - 1" in fates


def board(env: int) -> dict[str, Any]:
    row = {"run": "r", "group": "ppo", "env": env, "germinated": 3, "fossilized": 2, "culled": 1, "params_added": 1794}
    row |= {"host_params": 1250, "growth_ratio": 1.5, "compute_cost": 1.35, "flops_ratio": None}
    return row | {"fossilized_by_blueprint": {"norm": 2}}


def test_growth_is_told_by_episode_and_never_added_up_over_models() -> None:
    grown = [(0, 1.0), (0, 1.1), (0, 1.5), (0, None), (1, 2.0)]
    episodes = [{"run": "r", "group": "ppo", "env": env, "kept_growth_ratio": ratio} for env, ratio in grown]
    lines = drawn(scoreboards=[board(0), board(1), board(2)], episodes=episodes)
    rows = [" ".join(line.split()) for line in lines]
    assert "ppo 0 3 2 1 4 1.20x 1.00-1.50x 1.50x 1.35x norm 2" in rows
    assert "ppo 1 3 2 1 1 2.00x 2.00-2.00x 1.50x 1.35x norm 2" in rows
    assert "ppo 2 3 2 1 - - - 1.50x 1.35x norm 2" in rows
    assert not any("143.5" in line or "FLOPs\nat hand" in line for line in lines)


def network(env: int) -> dict[str, Any]:
    row = {"run": "r", "group": "ppo", "env": env, "episode": 0, "epoch": 9, "health": 1.0, "learning": "plateau"}
    return row | {"red_flags": [], "narrative": "well"}


def layer(env: int, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"run": "r", "group": "ppo", "env": env, "layer": name, "grad_norm": 1.0, "weight_norm": 2.0}
    return row | dict.fromkeys(("update_ratio", "dormant", "effective_rank", "complaint"))


def alert(env: int | None, **more: Any) -> dict[str, Any]:
    row = {"severity": "warning", "alert": "accuracy_drop", "group": "ppo", "env": env, "episode": 3, "epoch": 32}
    return row | {"update": None, "state": "over", "what": "validation accuracy fell" + " far" * 30} | more


def best(rank: int) -> dict[str, Any]:
    row = {"rank": rank, "pareto": False, "group": "ppo", "env": 0, "episode": rank, "epoch": 9}
    return row | {"peak_accuracy": 90.0, "growth_ratio": 1.5, "efficiency": 60.0}


def test_a_list_that_is_cut_says_how_many_it_leaves_out() -> None:
    lines = drawn(
        scoreboards=[board(env) for env in range(SCOREBOARDS_SHOWN + 3)],
        assessments=[network(env) for env in range(18)],
        layers=[layer(env, f"l{n}") for env in range(18) for n in range(5)],
        best_runs=[best(rank) for rank in range(1, 14)],
        alerts=[alert(env) for env in range(25)],
    )
    more = [line.split("more")[0] + "more" + line.split("more")[1].split(":")[0] for line in lines if " more" in line]
    assert more == [
        "3 more environments",
        "2 more networks, no less healthy",
        f"{18 * 5 - 16 * 4} more layers (complaints come first, then the largest)",
        "3 more",
        "5 more",
    ]


def test_the_best_runs_with_a_star_are_shown_wherever_they_stand() -> None:
    lines = drawn(best_runs=[best(rank) | {"pareto": rank in {2, 12}} for rank in range(1, 14)])
    ranks = [line.split()[0] for line in lines if " 90.00" in line]
    assert ranks == [*map(str, range(1, 11)), "12"]
    assert any(line.startswith("2 more: ") for line in lines)


def test_an_alert_is_one_line_and_only_its_text_is_cut() -> None:
    lines = drawn(alerts=[alert(0), alert(None, group=None, episode=None, epoch=None, update=7, state="stands")])
    first, second = [line for line in lines if line.startswith("warning")]
    assert first.split()[:4] == ["warning", "accuracy_drop", "update", "7"]
    assert second.split()[:6] == ["warning", "accuracy_drop", "ppo", "env0", "ep3", "e32"]
    assert second.endswith("…")
    assert len(second) == 120


def test_traces_of_marks_are_counted_apart() -> None:
    reasons = [["loss_spike"], ["gate_failure", "loss_spike"], ["gate_failure"], ["stage_transition", "gate_failure"]]
    lines = drawn(traces=[{"reasons": one} for one in reasons])
    assert lines[1:] == [
        "2 dense traces of alerts: `nissa traces RUN` lists them.",
        "2 of turns in the lives of seeds: with --marks.",
    ]
