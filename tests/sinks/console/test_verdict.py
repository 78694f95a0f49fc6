"""The answer to "is growing winning?": three lines a group, with all that it rests on, and nothing else."""

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
    "kept_training_delta_mean": -2.13,
    "kept_training_delta_low": -5.01,
    "kept_training_delta_high": 0.75,
    "final_training_delta_mean": 1.23,
    "peak_training_delta_mean": 0.85,
    "growth_ratio_mean": 1.21,
    "efficiency_ratio_mean": 0.81,
    "final_growth_ratio_mean": 1.45,
    "final_efficiency_ratio_mean": 0.7,
    "final_training_delta_low": -0.25,
    "final_training_delta_high": 2.71,
    "peak_training_delta_low": 0.1,
    "peak_training_delta_high": 1.6,
    "efficiency_wins": 1,
    "efficiency_episodes": 19,
    "accuracy_wins": 3,
    "accuracy_ties": 5,
    "shown": "not shown",
}


def said(**changes: Any) -> list[str]:
    """The lines of a group, without head and legend."""
    lines = [str(line) for line in verdict_lines([ROW | changes])]
    assert lines[0] == "Is growing winning?"
    assert all(len(line) <= 120 for line in lines)
    return [line for line in lines[1:] if not line.startswith(("Kept: ", "Twin: "))]


def test_a_group_has_three_lines_by_accuracy_by_episodes_and_size_and_of_the_trained_network() -> None:
    assert said() == [
        "ppo: not shown. Kept 91.20%, twin 93.33%: -2.13 points (95% CI -5.01 to +0.75); 4 envs, 20 episodes.",
        "  More accurate in 3 of 20, ties 5."
        " Accuracy per parameter (efficiency ratio) 0.81 at 1.21x; above 1 in 1 of 19.",
        "  As trained 94.56% at 1.45x: +1.23 points (95% CI -0.25 to +2.71), peak +0.85 (+0.10 to +1.60).",
    ]


@pytest.mark.parametrize("shown", ["better", "worse", "not shown"])
def test_the_first_words_are_the_verdict(shown: str) -> None:
    assert said(shown=shown)[0].startswith(f"ppo: {shown}. ")


def test_wins_are_of_the_episodes_that_can_win_and_a_lack_of_ties_is_no_news() -> None:
    line = said(compared=18, accuracy_wins=4, accuracy_ties=0, efficiency_wins=0, efficiency_episodes=12)[1]
    assert line.startswith("  More accurate in 4 of 18. ")
    assert line.endswith("; above 1 in 0 of 12.")


def test_what_is_not_finite_is_said_in_words_and_has_no_difference() -> None:
    names = ["kept_accuracy_mean", "efficiency_ratio_mean", "final_accuracy_mean"]
    names.extend(f"{of}_training_delta_{part}" for of in ("kept", "final", "peak") for part in ("mean", "low", "high"))
    assert said(**dict.fromkeys(names, "NaN")) == [
        "ppo: not shown. Kept not finite in some episode, twin 93.33%; 4 envs, 20 episodes.",
        "  More accurate in 3 of 20, ties 5. Accuracy per parameter not finite in some episode; above 1 in 1 of 19.",
        "  As trained not finite in some episode at 1.45x.",
    ]


def test_faults_that_were_injected_stand_before_all_groups() -> None:
    first, second, *_ = map(str, verdict_lines([ROW], injected="2 faults injected on purpose"))
    assert (first, second) == ("Is growing winning?", "Of a training with 2 faults injected on purpose.")


def test_episodes_that_are_in_no_mean_are_named() -> None:
    assert said(compared=18, unended=2)[0].endswith("; 4 envs, 18 of 20 episodes (2 unended).")


def test_one_environment_has_no_interval_and_no_plural() -> None:
    ends = {f"{of}_training_delta_{end}": None for of in ("kept", "final", "peak") for end in ("low", "high")}
    kept, _, trained = said(envs=1, episodes=1, compared=1, **ends)
    assert kept.endswith("-2.13 points (no CI); 1 env, 1 episode.")
    assert trained.endswith(": +1.23 points (no CI), peak +0.85.")


def test_what_was_not_told_is_not_made_up() -> None:
    nothing = {name: None for name in ROW if name.endswith(("_mean", "_low", "_high"))}
    assert said(**nothing, group=None, compared=0) == [
        "all: not shown. Kept not told, twin not told; 4 envs, 0 of 20 episodes.",
        "  Its size is not told.",
    ]
    assert said(efficiency_ratio_mean=None)[1] == "  More accurate in 3 of 20, ties 5. Kept size 1.21x."
    assert said(kept_accuracy_mean=None, kept_training_delta_mean=None)[0].startswith(
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
