"""An accuracy is judged beside the growth of its own network, against the twin at the same epoch, and no other."""

import re
from typing import Any

import pytest

from tests.grafana.checking import panels
from tests.grafana.columns import head_of
from tests.grafana.meanings import metrics_in
from tests.grafana.rules import ALERTS, RECORDED
from tests.grafana.test_leads import asked

Boards = dict[str, dict[str, Any]]
_NETWORKS = {"final": re.compile("_final_"), "kept": re.compile("_kept_")}
_OTHER_LENGTH = {"nissa_baseline_final_accuracy_ratio", "nissa_baseline_final_loss"}
"""Of the twin after all of its epochs, which may be more than those of an episode."""


def mixed(metrics: set[str]) -> list[str]:
    """What is wrong with comparing these: two networks, or an episode and the twin after more epochs than it had."""
    of_ends = {name for name in metrics if name.startswith(("nissa_episode_", "nissa_verdict_"))}
    networks = [key for key, name in _NETWORKS.items() if any(map(name.search, of_ends))]
    found = ["two networks"] if len(networks) > 1 else []
    return found + (["another length"] if of_ends and metrics & _OTHER_LENGTH else [])


def test_no_expression_of_a_panel_takes_two_networks(boards: Boards) -> None:
    wrong = {
        (panel["title"], complaint)
        for board in boards.values()
        for panel in panels(board)
        for target in panel["targets"]
        for complaint in mixed(metrics_in(target["expr"]))
    }
    assert wrong == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_no_alert_takes_two_networks(alert: str) -> None:
    assert mixed(asked(ALERTS[alert]["expr"])) == []


@pytest.mark.parametrize("name", RECORDED)
def test_no_recorded_rule_takes_two_networks(name: str) -> None:
    assert mixed(asked(RECORDED[name])) == []


def test_growth_without_gain_is_of_what_is_kept_against_the_twin_at_the_same_epoch() -> None:
    of_ends = {name for name in asked(ALERTS["NissaGrowthWithoutGain"]["expr"]) if "_episode_" in name}
    kept = {f"nissa_episode_kept_{what}_ratio" for what in ("accuracy", "growth")}
    assert of_ends == {*kept, "nissa_episode_twin_accuracy_ratio"}


def test_the_tile_and_its_alert_are_of_the_same(boards: Boards) -> None:
    (tile,) = [panel for panel in panels(boards["nissa-overview"]) if panel["title"] == "Kept gain"]
    accuracies = {"nissa_episode_kept_accuracy_ratio", "nissa_episode_twin_accuracy_ratio"}
    assert metrics_in(tile["targets"][0]["expr"]) - {"nissa_run_last_event_timestamp_seconds"} == accuracies


def test_the_verdict_has_the_episodes_that_it_compares_beside_all(boards: Boards) -> None:
    (table,) = [panel for panel in panels(boards["nissa-overview"]) if panel["title"] == "Is growing winning?"]
    heads = [head_of(panel=table, target=target) for target in table["targets"]]
    place = heads.index("compared episodes")
    assert heads[place - 1] == "episodes"
    assert "nissa_verdict_compared_episodes" in metrics_in(table["targets"][place]["expr"])


@pytest.mark.parametrize(
    ("metrics", "wrong"),
    [
        ({"nissa_episode_final_accuracy_ratio", "nissa_episode_kept_growth_ratio"}, ["two networks"]),
        ({"nissa_verdict_kept_training_delta_mean_ratio", "nissa_verdict_final_growth_mean_ratio"}, ["two networks"]),
        ({"nissa_episode_kept_accuracy_ratio", "nissa_baseline_final_accuracy_ratio"}, ["another length"]),
        ({"nissa_episode_kept_accuracy_ratio", "nissa_episode_kept_growth_ratio"}, []),
    ],
)
def test_a_wrong_pair_would_be_noticed(metrics: set[str], wrong: list[str]) -> None:
    assert mixed(metrics) == wrong
