"""The answer to "is growing winning?": two lines a group, with all that it rests on, and nothing else."""

from typing import Any

import pytest

from nissa.sinks.console import verdict_lines

ROW: dict[str, Any] = {
    "run": "r",
    "group": "ppo",
    "envs": 4,
    "episodes": 20,
    "compared": 20,
    "unended": 0,
    "final_accuracy_mean": 94.56,
    "kept_accuracy_mean": 91.2,
    "twin_accuracy_mean": 93.33,
    "kept_delta_mean": -2.13,
    "kept_delta_low": -5.01,
    "kept_delta_high": 0.75,
    "final_delta_mean": 1.23,
    "peak_delta_mean": 0.85,
    "growth_ratio_mean": 1.21,
    "efficiency_ratio_mean": 0.81,
    "final_growth_ratio_mean": 1.45,
    "final_efficiency_ratio_mean": 0.7,
    "efficiency_wins": 1,
    "shown": "not shown",
}


def said(**changes: Any) -> list[str]:
    """The lines of a group, without head and legend."""
    lines = [str(line) for line in verdict_lines([ROW | changes])]
    assert lines[0] == "Is growing winning?"
    assert all(len(line) <= 120 for line in lines)
    return lines[1:3]


def test_a_group_has_two_lines_with_effect_interval_basis_size_and_the_trained_network() -> None:
    accuracy, size = said()
    assert accuracy == (
        "ppo: not shown. Kept 91.20%, twin 93.33%: -2.13 points (95% CI -5.01 to +0.75); 4 envs, 20 episodes."
    )
    assert size == (
        "  Efficiency ratio 0.81 at 1.21x, no win in 19 of 20 episodes."
        " As trained 94.56% at 1.45x: +1.23 points, peak +0.85."
    )


@pytest.mark.parametrize("shown", ["better", "worse", "not shown"])
def test_the_first_words_are_the_verdict(shown: str) -> None:
    assert said(shown=shown)[0].startswith(f"ppo: {shown}. ")


def test_where_it_wins_by_size_the_wins_are_counted() -> None:
    assert (
        "Efficiency ratio 1.02 at 1.21x, a win in 12 of 20" in said(efficiency_ratio_mean=1.02, efficiency_wins=12)[1]
    )
    assert (
        "Efficiency ratio 1.00 at 1.00x, no win in 20 of 20"
        in said(efficiency_ratio_mean=1.0, growth_ratio_mean=1.0, efficiency_wins=0)[1]
    )


def test_episodes_that_are_in_no_mean_are_named() -> None:
    assert said(compared=18, unended=2)[0].endswith("; 4 envs, 18 of 20 episodes (2 unended).")


def test_one_environment_has_no_interval_and_no_plural() -> None:
    line = said(envs=1, episodes=1, compared=1, kept_delta_low=None, kept_delta_high=None)[0]
    assert line.endswith("-2.13 points (no CI); 1 env, 1 episode.")


def test_what_was_not_told_is_not_made_up() -> None:
    nothing = {name: None for name in ROW if name.endswith(("_mean", "_low", "_high"))}
    assert said(**nothing, group=None, compared=0) == [
        "all: not shown. Kept not told, twin not told; 4 envs, 0 of 20 episodes.",
        "  Its size is not told.",
    ]
    assert said(efficiency_ratio_mean=None)[1].startswith("  Kept size 1.21x. As trained 94.56%")
    assert said(kept_accuracy_mean=None, kept_delta_mean=None)[0].startswith(
        "ppo: not shown. Kept not told, twin 93.33%;"
    )


def test_a_group_of_which_no_episode_ended_has_no_figures() -> None:
    lines = [str(line) for line in verdict_lines([ROW | {"episodes": 0, "unended": 2}])]
    assert lines[1] == "ppo: not shown. No episode has ended (2 began)."
    assert lines[2].startswith("Kept: ")


def test_every_group_has_its_lines_and_the_words_are_explained_once() -> None:
    lines = [str(line) for line in verdict_lines([ROW, ROW | {"group": "heuristic"}])]
    assert [line.split(":")[0] for line in lines if ": not shown" in line] == ["ppo", "heuristic"]
    assert [sum(line.startswith(word) for line in lines) for word in ("Kept: ", "Twin: ")] == [1, 1]
    assert list(verdict_lines([])) == []
