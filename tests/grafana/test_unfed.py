"""What panels say of a run that does not feed them: of a plain trainer, and of a policy alone, on a real Prometheus."""

from collections.abc import Iterator
from typing import Any

import pytest

from nissa.cli.runs.replay import read_run
from nissa.events.event import Event
from tests.grafana.checking import panels
from tests.grafana.columns import head_of, properties
from tests.grafana.served import Served, served
from tests.unseeded import plain, policy

Boards = dict[str, dict[str, Any]]

SEEDS, POLICY = "no seeds, or not told", "no policy, or not told"
PROBES = "not measured: no watch, or not in its profile"
ENDS = "no accuracy at the end of an episode"
ISOLATED, TWIN = "no seed is isolated", "no host alone"
COUNTED = {"nobody did", "no check failed", "no alert was raised"}
"""Of what is counted, and did not happen."""


@pytest.fixture(scope="module", params=[plain, policy], ids=["plain", "policy"])
def run(request: pytest.FixtureRequest, prometheus: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The name of a run, and what Prometheus scraped of it."""
    directory = tmp_path_factory.mktemp("unfed") / "run"
    request.param(directory)
    events: list[Event[Any]] = []
    read_run(directory, events.append)
    with served(prometheus, events, parts=3) as found:
        yield request.param.__name__, found


def said(board: dict[str, Any], found: Served) -> dict[str, str]:
    """The words of the panels that have nothing to show."""
    return {
        panel["title"]: panel["fieldConfig"]["defaults"]["noValue"]
        for panel in panels(board)
        if not any(found.series(target["expr"]) for target in panel["targets"])
    }


def test_boards_of_growth_say_that_there_are_no_seeds(run: tuple[str, Served], boards: Boards) -> None:
    for uid in ("nissa-blueprints", "nissa-slots"):
        told = said(boards[uid], run[1])
        others = {"none was trained", "the run has one group"}
        assert {*told.values()} <= {SEEDS, ENDS, ISOLATED, TWIN} | COUNTED | others
        assert len(told) >= len([*panels(boards[uid])]) - 1, "the best runs may have a reward"
        assert {told[title] for title in told if "eed" in title} <= {SEEDS}
        assert {told[title] for title in told if "Leakage" in title} <= {ISOLATED}


def test_the_board_of_the_policy_says_that_there_is_none(run: tuple[str, Served], boards: Boards) -> None:
    name, found = run
    told = said(boards["nissa-policy"], found)
    others = {"no decision was refused", "it did not, or nobody asked"}
    if name == "plain":
        assert told.keys() == {panel["title"] for panel in panels(boards["nissa-policy"])}
        assert told.pop("Reward of an episode") == "not told at the end of an episode"
    else:
        assert not {"KL", "Entropy by head", "Reward of an episode"} & told.keys()
        # There is one, and it tells little.
        assert told["Learning rate"] == POLICY
    assert {*told.values()} == {POLICY} | others


def test_the_board_of_the_network_says_what_is_not_measured_and_what_not_told(
    run: tuple[str, Served], boards: Boards
) -> None:
    name, found = run
    told = said(boards["nissa-network"], found)
    assert {told[title] for title in ("Sharpness", "Update ratio", "Dormant units", "Best and worst class")} == {PROBES}
    assert {told[title] for title in ("Training and validation accuracy", "Accuracy of the last batch")} == {"not told"}
    assert told["Epochs without gain"] == "no accuracy was told"
    fed = {"Health", "Loss of the last batch", "Gradients of the layers", "Learning"}
    assert fed & told.keys() == (set() if name == "plain" else fed)
    assert name == "plain" or (told["Health"], told["Learning"]) == (PROBES, "no epoch has ended")


def test_the_overview_says_why_there_is_no_verdict(run: tuple[str, Served], boards: Boards) -> None:
    told = said(boards["nissa-overview"], run[1])
    assert {told[title] for title in ("Best peak accuracy", "Kept gain", "Trained, kept, and the host alone")} == {ENDS}
    assert (told["Live growth"], told["Progress"]) == (SEEDS, "no plan is known")
    assert told["Runs"] == "no start of a run was told"


def test_a_cell_of_a_row_says_what_is_true_of_the_row(boards: Boards) -> None:
    (table,) = [panel for panel in panels(boards["nissa-overview"]) if panel["title"] == "Each environment"]
    words = {head_of(table, target): properties(table, target)["noValue"] for target in table["targets"]}
    seeds = dict.fromkeys(("live growth", "cost", "live seeds"), "no seeds")
    assert words == dict.fromkeys(words, "-") | seeds | {"health": "not measured"}
    (brought,) = [panel for panel in panels(boards["nissa-blueprints"]) if panel["title"] == "What blueprints brought"]
    # Who has a row has seeds.
    assert {properties(brought, target)["noValue"] for target in brought["targets"]} == {"-"}


def test_every_panel_has_a_word_and_no_label_is_mistaken_for_it(boards: Boards) -> None:
    for board in boards.values():
        for panel in panels(board):
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
            heads = {head_of(panel, target) for target in panel["targets"]}
            for rule in panel["fieldConfig"]["overrides"] if panel["type"] == "table" else ():
                if rule["matcher"]["options"] not in heads:
                    assert {"id": "noValue", "value": "-"} in rule["properties"]
